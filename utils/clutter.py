"""What is in a picture beside the writing, and goes: a desk, edges, shadows, what shines through."""

from collections.abc import Sequence

import cv2
import numpy as np

from utils.boxes import Box
from utils.ink import PAPERS, find_sheet
from utils.segment import KNOWN, Piece, balance, known_evidence, typical_height, typical_stroke

FEW = 3  # pieces: fewer are no desk, but perhaps a digit in a box of its own
RING = 0.6  # share of a digit's surroundings that must be paper
# A pen is told by its stroke's width over the piece's size, times its ink. What has less or more than these shares of
# the surest digits' median was not written with their pen: it is a remnant of a line, shines through, or lies on the
# paper. Digits in 40 photos have up to 1.7 times the median.
LIGHTEST, HEAVIEST = 0.35, 4.0
CHAIN = 2.0  # heights: the most that counts of the length of digits that touch, or all of them would seem thin
BLOT = 0.36  # of its size: what has wider strokes is a hole or a bullet; a disc has 0.39, MNIST's fattest digit 0.33
HEIGHTS, STROKES = 1.5, 2.0  # ratio of heights, and of strokes, of digits that are alike
OTHER_PEN = 3.0  # ratio of strokes; of digits at an edge it was up to 2.4, of most wood beside a sheet 3 to 8
SHADOW = 0.1  # of its size: how far from an edge a shadow may end that seems to touch it
NEAR_EDGE = 0.5  # digit heights: where the edge above or below cuts off a digit, others of its line come as near to it


def without_desk(pieces: Sequence[Piece], grey: np.ndarray) -> list[Piece]:
    """Drop what lies on another surface than the writing: on the desk beside a sheet, on the wall around a board.

    Two surfaces are told by a step in brightness (Otsu 1979). What lies on a part of either stays if it is one or
    two pieces, if digits outweigh what is none, or if no other part has more evidence.

    Parameters
    ----------
    pieces : with the network's answers
    grey : (H, W) uint8, the picture
    """
    sheet = find_sheet(grey, PAPERS[0])
    if sheet.all():
        return list(pieces)
    count, parts = cv2.connectedComponents(sheet)
    parts = np.where(sheet, parts, count + cv2.connectedComponents(255 - sheet)[1])
    (rows, columns), (height, width) = sheet.shape, grey.shape
    lying: dict[int, list[Piece]] = {}
    for piece in pieces:
        x, y, w, h = piece.box
        part = parts[(y + h // 2) * rows // height, (x + w // 2) * columns // width]
        lying.setdefault(int(part), []).append(piece)
    most = max(lying.values(), key=known_evidence, default=[])
    return [piece for some in lying.values() if some is most or len(some) < FEW or balance(some) >= 0 for piece in some]


def on_paper(piece: Piece, ink: np.ndarray, stroke: float) -> bool:
    """Whether a piece has paper around it, one to two strokes away; beyond the edge of the picture all may be paper."""
    x, y, w, h = piece.box
    near = max(2, round(stroke))
    far = 2 * near
    left, top = max(0, x - far), max(0, y - far)
    shade = ink[top : y + h + far, left : x + w + far]
    off = np.full(shade.shape, 255, np.uint8)
    off[y - top : y - top + h, x - left : x - left + w] -= piece.ink
    distance = cv2.distanceTransform(off, cv2.DIST_L2, cv2.DIST_MASK_3)
    ring = (distance > near) & (distance <= far)
    crest = np.percentile(piece.under(ink), 90)
    # it is far below 0 beyond an edge of the paper, as on the rim of a dark tile; but edges look like 1s
    paper = (np.abs(shade) if piece.value == 1 else shade) < crest / 2
    return not ring.any() or bool(paper[ring].mean() >= RING)


def is_gap(piece: Piece, grey: np.ndarray, stroke: float, is_sheet: bool) -> bool:
    """Whether what looks like a 1 goes on beyond both ends, as the light gap between dark tiles on a light page does.

    A sheet was cut out of a picture: what reaches its edge goes on there, and what stands on its side is that side. A
    picture itself may be cropped tight.
    """
    if piece.value != 1:
        return False
    x, y, w, h = piece.box
    near = 2 * max(2, round(stroke))
    above, below = grey[max(0, y - near) : y, x : x + w], grey[y + h : y + h + near, x : x + w]
    beside = np.hstack([grey[y : y + h, max(0, x - near) : x], grey[y : y + h, x + w : x + w + near]])
    if not beside.size or not (is_sheet or (above.size and below.size)):
        return False
    if is_sheet and (x <= 1 or x + w >= grey.shape[1] - 1):
        return True
    own, ends = np.median(piece.under(grey)), np.vstack([above, below]).mean(axis=1)
    return bool((np.abs(ends - own) < np.abs(ends - np.median(beside))).all())


def same_pen(pieces: Sequence[Piece], ink: np.ndarray, height: float) -> list[Piece]:
    """Drop blots, and what the pen of the surest digits did not write: parts of lines, what shines through, other pens.

    Remnants of many lines may look like more known digits than there are, but seldom like sure ones.
    """
    sizes = [np.clip(piece.size, height, CHAIN * max(piece.height, height)) for piece in pieces]
    weights = [piece.stroke / size * np.median(piece.under(ink)) for piece, size in zip(pieces, sizes)]
    known = [own for own, piece in zip(weights, pieces) if piece.known]
    surest = [own for own, piece in zip(weights, pieces) if piece.sure] or known
    least, most = np.multiply((LIGHTEST, HEAVIEST), np.median(surest)) if surest else (0.0, np.inf)
    return [
        piece
        for own, piece in zip(weights, pieces)
        if own >= least and (own <= most or piece.known) and piece.stroke <= BLOT * piece.size
    ]


def without_edges(lines: Sequence[Sequence[Piece]], shape: tuple[int, ...]) -> list[list[Piece]]:
    """Drop what the edge of the picture may have cut off: what touches it, and is no known digit, nor like one.

    What is like one, such as a 1, goes as well if it alone of its line is near the edge above or below: it is a pen
    that reaches into the picture. What is known goes too if the pen of those inside did not write it: it is the dark
    beside a sheet. Where no digit is known, only what touches three sides goes, as shadows do; a 1 that is cropped
    tight touches four.
    """
    known = [digit for line in lines for digit in line if digit.known]
    inside = [digit for digit in known if not touched_sides(digit.box, *shape)]
    tall, pen = (typical_height(known), typical_stroke(known)) if known else (0.0, 0.0)
    inner_pen = typical_stroke(inside) if inside else 0.0

    def stays(digit: Piece, line: Sequence[Piece]) -> bool:
        if not touched_sides(digit.box, *shape):
            return True
        if digit.known:
            return not inside or 1 / OTHER_PEN < digit.stroke / inner_pen < OTHER_PEN
        if not known:
            return touched_sides(digit.box, *shape, SHADOW * digit.size) != 3
        alike = 1 / HEIGHTS < digit.height / tall < HEIGHTS and 1 / STROKES < digit.stroke / pen < STROKES
        return alike and digit.confidence > KNOWN and is_cut_with_its_line(digit, line)

    def is_cut_with_its_line(digit: Piece, line: Sequence[Piece]) -> bool:
        _, y, _, h = digit.box
        reach = NEAR_EDGE * tall
        near = [(one.box[1] <= reach, one.box[1] + one.height >= shape[0] - reach) for one in line]
        above, below = np.sum(near, axis=0)  # itself is one of them
        return bool((y > 1 or above > 1) and (y + h < shape[0] - 1 or below > 1))

    return [[digit for digit in line if stays(digit, line)] for line in lines]


def touched_sides(box: Box, height: int, width: int, near: float = 1) -> int:
    """How many sides of a picture of this size a box touches, to so many pixels."""
    x, y, w, h = box
    return sum((x <= near, y <= near, x + w >= width - near, y + h >= height - near))
