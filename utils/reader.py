"""Read a picture under one hypothesis after the other, until what is read is beyond doubt.

What tells ink from paper, and writing from everything else, is that it makes digits. Which way the ink goes, how large
the writing is against its picture, whether all of it is on a sheet, and which way up the picture is, are guessed; the
network's evidence tells which guess was right.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.classifier import Classifier, Memory
from utils.clutter import on_paper, same_pen, touched_sides, without_desk, without_edges
from utils.ink import (
    BLUR,
    LEAST_BLUR,
    PAPERS,
    Outline,
    cut_sheet,
    find_sheet,
    find_sheets,
    flatten_light,
    has_light_ink,
    resize,
    threshold,
    to_grey,
)
from utils.lattice import part_digits
from utils.rules import erase_lines
from utils.segment import (
    KNOWN,
    Box,
    Look,
    Piece,
    cut_pieces,
    digit_sized,
    evidence,
    group_lines,
    mend,
    surrounds,
    typical_height,
    typical_stroke,
)
from utils.writing import find_numbers, space_numbers, without_upright_words

LONG_SIDE, SHORTEST = 800, 400  # pixels: a longer side is reduced to this, a shorter one enlarged to that
LEGIBLE = 28  # pixels: digits lower than this are read from more pixels, and no strip is reduced to less
ROOM = 1.5  # times LEGIBLE: the height to which they are enlarged
LARGEST = 3_000_000  # pixels: a smaller picture is enlarged to so many at most; a larger one is read as it is
THIN = 0.03  # digit heights: the most that small digits are blurred, lest thin strokes wash out
SAMPLE = 300  # pieces that tell the height of the writing
WRITTEN = 0.02  # share of these pieces: if fewer are known when they are enlarged, all of it is a texture
CONVINCING = 6.0  # mean log-odds of its digits from which a reading may end the search...
MANY, EXPLAINED = 5, 0.5  # ...if so many are known, or its digits are this share of the ink
BETTER = 1.05  # of the evidence so far: what a less likely hypothesis must have
LETTER = 0.25  # log-odds that each letter adds: a reading that finds words has the right ink, size and turn
TEXT = 100  # letters of a page of text, if it has fewer digits; it is not worth another reading
TURNED = 40  # pieces, the largest, that are looked at turned
SEVERAL = 3  # known digits on a sheet, on a turned page, or of the other ink, from which it is believed
LIKELY, CLEARLY = 3.0, 1.5  # what else turns a picture: mean log-odds, and times the evidence upright

Scaled = Callable[[float, Outline | None], np.ndarray]  # see `read`


class Hypothesis(NamedTuple):
    """What is taken for granted in one reading."""

    light_ink: bool  # light on dark
    paper: int  # one of `utils.ink.PAPERS`: how large the writing is against the picture
    turn: int = 0  # quarters, counter-clockwise, by which the picture must be turned to stand upright
    sheet: Outline | None = None  # what all the writing is on; None is the whole picture


class Page(NamedTuple):
    """A picture, or the sheet in it, as it was read; boxes and arrays are in pixels of `grey`."""

    hypothesis: Hypothesis
    shape: tuple[int, int]  # (H, W) of the picture, or sheet, in its own pixels
    scale: float
    grey: np.ndarray  # (H, W) uint8, what was read, turned, times `scale`
    ink: np.ndarray  # (H, W) float32, see `utils.ink`
    mask: np.ndarray  # (H, W) uint8, 255 is ink, printed lines too
    pieces: list[Piece] = []  # what may be digits
    height: float = 0.0  # of a typical digit
    lines: list[list[Piece]] = []  # of digits, from top to bottom, from left to right
    words: list[Piece] = []  # what was taken for letters

    @property
    def digits(self) -> list[Piece]:
        """In reading order."""
        return [digit for line in self.lines for digit in line]

    @property
    def known(self) -> int:
        """How many digits are known."""
        return sum(digit.known for digit in self.digits)

    @property
    def doubtful(self) -> int:
        """How many digits the network is not sure of."""
        return sum(digit.confidence <= KNOWN for digit in self.digits)

    @property
    def is_text(self) -> bool:
        """Whether there is far more on the page that is no digit than digits."""
        return len(self.words) > max(TEXT, len(self.digits))

    @property
    def evidence(self) -> float:
        """How much speaks for this reading, in pixels of the picture."""
        height, width = self.mask.shape
        # by the root of its area, not by its long side: parts of a digit, side by side, do not count for several
        weights = [digit.evidence * np.sqrt(min(digit.box[2:]) / digit.size) for digit in self.digits]
        whole = [digit.known or not touched_sides(digit.box, height, width) for digit in self.digits]
        digits = sum(weight for weight, yes in zip(weights, whole) if yes)
        cut = max((weight for weight, yes in zip(weights, whole) if not yes), default=0)  # stripes are many
        letters = LETTER * sum(letter.size for letter in self.words)
        return (digits + cut + letters) / self.scale

    @property
    def convinces(self) -> bool:
        """Whether its digits are beyond doubt."""
        sure = sum(digit.evidence - CONVINCING * digit.size for digit in self.digits) > 0
        area = sum(cv2.countNonZero(digit.ink) for digit in self.digits)
        return sure and (self.known >= MANY or area >= EXPLAINED * cv2.countNonZero(self.mask))

    def in_picture(self) -> list[list[Piece]]:
        """Give the digits the boxes that they have in the picture itself."""
        return [[digit._replace(box=self._place(digit.box)) for digit in line] for line in self.lines]

    def _place(self, box: Box) -> Box:
        sheet, size = self.hypothesis.sheet, self.shape[::-1]
        right_of, below = cv2.boundingRect(np.array(sheet))[:2] if sheet else (0, 0)
        x, y, w, h = box
        height, width = self.grey.shape
        for _ in range(self.hypothesis.turn):
            x, y, w, h = height - y - h, x, h, w
            height, width = width, height
        left, right = (min(size[0], round(edge / self.scale)) for edge in (x, x + w))
        top, bottom = (min(size[1], round(edge / self.scale)) for edge in (y, y + h))
        left, top = min(left, size[0] - 1), min(top, size[1] - 1)  # a box is a pixel wide at least
        return left + right_of, top + below, max(1, right - left), max(1, bottom - top)


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

    best, first = read_until_convinced(hypotheses(grey), scaled, look)
    best = read_sheets(grey, best, scaled, look)
    # digits that lie on their side may have made another hypothesis than the likeliest seem best: both are asked
    if not best.is_text and (turn := likely_turn(best.pieces, look) or likely_turn(first.pieces, look)):
        upright, _ = read_until_convinced(hypotheses(grey, turn), scaled, look)
        best = better(read_sheets(grey, upright, scaled, look), best)
    return best


def read_until_convinced(hypotheses: Iterable[Hypothesis], scaled: Scaled, look: Look) -> tuple[Page, Page]:
    """Read a picture under one hypothesis after the other, until one reading is beyond doubt.

    Returns
    -------
    The most convincing page, and that of the likeliest hypothesis.
    """
    first = best = None
    for hypothesis in hypotheses:
        page = read(scaled, hypothesis, look)
        first, best = first or page, better(page, best or page)
        # a sheet on a dark desk may look like one digit: a few digits are believed when the other ink was tried too
        both_inks = hypothesis.light_ink != first.hypothesis.light_ink
        if best.is_text or (best.convinces and (best.known >= MANY or both_inks)):
            break
    return best, first


def read_sheets(grey: np.ndarray, whole: Page, scaled: Scaled, look: Look) -> Page:
    """Read each sheet in a picture on its own, for it may be small; the reading of the whole must be clearly beaten.

    A page of text is not read again. Many digits beyond doubt tell the ink; a few may be the outline of the sheet, or
    what lies beside it. A thick digit may look like a sheet: several digits must be known on one.
    """
    best = whole
    inks = (whole.hypothesis.light_ink,) if whole.convinces and whole.known >= MANY else (False, True)
    for sheet in [] if whole.is_text else find_sheets(grey):
        for light_ink in inks:
            page = read(scaled, Hypothesis(light_ink, PAPERS[0], whole.hypothesis.turn, sheet), look)
            best = better(page, best) if page.known >= SEVERAL else best
    return best


def better(page: Page, best: Page) -> Page:
    """Choose between a page and the best so far, whose hypothesis is likelier: it must be clearly beaten.

    Only one of two inks is writing. The other may make one large digit of a whole desk, or of the sheet itself; so
    several digits beyond doubt beat fewer there, and digits beyond doubt beat doubtful ones if they are as many.
    """
    if page.hypothesis.light_ink != best.hypothesis.light_ink:
        page, best = without_circles(page, best), without_circles(best, page)
        for sure, other in (page, best), (best, page):
            more = sure.known >= SEVERAL > other.known or (sure.known >= other.known and not other.convinces)
            if sure.convinces and more:
                return sure
    return page if page.evidence > BETTER * best.evidence else best


def without_circles(page: Page, other: Page) -> Page:
    """Drop what looks like a 0, but is the area around a digit of the other ink; not around a 0, as holes look like."""
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
    for light_ink in light, not light:
        for paper in PAPERS:
            yield Hypothesis(light_ink, paper, turn)


def likely_turn(pieces: Sequence[Piece], look: Look) -> int:
    """Guess by how many quarters, counter-clockwise, a picture must be turned, from the answers to turned pieces."""
    some = sorted(pieces, key=lambda piece: -piece.size)[:TURNED]
    seen = [look([piece._replace(ink=turned(piece.ink, turn)) for piece in some]) for turn in range(4)]
    proof = [evidence(answers) for answers in seen]
    turn = int(np.argmax(proof))
    likely = proof[turn] > LIKELY * sum(piece.size for piece in some)
    several = sum(piece.known for piece in seen[turn]) >= SEVERAL
    return turn if several and likely and proof[turn] > CLEARLY * proof[0] else 0


def read(scaled: Scaled, hypothesis: Hypothesis, look: Look) -> Page:
    """Read a picture under one hypothesis; digits that are too small to be legible are read from more pixels.

    Parameters
    ----------
    scaled : gives the picture, or a sheet in it, at a share of its sides, (h, w) uint8
    hypothesis : what is taken for granted
    look : has the network answer
    """
    whole = scaled(1, hypothesis.sheet)
    short, long = sorted(whole.shape)
    scale = min(1.0, max(LONG_SIDE / long, LEGIBLE / short)) if long >= SHORTEST else SHORTEST / long
    page = find_strokes(scaled, hypothesis, scale)
    seen = look(sample(page.pieces))
    height = typical_height(seen) if seen else np.inf
    if height < LEGIBLE and hypothesis.paper == PAPERS[0]:
        most = max(1.0, np.sqrt(LARGEST / whole.size))
        scale = min(most, page.scale * ROOM * LEGIBLE / height)
        page = find_strokes(scaled, hypothesis, scale, height * scale / page.scale)
        seen = look(sample(page.pieces))
        if sum(piece.known for piece in seen) < WRITTEN * len(seen):
            return page._replace(pieces=[])
    return find_digits(page, look)


def find_strokes(scaled: Scaled, hypothesis: Hypothesis, scale: float, height: float = 0.0) -> Page:
    """Take the first two steps at a share of the picture's sides; `height` is that of a digit then, if known."""
    light_ink, paper, turn, sheet = hypothesis
    small = turned(scaled(scale, sheet), turn)
    # 1. Ink: light and paper are divided out.
    blur = max(LEAST_BLUR, min(BLUR * max(small.shape), THIN * height))
    ink = cv2.GaussianBlur(flatten_light(small, light_ink, paper), (0, 0), blur)
    # 2. Mask: what is left is cut into ink and paper.
    mask = threshold(ink, paper, find_sheet(small, paper))
    return Page(hypothesis, scaled(1, sheet).shape, scale, small, ink, mask, cut_pieces(mask))


def sample(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Some of the pieces, from all over the page; the larger, the likelier, since specks may be many."""
    if len(pieces) <= SAMPLE:
        return pieces
    size = np.cumsum([piece.size for piece in pieces])
    chosen = np.searchsorted(size, np.linspace(0, size[-1], SAMPLE, endpoint=False), "right")
    return [pieces[i] for i in np.unique(chosen)]


def find_digits(page: Page, look: Look) -> Page:
    """Take the other steps: the strokes of a page become lines of digits."""
    ink, mask = page.ink, page.mask
    # 3. Strokes: what lies beside the sheet is dropped, and printed lines are erased.
    pieces = erase_lines(without_desk(look(page.pieces), page.grey), ink, look)

    # 4. Pieces: broken digits are mended; specks, and what another pen wrote, are dropped.
    pieces = digit_sized(mend(pieces, mask.shape, look))
    if not pieces:
        return page._replace(pieces=[])
    height, stroke = typical_height(pieces), typical_stroke(pieces)
    pieces = same_pen([piece for piece in pieces if piece.sure or on_paper(piece, ink, stroke)], ink, height)

    # 5. Lines of writing: touching digits are cut, and numbers are told from words; 6. their crops are the result.
    level = without_upright_words(pieces, height)
    lines = [[level[i] for i in line] for line in group_lines([piece.box for piece in level], height)]
    lines, words = find_numbers(part_digits(lines, height, look), height)
    lines = space_numbers([line for line in without_edges(lines, mask.shape) if line])
    return page._replace(pieces=pieces, height=height, lines=lines, words=words)


def turned(picture: np.ndarray, quarters: int) -> np.ndarray:
    """Turn a picture counter-clockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters))
