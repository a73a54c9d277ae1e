"""One reading of a picture: what is taken for granted, the six steps, and what they make of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.boxes import Box
from utils.clutter import is_gap, on_paper, same_pen, touched_sides, without_desk, without_edges
from utils.ink import BLUR, LEAST_BLUR, PAPERS, Outline, find_sheet, flatten_light, threshold
from utils.lattice import part_digits
from utils.lines import group_lines
from utils.rules import erase_lines
from utils.segment import (
    KNOWN,
    SMALLER,
    Look,
    Piece,
    cut_pieces,
    digit_sized,
    fill_outlines,
    mend,
    paint,
    typical_height,
    typical_stroke,
    without_holes,
)
from utils.spaces import space_numbers
from utils.writing import find_numbers, without_upright_words

LONG_SIDE, SHORTEST = 800, 400  # pixels: a long side above the first is reduced to it, one below the second enlarged
LEGIBLE = 28  # pixels: digits lower than this are read from more pixels, and no strip is reduced to less
GRAIN = 5  # pixels of the picture: what is lower is no digit; those of the smallest pixel fonts are 3 x 5
ROOM = 1.5  # times LEGIBLE: the height to which they are enlarged
LARGEST = 3_000_000  # pixels in all: a smaller picture is enlarged to so many at most; a larger one is read as it is
THIN = 0.03  # digit heights: the most that small digits are blurred, lest thin strokes wash out
SAMPLE = 300  # pieces that tell the height of the writing
HEAP, WRITTEN = 1000, 0.05  # strokes, and share of the large ones: if fewer are known, it is a texture
FINEST = 3  # pixels of a coarse copy of the paper: what is smaller is left to the fine copy
CONVINCING = 6.0  # mean log-odds of its digits from which a reading may end the search...
MANY, EXPLAINED = 5, 0.5  # ...if so many are known, or its digits are this share of the ink; letters, for text
LETTER = 0.25  # log-odds that a letter adds: words beside digits are weak evidence for the right ink, size and turn
TEXT = 100  # letters of a page of text, if it has fewer digits; it is not worth another reading

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
    strokes: list[Piece] = []  # the pieces of ink, without printed lines
    pieces: list[Piece] = []  # what may be digits: strokes mended, without specks
    height: float = 0.0  # of a typical digit
    lines: list[list[Piece]] = []  # of digits, from top to bottom, from left to right
    letters: list[Piece] = []  # of words

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
        """How many digits have a confidence of KNOWN at most."""
        return sum(digit.confidence <= KNOWN for digit in self.digits)

    @property
    def is_wordy(self) -> bool:
        """Whether the page has more than TEXT letters, and more letters than digits; grain may pass for letters."""
        return len(self.letters) > max(TEXT, len(self.digits))

    @property
    def is_text(self) -> bool:
        """Whether the page is wordy, and letters are most of the ink."""
        return self.is_wordy and self.share(self.letters) >= EXPLAINED

    @property
    def evidence(self) -> float:
        """How much speaks for this reading: log-odds times pixels of the picture."""
        height, width = self.mask.shape
        weights = self.weights
        whole = [digit.known or not touched_sides(digit.box, height, width) for digit in self.digits]
        digits = sum(weight for weight, yes in zip(weights, whole) if yes)
        cut = max((weight for weight, yes in zip(weights, whole) if not yes), default=0)  # stripes at an edge are many
        letters = 0 if self.is_wordy else LETTER * sum(letter.size for letter in self.letters)  # or texture would win
        return digits + cut + letters / self.scale

    @property
    def weights(self) -> list[float]:
        """How much each of its digits speaks for this reading.

        By the root of its area, not by its long side: parts of a digit, side by side, do not count for several.
        """
        return [digit.evidence * np.sqrt(min(digit.box[2:]) / digit.size) / self.scale for digit in self.digits]

    @property
    def is_beyond_doubt(self) -> bool:
        """Whether its digits are, by their mean log-odds; they are weighted by size, and a 1 speaks against it."""
        return sum(digit.evidence - CONVINCING * digit.size for digit in self.digits) > 0

    @property
    def convinces(self) -> bool:
        """Whether its digits are beyond doubt, and many, or most of the ink."""
        return self.is_beyond_doubt and (self.known >= MANY or self.is_explained)

    @property
    def may_be_holes(self) -> bool:
        """Whether all its digits are 0s, as the holes of larger digits are in the other ink."""
        return all(digit.value == 0 for digit in self.digits)

    @property
    def is_explained(self) -> bool:
        """Whether most of the ink is digits."""
        return self.share(self.digits) >= EXPLAINED

    def share(self, pieces: Sequence[Piece]) -> float:
        """Share of the ink that is in some pieces; more than 1 if hollow digits were filled."""
        return sum(cv2.countNonZero(piece.ink) for piece in pieces) / max(1, cv2.countNonZero(self.mask))

    def in_picture(self) -> list[list[Piece]]:
        """Give the digits the boxes that they have in the picture itself."""
        return [[digit._replace(box=self._place(digit.box)) for digit in line] for line in self.lines]

    def _place(self, box: Box) -> Box:
        sheet, size = self.hypothesis.sheet, self.shape[::-1]
        sheet_left, sheet_top = cv2.boundingRect(np.array(sheet))[:2] if sheet else (0, 0)
        x, y, w, h = box
        height, width = self.grey.shape
        for _ in range(self.hypothesis.turn):
            x, y, w, h = height - y - h, x, h, w
            height, width = width, height
        left, right = (min(size[0], round(edge / self.scale)) for edge in (x, x + w))
        top, bottom = (min(size[1], round(edge / self.scale)) for edge in (y, y + h))
        left, top = min(left, size[0] - 1), min(top, size[1] - 1)  # a box is a pixel wide at least
        return sheet_left + left, sheet_top + top, max(1, right - left), max(1, bottom - top)


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
    seen = look(sample(page.strokes))
    height = typical_height(seen)
    if GRAIN * page.scale <= height < LEGIBLE and hypothesis.paper == PAPERS[0]:
        most = max(1.0, np.sqrt(LARGEST / whole.size))
        scale = min(most, page.scale * ROOM * LEGIBLE / height)
        return read_at(scaled, hypothesis, scale, height * scale / page.scale, look)
    return find_digits(page, look)


def read_at(scaled: Scaled, hypothesis: Hypothesis, scale: float, height: float, look: Look) -> Page:
    """Read a picture at a share of its sides, at which digits have this height."""
    return find_digits(find_strokes(scaled, hypothesis, scale, height), look)


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
    """Pick some of the pieces, from all over the page, evenly by their sizes, since specks may be many."""
    if len(pieces) <= SAMPLE:
        return pieces
    size = np.cumsum([piece.size for piece in pieces])
    chosen = np.searchsorted(size, np.linspace(0, size[-1], SAMPLE, endpoint=False), "right")
    return [pieces[i] for i in np.unique(chosen)]


def is_texture(strokes: Sequence[Piece], look: Look) -> bool:
    """Whether there are so many strokes that chance makes digits of some, and next to none that is large is known.

    1s do not count, since lines look like them.
    """
    if len(strokes) < HEAP:
        return False
    seen = look(sample(strokes))
    least = SMALLER * typical_height(seen)
    known = [piece.known for piece in seen if piece.size >= least and piece.value != 1]
    return sum(known) < WRITTEN * len(known)


def find_digits(page: Page, look: Look) -> Page:
    """Take the other steps: the strokes of a page become lines of digits; texture is passed over."""
    mask = page.mask
    if is_texture(page.strokes, look):
        return page._replace(strokes=[])
    # 3. Strokes: what lies beside the sheet is dropped, hollow digits are filled, and printed lines are erased.
    strokes, ink = fill_outlines(without_desk(look(page.strokes), page.grey), page.ink, look)
    strokes = erase_lines(strokes, ink, look)
    if is_texture(strokes, look):
        return page._replace(strokes=[])
    page = page._replace(strokes=strokes)

    # 4. Pieces: broken digits are mended; specks, holes, and what another pen wrote, are dropped.
    least = 0 if page.hypothesis.paper == PAPERS[0] else FINEST * max(mask.shape) / page.hypothesis.paper
    pieces = without_holes([piece for piece in digit_sized(mend(strokes, mask.shape, look)) if piece.size >= least])
    if not pieces:
        return page
    height, stroke = typical_height(pieces), typical_stroke(pieces)
    sure = paint([piece for piece in pieces if piece.sure], mask.shape)
    rest = np.where(sure > 0, 0, ink)  # a neighbour that is surely a digit counts as paper
    pieces = [piece for piece in pieces if piece.sure or on_paper(piece, rest, stroke)]
    pieces = [piece for piece in pieces if not is_gap(piece, page.grey, stroke, bool(page.hypothesis.sheet))]
    pieces = same_pen(pieces, ink, height)

    # 5. Lines of writing: touching digits are cut, and numbers are told from words. (6. Their crops are the result.)
    across = without_upright_words(pieces, height)
    lines = [[across[i] for i in line] for line in group_lines([piece.box for piece in across], height)]
    lines, letters = find_numbers(part_digits(lines, height, look), height)
    lines = space_numbers([line for line in without_edges(lines, mask.shape) if line])
    return page._replace(pieces=pieces, height=height, lines=lines, letters=letters)


def turned(picture: np.ndarray, quarters: int) -> np.ndarray:
    """Turn a picture counter-clockwise."""
    return np.ascontiguousarray(np.rot90(picture, quarters))
