"""Read a photo: the right polarity, the right scale, the height of its digits, and what of it is writing."""

from typing import NamedTuple

import cv2
import numpy as np

from utils.classifier import Classifier
from utils.ink import BLUR, LEAST_BLUR, flatten_light, has_light_ink, paper_regions, resize, threshold, to_grey
from utils.lattice import Digit, classify, read_lines
from utils.rules import remove_frames, remove_rules
from utils.segment import (
    LONG_SIDE,
    RULE,
    Piece,
    clusters,
    digit_sized,
    group_lines,
    join,
    pieces,
    typical_stroke,
    weighted_median,
)

LEGIBLE = 28  # pixels: digits lower than this are read again from more pixels, if the photo has them
THIN = 0.03  # digit heights: the most that small digits are blurred, lest thin strokes wash out
SURE = 0.8  # probability from which a digit tells the height of the others
AGREED = 1.25  # ratio of two heights that are the same
PRINTED = 0.3  # share of the long side: a straight line of this length is printed, whatever the digits' height
LARGE = 0.08  # share of the long side: a digit that is smaller may lie on the edge of a shadow
ON_EDGE = 0.3  # share of ink on the edges between regions of paper: with more, a large piece is such an edge itself
FRAGMENTS = 20  # of a broken digit, at most
MENDED = 0.6  # probability from which fragments are a digit
CONVINCED, ONE_SHEET = 0.85, 0.9  # mean probability, and share of the picture, that make the guess of the polarity good
OTHER = 2.5  # ratio to the typical digit's stroke or size: beyond it is no digit
RING = 0.6  # share of a digit's surroundings that must be paper
BAR = 0.25  # of another digit: what a 1 counts for, since the edges, pens and lines of a scene all look like one
LITTLE = 0.15  # share of the best sheet's evidence: with less, what was read on another is not writing


class Page(NamedTuple):
    """A photo, as it was read; boxes and arrays are in pixels of `grey`."""

    grey: np.ndarray  # (H, W) uint8, the photo times `scale`
    scale: float
    light_ink: bool  # light on dark
    regions: np.ndarray  # see `utils.ink.paper_regions`
    ink: np.ndarray  # (H, W) float32, see `utils.ink`
    mask: np.ndarray  # (H, W) uint8, 255 is ink, printed lines too
    strokes: np.ndarray  # the same without printed lines
    pieces: list[Piece]  # what may be digits
    height: float  # of a typical digit
    lines: list[list[Digit]]  # from top to bottom, from left to right

    @property
    def digits(self) -> list[Digit]:
        """In reading order."""
        return [digit for line in self.lines for digit in line]

    def evidence(self) -> float:
        """How much of this is surely digits: contrast times trust."""
        total = 0.0
        for digit in self.digits:
            x, y, w, h = digit.box
            total += float(self.ink[y : y + h, x : x + w].max()) * trust(digit)
        return total

    def confidence(self) -> float:
        """Mean confidence in the digits, by their height; 0 where there are none."""
        if not self.digits:
            return 0.0
        heights = [digit.box[3] for digit in self.digits]
        return float(np.average([digit.confidence for digit in self.digits], weights=heights))


def trust(digit: Digit) -> float:
    """What a digit counts for: nothing where it is doubtful, much where it is sure and large, little if it is a 1.

    By the root of its height: ten small digits of a page prove more than one thing, ten times as high, beside it.
    """
    return max(0.0, digit.confidence - 0.5) * np.sqrt(digit.box[3]) * (BAR if digit.value == 1 else 1)


def read_page(image: np.ndarray, classifier: Classifier) -> Page:
    """Read the digits in a photo.

    What tells ink from paper is that it makes digits: unless the first guess, dark on light or light on dark, is
    convincing, the photo is read both ways, and the reading with more evidence is kept.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8
    classifier : see `utils.classifier.load_classifier`
    """
    grey = to_grey(image)
    scale = min(1.0, LONG_SIDE / max(grey.shape))
    reduced = resize(grey, scale)
    blur = BLUR * max(reduced.shape)
    light = has_light_ink(reduced)
    page = read_ink(reduced, scale, light, blur, classifier)
    if page.confidence() < CONVINCED or not is_one_sheet(page.regions):
        page = max(page, read_ink(reduced, scale, not light, blur, classifier), key=Page.evidence)
    if page.lines and page.height < LEGIBLE and scale < 1:
        scale = min(1.0, scale * 1.5 * LEGIBLE / page.height)
        larger = resize(grey, scale)
        blur = min(BLUR * max(larger.shape), THIN * page.height * scale / page.scale)
        return read_ink(larger, scale, page.light_ink, blur, classifier)
    return page


def read_ink(grey: np.ndarray, scale: float, light_ink: bool, blur: float, classifier: Classifier) -> Page:
    """Read a picture as dark on light, or as light on dark.

    Parameters
    ----------
    grey : (H, W) uint8
    scale : of `grey` against the photo
    light_ink : whether the ink is lighter than its paper
    blur : sigma in pixels against noise
    classifier : see `utils.classifier.load_classifier`
    """
    ink = cv2.GaussianBlur(flatten_light(grey, light_ink), (0, 0), max(LEAST_BLUR, blur))
    mask = threshold(ink)
    strokes = remove_rules(remove_frames(mask), PRINTED * max(mask.shape), ink)
    page = Page(grey, scale, light_ink, paper_regions(grey, light_ink), ink, mask, strokes, [], 0.0, [])
    found = find_pieces(strokes, page.regions, classifier)
    if not found:
        return page
    height = digit_height(found, max(mask.shape), classifier)
    written = remove_rules(strokes, RULE * height, ink)
    if (written != strokes).any():
        strokes, found = written, find_pieces(written, page.regions, classifier)
    stroke = typical_stroke(digit_sized(found, height))
    found = [piece for piece in found if on_paper(piece, ink, stroke)]
    kept, lines = found, []
    for _ in range(3):
        kept = digit_sized(found, height)
        rows = group_lines([piece.box for piece in kept], height)
        lines = read_lines([[kept[i] for i in row] for row in rows], height, classifier)
        sure = [digit for line in lines for digit in line if digit.confidence > SURE]
        seen = weighted_median([digit.box[3] for digit in sure], [trust(digit) for digit in sure]) if sure else height
        if 1 / AGREED < seen / height < AGREED:
            break
        height = seen
    lines = on_same_sheet(of_one_hand(lines), page.regions, max(grey.shape))
    return page._replace(strokes=strokes, pieces=kept, height=height, lines=lines)


def find_pieces(mask: np.ndarray, regions: np.ndarray, classifier: Classifier) -> list[Piece]:
    """Cut a mask into pieces, without the edges of sheets and shadows, and with broken digits mended.

    Parameters
    ----------
    mask : (H, W) uint8, 255 is ink
    regions : see `utils.ink.paper_regions`
    classifier : see `utils.classifier.load_classifier`
    """
    edges = cv2.resize((regions == 0).astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST)

    def is_edge(piece: Piece) -> bool:
        x, y, w, h = piece.box
        large = piece.size > LARGE * max(mask.shape)
        return large and bool(edges[y : y + h, x : x + w][piece.ink > 0].mean() > ON_EDGE)

    return mend([piece for piece in pieces(mask) if not is_edge(piece)], mask, classifier)


def mend(found: list[Piece], mask: np.ndarray, classifier: Classifier) -> list[Piece]:
    """Join the fragments of a broken stroke where the network is surer of the whole than of its parts."""
    groups = clusters(found, mask)
    broken = [group for group in groups if 1 < len(group) <= FRAGMENTS]
    kept = [piece for group in groups if not 1 < len(group) <= FRAGMENTS for piece in group]
    wholes = [join(group) for group in broken]
    parts = iter(classify([piece for group in broken for piece in group], classifier)[1].max(1, initial=0))
    for group, whole, sure in zip(broken, wholes, classify(wholes, classifier)[1].max(1, initial=0)):
        areas = [cv2.countNonZero(piece.ink) for piece in group]
        apart = np.average([next(parts) for _ in group], weights=areas)
        kept += [whole] if sure > max(apart, MENDED) else group
    return kept


def digit_height(found: list[Piece], long_side: int, classifier: Classifier) -> float:
    """Height in pixels of a typical digit: the median of all pieces, by how sure the network is of each; see BAR."""
    answers = classify(found, classifier)[1]
    sure = answers.max(1)
    heights = np.array([piece.height for piece in found])
    weights = sure**2 * heights * np.where(answers.argmax(1) == 1, BAR, 1)
    huge = np.array([piece.size > long_side / 2 for piece in found])
    if (sure[~huge] > SURE).any():
        weights[huge] = 0
    return weighted_median(heights, weights)


def on_paper(piece: Piece, ink: np.ndarray, stroke: float) -> bool:
    """Whether a piece has paper around it; what is cut off by the picture's edge, or runs along it, has not."""
    x, y, w, h = piece.box
    around = max(2, round(stroke))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * around + 1, 2 * around + 1))
    margin = [2 * around] * 4
    near = cv2.dilate(cv2.copyMakeBorder(piece.ink, *margin, cv2.BORDER_CONSTANT), disc)
    ring = cv2.dilate(near, disc) > near
    crest = np.percentile(ink[y : y + h, x : x + w][piece.ink > 0], 90)
    left, top = x - 2 * around, y - 2 * around
    rows = slice(max(0, top), min(len(ink), top + len(ring)))
    columns = slice(max(0, left), min(ink.shape[1], left + ring.shape[1]))
    paper = np.zeros(ring.shape, bool)
    inside = np.abs(ink[rows, columns]) < crest / 2
    paper[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = inside
    return bool(paper[ring].mean() >= RING)


def of_one_hand(lines: list[list[Digit]]) -> list[list[Digit]]:
    """Drop what is much larger or smaller than the digits that are surest, or drawn with another pen."""
    digits = [digit for line in lines for digit in line]
    weights = [trust(digit) for digit in digits]
    if not any(weights):
        return lines
    pen = weighted_median([digit.stroke for digit in digits], weights)
    size = weighted_median([max(digit.box[2:]) for digit in digits], weights)

    def fits(digit: Digit) -> bool:
        ratio, other = digit.stroke / pen, max(digit.box[2:]) / size
        return max(ratio, other, 1 / ratio, 1 / other) < OTHER

    kept = [[digit for digit in line if fits(digit)] for line in lines]
    return [line for line in kept if line]


def is_one_sheet(regions: np.ndarray) -> bool:
    """Whether nearly all of a picture is one sheet; see `utils.ink.paper_regions`."""
    return bool(np.bincount(regions.ravel())[1:].max(initial=0) >= ONE_SHEET * regions.size)


def on_same_sheet(lines: list[list[Digit]], regions: np.ndarray, long_side: int) -> list[list[Digit]]:
    """Drop what was read beside the sheet or board: where there is little evidence, or all around it.

    Parameters
    ----------
    lines : what was read, boxes in pixels
    regions : see `utils.ink.paper_regions`
    long_side : of the picture that was read, pixels
    """
    scale = max(regions.shape) / long_side

    def region(digit: Digit) -> int:
        x, y, w, h = (round(scale * n) for n in digit.box)
        around = regions[max(0, y - 3) : y + h + 4, max(0, x - 3) : x + w + 4]
        return int(np.bincount(around[around > 0], minlength=1).argmax())

    evidence = np.zeros(regions.max() + 1)
    for digit in (digit for line in lines for digit in line):
        evidence[region(digit)] += trust(digit)
    evidence[0] = 0  # the edges between regions
    if not evidence.any():
        return lines
    sheet = int(evidence.argmax())
    keep = evidence >= LITTLE * evidence[sheet]
    keep[0] = True
    for other in set(np.flatnonzero(keep)) - {0, sheet}:
        outline = cv2.convexHull(np.argwhere(regions == other)[:, ::-1].astype(np.int32))
        inside = cv2.fillConvexPoly(np.zeros(regions.shape, np.uint8), outline, 1)
        keep[other] = inside[regions == sheet].mean() < 0.5
    kept = [[digit for digit in line if keep[region(digit)]] for line in lines]
    return [line for line in kept if line]
