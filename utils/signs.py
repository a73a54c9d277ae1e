"""Slashes, brackets and dividers, which look like 1s, told by the digits beside them; and ticks, told by their arms.

A sign sticks out of a line, is bowed, or leans as no digit by the same hand does. Each of these counts, as a share of
the digits' height.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from utils.segment import KNOWN, Parts, Piece

# How far a 1 may stick out of its neighbours above and below, plus how far it may be bowed (see `bow`), as a share of
# their height. What exceeds this is a slash, a bracket or a divider: of held-out 1s a hundredth does, of slashes three
# fifths, of brackets nine tenths.
STICKS_OUT = 0.14
BOWED = 0.07  # how far a bracket is bowed, see `bow`: of drawn ones nineteen twentieths are, of held-out 1s a fiftieth
NEIGHBOURS = 4  # the known digits nearest to it
ONE_HAND = 5  # known digits, from which they tell how their writer's digits lean
STEADY = 6.0  # degrees: the least deviation of slants that is believed; one hand has 4 to 10, MNIST's mixed ones 15
# A 1 that leans by more than so many deviations counts as if it stuck out further: by how much for each one more.
LEANS, LEAN = 1.4, 0.12
# How far a slash must stick out then, if it is the only one, and if another leans as it does, as in a date, to so many
# degrees. Of 130 1s in photos, and of 612 held-out ones by MNIST's mixed writers, none does.
ALONE, TWIN, PARALLEL = 0.24, 0.04, 5.0
FORKED = 50.0  # degrees: two strokes of one piece that lean apart by more are no 1s, but the arms of a tick


def is_stroke(piece: Piece, part: Sequence[Piece]) -> bool:
    """Whether a piece looks like a 1; what is cut into several digits does not."""
    return piece.value == 1 and len(part) < 2


def is_tick(digits: Sequence[Piece], piece: Piece) -> bool:
    """Whether the digits that a piece was cut into are the arms of a tick, or its long arm without the short one.

    The arms lean apart, as no two 1s by one hand do; the short one may be doubtful.
    """
    arms = [slant(digit) if digit.value == 1 or digit.confidence <= KNOWN else np.nan for digit in digits]
    is_arm = len(digits) == 1 and digits[0].value == 1 and digits[0].box != piece.box and arms[0] > FORKED / 2
    return is_arm or any(abs(one - other) > FORKED for one, other in zip(arms, arms[1:]))


def is_bar(piece: Piece, part: Sequence[Piece], line: Parts, room: float) -> bool:
    """Whether what looks like a 1 sticks out above and below the digits beside it; the less, the more it is bowed.

    A slash stands between two numbers. Where there is nothing within `room` pixels on one side, only a bracket ends a
    number, and is bowed to that side; others are 1s, which stand there, or in cells of their own, as high as they like.
    """
    if not is_stroke(piece, part) or prominence(piece, line) <= STICKS_OUT:
        return False
    x, _, w, _ = piece.box
    others = [other.box for other, _ in line]
    before = any(left < x and x - (left + wide) <= room for left, _, wide, _ in others)
    after = any(left > x and left - (x + w) <= room for left, _, _, _ in others)
    bend = bow(piece)
    return (before and after) or (not before and bend > BOWED) or (not after and bend < -BOWED)


def prominence(piece: Piece, line: Parts) -> float:
    """How far a stroke sticks out, above as well as below, of the known digits beside it, and how far it is bowed."""
    known = [other.box for other, _ in line if other.known]
    if len(known) < 2:
        return -np.inf
    x, top, w, h = piece.box
    known.sort(key=lambda box: abs(box[0] + box[2] / 2 - x - w / 2))
    _, y, _, height = np.array(known[:NEIGHBOURS]).T
    above, below = np.median(y) - top, top + h - np.median(y + height)
    return min(above, below) / np.median(height) + abs(bow(piece))


def bow(piece: Piece) -> float:
    """How far both edges of an upright stroke are bowed the same way, as a share of its height; a flag bows one.

    It is positive for what is bowed to the left, as "(" is, and negative for ")".
    """
    inked = piece.ink[piece.ink.any(axis=1)] > 0
    if len(inked) < 3:  # rows
        return 0.0
    along = np.linspace(-1, 1, len(inked))
    edges = inked.argmax(axis=1), -inked[:, ::-1].argmax(axis=1)  # left and right
    left, right = np.polyfit(along, np.transpose(edges), 2)[0] / piece.height
    return float(np.sign(left) * min(abs(left), abs(right))) if left * right > 0 else 0.0


def usual_slant(pieces: Sequence[Piece]) -> tuple[float, float]:
    """How a page's digits lean, and how far they deviate, in degrees: any far where few are known. 1s do not count."""
    slants = [slant(piece) for piece in pieces if piece.known]
    if len(slants) < ONE_HAND:
        return 0.0, np.inf
    usual = np.median(slants)
    return float(usual), float(np.hypot(STEADY, 1.5 * np.median(np.abs(slants - usual))))  # outliers do not count


def find_slashes(run: Parts, usual: float, deviation: float) -> set[int]:
    """Find the slashes between the digits of a number, which may be no higher than they are: their indices.

    Parameters
    ----------
    run : what stands close together
    usual, deviation : see `usual_slant`
    """
    leaning = {}
    for i, (piece, part) in enumerate(run[1:-1], 1):
        own = slant(piece) if is_stroke(piece, part) else -np.inf
        more = (own - usual) / deviation - LEANS
        if more > 0:
            leaning[i] = own, prominence(piece, run) + LEAN * more

    def has_twin(i: int) -> bool:
        twins = [j for j, (own, score) in leaning.items() if score > TWIN and abs(own - leaning[i][0]) < PARALLEL]
        return any(abs(i - j) > 1 for j in twins)  # two slashes are not neighbours

    return {i for i, (_, score) in leaning.items() if score > ALONE or (score > TWIN and has_twin(i))}


def slant(piece: Piece) -> float:
    """How far a piece leans to the right, in degrees, by the moments of its ink."""
    moments = cv2.moments(piece.ink, binaryImage=True)
    return float(np.degrees(np.arctan2(-moments["mu11"], moments["mu02"])))
