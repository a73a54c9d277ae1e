"""Read a picture under one hypothesis after the other, until what is read is beyond doubt.

What tells ink from paper, and writing from everything else, is that it makes digits. Which way the ink goes, how large
the writing is against its picture, whether all of it is on a sheet, and which way up the picture is, are guessed; the
network's evidence tells which guess was right.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence

import cv2
import numpy as np

from utils.boxes import meets, overlap, shared_area
from utils.classifier import Classifier, Memory
from utils.clutter import BLOT, touched_sides
from utils.ink import PAPERS, Outline, cut_sheet, find_sheet, find_sheets, has_light_ink, resize, to_grey
from utils.lines import group_lines
from utils.page import MANY, Hypothesis, Page, Scaled, read, read_at, turned
from utils.segment import (
    KNOWN,
    SEVERAL,
    Look,
    Piece,
    known_evidence,
    logit,
    paint,
    surrounds,
    typical_height,
)
from utils.spaces import space_numbers

ALIKE = 0.5  # intersection over union of their boxes: from here on two digits are in the same place
BETTER = 1.05  # of the evidence so far: what a less likely hypothesis must have
TURNED = 20  # strokes, the largest, that are looked at turned
CUT = 2  # pixels: what comes so close to a sheet's edge is cut off by it
ON_SHEET = 0.75  # share of a digit's box: one of which so much lies on a sheet is written on it
INVERSE, ENOUGH = 0.25, 0.02  # see `has_other_ink`: share of the paper's light, and of the pixels of ink
LIKELY, CLEARLY = 3.0, 1.5  # what a turn must have: mean log-odds, and times the evidence of the upright strokes

Digits = tuple[np.ndarray, np.ndarray]  # the values of digits (N,), and their boxes in pixels of the picture (N, 4)


def read_page(image: np.ndarray, classifier: Classifier) -> Page:
    """Read the digits in a picture.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8
    classifier : see `utils.classifier.load_classifier`
    """
    grey, look = to_grey(image), Memory(classifier).look

    @functools.lru_cache(4)  # not anew for each hypothesis
    def scaled(scale: float, sheet: Outline | None) -> np.ndarray:
        if scale != 1:
            return resize(scaled(1, sheet), scale)
        return cut_sheet(grey, sheet) if sheet else grey

    def complete(page: Page) -> Page:
        return read_sheets(grey, with_other_ink(page, scaled, look), scaled, look)

    best, tried = read_until_convinced(hypotheses(grey), scaled, look)
    best = complete(best)
    # digits that lie on their side may have made a wrong hypothesis seem best: all are asked
    others = [strokes for strokes in tried if strokes is not best.strokes]
    turns = (likely_turn(strokes, look) for strokes in [best.strokes, *others])
    if not best.is_text and (turn := next(filter(None, turns), 0)):
        upright, _ = read_until_convinced(hypotheses(grey, turn), scaled, look)
        best = better(complete(upright), best)
    return best


def read_until_convinced(
    hypotheses: Iterable[Hypothesis], scaled: Scaled, look: Look
) -> tuple[Page, list[list[Piece]]]:
    """Read a picture under one hypothesis after the other, until one reading is beyond doubt, or text.

    Returns
    -------
    The most convincing page, and the strokes under each hypothesis; all pages would need too much memory.
    """
    best, tried = None, []
    readings: dict[bool, list[Digits]] = {}  # of light ink, and of dark ink
    for hypothesis in hypotheses:
        if best and best.is_text and hypothesis.light_ink in readings:  # not anew at another size
            continue
        page = read(scaled, hypothesis, look)
        readings.setdefault(hypothesis.light_ink, []).append(digits_in_picture(page))
        if not best:
            best = page
        elif not best.is_text or page.convinces:  # a doubtful digit is no match for text
            best = better(page, best, lambda page: support(page, readings[page.hypothesis.light_ink]))
        tried.append(page.strokes)
        # a few digits may be the outline of a sheet, and text the grain of the desk below it: both inks must be tried
        is_print = best.is_text and find_sheet(best.grey, PAPERS[0]).all()
        is_clear = is_print or (best.convinces and best.known >= MANY)
        is_likely = best.is_text or (best.convinces and not best.may_be_holes)
        if is_clear or (is_likely and len(readings) > 1):
            break
    return best, tried


def support(page: Page, readings: Sequence[Digits]) -> float:
    """Weigh what speaks for a page: its evidence, in which a digit counts as often as it was read.

    What is made of parts of strokes, or of shades, comes and goes with the estimate of the paper; a digit stays. Ink
    that is neither in digits nor in words speaks against the page.

    Parameters
    ----------
    page : whose evidence is asked for
    readings : under all hypotheses of the same ink so far, its own among them, see `digits_in_picture`
    """
    again = 0.0
    for value, box, weight in zip(*digits_in_picture(page), page.weights):
        found = [(overlap(box, boxes[values == value]) > ALIKE).any() for values, boxes in readings]
        again += weight * (sum(found) - 1)
    return (page.evidence + again) * np.sqrt(min(1.0, page.share(page.digits + page.letters)))


def digits_in_picture(page: Page) -> Digits:
    """Give the values and the boxes of a page's digits; the page itself would take too much memory to be kept."""
    digits = [digit for line in page.in_picture() for digit in line]
    boxes = np.array([digit.box for digit in digits]).reshape(-1, 4)
    return np.array([digit.value for digit in digits]), boxes


def with_other_ink(page: Page, scaled: Scaled, look: Look) -> Page:
    """Add what is written in the other ink, as in a table's dark header: digits beyond doubt where none were read.

    Several must be known, or one less if all stand in lines of those that were read.
    """
    if page.is_text or not page.lines or not has_other_ink(page):
        return page
    inverse = page.hypothesis._replace(light_ink=not page.hypothesis.light_ink)
    other = read_at(scaled, inverse, page.scale, page.height, look)
    taken = np.array([piece.box for piece in page.digits + page.letters]).reshape(-1, 4)
    lines = [[digit for digit in line if not meets(digit.box, taken)] for line in other.lines]
    other = other._replace(lines=[line for line in lines if line])
    if not other.is_beyond_doubt:
        return page
    digits = page.digits + other.digits
    grouped = group_lines([digit.box for digit in digits], typical_height(digits))
    in_its_lines = all(min(line) < len(page.digits) for line in grouped)
    if other.known < SEVERAL - in_its_lines:
        return page
    return page._replace(
        mask=page.mask | paint(other.digits, page.mask.shape),
        strokes=page.strokes + other.digits,
        pieces=page.pieces + other.digits,
        lines=space_numbers([[digits[i] for i in line] for line in grouped]),
    )


def has_other_ink(page: Page) -> bool:
    """Whether some of a page may be written in the other ink, such as light ink on a dark band of a light page.

    If the band is broad, its own dark is taken for paper there, and light ink stands out from it by more than INVERSE.
    If it is narrow, it is taken for ink, and is wider than any stroke.
    """
    if np.count_nonzero(page.ink < -INVERSE) > ENOUGH * cv2.countNonZero(page.mask):
        return True
    width = max(3, round(BLOT * page.height))
    return bool(cv2.erode(page.mask, np.ones((width, width), np.uint8)).any())


def read_sheets(grey: np.ndarray, whole: Page, scaled: Scaled, look: Look) -> Page:
    """Read each sheet in a picture on its own, for it may be small.

    A page of text is not read again. A sheet that its digits explain replaces the reading so far, see `explains_sheet`;
    others must beat it clearly. Many digits beyond doubt tell the ink; a few may be the outline of the sheet, or
    what lies beside it. A sheet of which digits are not most of the ink must have several known ones.
    """
    if whole.is_text:
        return whole
    best = whole
    inks = (whole.hypothesis.light_ink,) if whole.convinces and whole.known >= MANY else (False, True)
    for sheet in find_sheets(grey):
        for light_ink in inks:
            page = read(scaled, Hypothesis(light_ink, PAPERS[0], whole.hypothesis.turn, sheet), look)
            if explains_sheet(page, best):
                best = page
            elif page.known >= SEVERAL:
                best = better(page, best)
    return best


def explains_sheet(page: Page, best: Page) -> bool:
    """Whether digits are most of the ink on a sheet, and nothing that was read before speaks against it.

    At least one must be whole: the "sheet" may be a shadow, and its edge cut off what lies across. What speaks against
    it:

    1. A digit that covers more than half of the sheet, for the "sheet" may be that digit, or a hole in it, which looks
       like a 0 or a 1. But it is the sheet itself if a digit on it is as sure, and is beyond doubt and no 0, or the
       large one is not known; or if it is a 0 whose walls are wider than any stroke, on a page that does not convince.
    2. A sure digit whose middle is beside the sheet, and that the picture's edge does not cut off. Others that lie
       across the sheet's edge do not count.
    3. Known digits on the sheet with more evidence than those that are whole in its own reading.
    """
    digits = uncut_digits(page) if page.is_explained else []
    if not digits:
        return False
    x, _, w, _ = np.array([digit.box for digit in digits]).T
    span = max(x + w) - min(x)
    outline = np.float32(page.hypothesis.sheet)
    around = np.array([cv2.boundingRect(outline)])
    on_sheet = []
    for seen, digit in zip(best.digits, [digit for line in best.in_picture() for digit in line]):
        x, y, w, h = digit.box
        shared = shared_area(digit.box, around).item()
        is_beside = cv2.pointPolygonTest(outline, (x + w / 2, y + h / 2), measureDist=False) < 0
        if 2 * shared > np.prod(around[0, 2:]):  # 1
            is_wall = digit.value == 0 and (w - span) / 2 > BLOT * digit.size and not best.convinces
            surer = [own for own in digits if own.confidence >= digit.confidence]
            if not is_wall and not any((own.sure and own.value != 0) or digit.confidence <= KNOWN for own in surer):
                return False
        elif digit.confidence <= KNOWN:
            continue
        elif shared > ON_SHEET * w * h:
            on_sheet.append(digit)
        elif is_beside and digit.sure and not touched_sides(seen.box, *best.mask.shape):  # 2
            return False
    return known_evidence(on_sheet) <= BETTER * known_evidence(digits)  # 3


def uncut_digits(page: Page) -> list[Piece]:
    """Give the digits on a sheet that its edge does not cut off; their boxes are in pixels of the picture."""
    outline = np.array(page.hypothesis.sheet)
    sheet = cv2.fillConvexPoly(np.zeros(page.shape, np.uint8), outline - outline.min(axis=0), 255)
    sheet = turned(sheet, page.hypothesis.turn)
    sheet = cv2.resize(sheet, page.mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(sheet, None, iterations=CUT, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    in_picture = (digit for line in page.in_picture() for digit in line)
    return [digit for seen, digit in zip(page.digits, in_picture) if seen.under(inside).all()]


def better(page: Page, best: Page, weigh: Callable[[Page], float] = lambda page: page.evidence) -> Page:
    """Choose between a page and the best so far, whose hypothesis is likelier: it must be clearly beaten.

    `weigh` tells how much speaks for a page. But a page that convinces, not by 0s alone, beats one that does not if it
    has as many known digits. And only one of two inks is writing, only one way up is right. The other may make one
    large digit of a whole desk, or of the sheet itself: of its page, 0s around sure digits are dropped. There a page
    that convinces beats any with fewer known digits that does not, and if it has SEVERAL, those that have fewer than
    that.
    """
    is_other = (page.hypothesis.light_ink, page.hypothesis.turn) != (best.hypothesis.light_ink, best.hypothesis.turn)
    if is_other:
        page, best = without_circles(page, best), without_circles(best, page)
    for one, other in (page, best), (best, page):
        beats_doubt = not other.convinces and (one.known == other.known or (is_other and one.known > other.known))
        beats_fewer = is_other and one.known >= SEVERAL > other.known
        if one.convinces and not one.may_be_holes and (beats_doubt or beats_fewer):
            return one
    return page if weigh(page) > BETTER * weigh(best) else best


def without_circles(page: Page, other: Page) -> Page:
    """Drop 0s that enclose a sure digit of the other ink: they are the area around it.

    A 0 inside does not count, for the hole of a 0 looks like one.
    """
    written = [digit.box for line in other.in_picture() for digit in line if digit.sure and digit.value != 0]
    inner = np.array(written).reshape(-1, 4)
    circles = [digit.value == 0 and surrounds(digit.box, inner) for line in page.in_picture() for digit in line]
    if not any(circles):
        return page
    dropped = iter(circles)
    lines = [[digit for digit in line if not next(dropped)] for line in page.lines]
    return page._replace(lines=[line for line in lines if line])


def hypotheses(grey: np.ndarray, turn: int = 0) -> Iterator[Hypothesis]:
    """List what may be true of a picture, the likeliest first; `turn` is how far it must be turned to stand upright."""
    light = has_light_ink(grey)
    return (Hypothesis(light_ink, paper, turn) for light_ink in (light, not light) for paper in PAPERS)


def likely_turn(pieces: Sequence[Piece], look: Look) -> int:
    """Guess by how many quarters, counter-clockwise, a picture must be turned, from the answers to turned pieces.

    Each counts the same, however large: a large one may be the edge of a sheet.
    """
    some = sorted(pieces, key=lambda piece: -piece.size)[:TURNED]
    seen = [look([piece._replace(ink=turned(piece.ink, turn)) for piece in some]) for turn in range(4)]
    known = [[piece.confidence for piece in answers if piece.known] for answers in seen]
    proof = [sum(map(logit, each)) for each in known]
    turn = int(np.argmax(proof))
    likely = proof[turn] > max(LIKELY * len(some), CLEARLY * proof[0])
    return turn if likely and len(known[turn]) >= SEVERAL else 0
