"""From a mask of ink to pieces; hollow pieces filled, and broken ones mended."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.boxes import Box, enclosed

TINY = 2  # pixels: anything smaller is noise
SPECK, SMALL = 1.6, 0.15  # stroke widths, and digit heights: anything smaller is a speck
TALL, WIDE = 3.2, 8.0  # digit heights: anything larger is no digit, nor a number of joined ones
BROKEN = 3.0  # stroke widths: the widest gap in a broken stroke
MAIN = 2 / 3  # of the whole's height: a fragment that is higher is most of it
MENDED = 0.6  # probability from which fragments are a digit
CLOSE = 0.4  # digit heights: the widest gap in a word or a number
SMALLER = 0.5  # of a neighbour's height: what is lower, such as a label's letters, must lie beside it to be of its line
ROWS = 1.5  # digit heights: what is higher spans two lines if, no farther away, pieces so much lower are on both
HOLLOW = 1.2  # times its own ink: what an outline encloses, itself included
SURER = 1.1  # times the outlines' evidence: what the filled digits must have
DASH = 2.0  # own heights: what is wider is a dash; two of them, one above the other, are an equals sign
KNOWN = 0.9  # probability from which a digit is known
SURE = 0.9997  # probability from which a digit is kept whatever its size and surroundings; grain may reach KNOWN
SEVERAL = 3  # known digits: so many are believed where fewer may be specks, holes or the outline of a sheet
BAR = 0.25  # of another digit: what a 1 counts for, since edges, lines and pens look like one


class Piece(NamedTuple):
    """A piece of ink and, once the network has seen it, the digit that it may be."""

    box: Box
    ink: np.ndarray  # its pixels in that box, uint8, 255 is ink
    stroke: float  # width of its strokes, pixels
    crop: np.ndarray | None = None  # (28, 28) uint8, what the network saw
    answer: np.ndarray | None = None  # (10,) probabilities
    is_spaced: bool = False  # whether another number ends before this digit

    @property
    def value(self) -> int:
        """The most probable digit."""
        return int(self.answer.argmax())

    @property
    def confidence(self) -> float:
        """The network's probability of that digit."""
        return float(self.answer.max())

    @property
    def any_digit(self) -> float:
        """The network's probability that this is a digit, whichever; doubt between two digits does not count.

        The network was trained to answer 0.1 for each digit where there is none: all but the two best make 0.8 then.
        """
        return 1 - float(np.sort(self.answer)[:-2].sum()) / 0.8

    @property
    def known(self) -> bool:
        """Whether the network has seen it and knows it as a digit, and as no 1, since lines look like 1s; see KNOWN."""
        return self.answer is not None and self.confidence > KNOWN and self.value != 1

    @property
    def sure(self) -> bool:
        """Whether this is a digit beyond doubt, and no 1; see SURE."""
        return self.confidence > SURE and self.value != 1

    def under(self, picture: np.ndarray) -> np.ndarray:
        """The pixels of a picture (H, W) where this piece has ink: (n,)."""
        x, y, w, h = self.box
        return picture[y : y + h, x : x + w][self.ink > 0]

    @property
    def height(self) -> int:
        """Of its box, pixels."""
        return self.box[3]

    @property
    def size(self) -> int:
        """Longer side of its box, pixels."""
        return max(self.box[2:])

    @property
    def evidence(self) -> float:
        """How much this speaks for digits being written here: its log-odds times its size in pixels."""
        return max(0.0, logit(self.confidence)) * self.size * (BAR if self.value == 1 else 1)


Parts = list[tuple[Piece, list[Piece]]]  # pieces from left to right, each with the digits that it is cut into
Look = Callable[[Sequence[Piece]], list[Piece]]  # has the network answer, see `utils.classifier.Memory`
LEAST, MOST = 0.02, 0.99999  # probabilities are held between these


def logit(probability: float) -> float:
    """Log-odds: unlike a log-probability it tells sure from very sure."""
    probability = min(max(probability, LEAST), MOST)
    return float(np.log(probability / (1 - probability)))


def known_evidence(pieces: Sequence[Piece]) -> float:
    """Sum the evidence of the known digits, see `Piece.evidence`."""
    return sum(piece.evidence for piece in pieces if piece.known)


def balance(pieces: Sequence[Piece]) -> float:
    """How much more speaks for digits than against them, by size; 1s do not count, lines look like them."""
    return sum(piece.size * logit(piece.confidence) for piece in pieces if piece.value != 1)


def cut_pieces(mask: np.ndarray) -> list[Piece]:
    """Cut a mask (H, W) uint8, 255 is ink, into its connected pieces."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    edge = (mask > 0) & (cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0) == 0)
    perimeter = np.bincount(labels[edge], minlength=count)
    found = []
    for i in 1 + np.flatnonzero(stats[1:, 2:4].max(axis=1) >= TINY):
        x, y, w, h, area = stats[i].tolist()
        ink = np.where(labels[y : y + h, x : x + w] == i, 255, 0).astype(np.uint8)
        found.append(Piece((x, y, w, h), ink, 2 * area / perimeter[i]))
    return found


def paint(pieces: Sequence[Piece], shape: tuple[int, ...]) -> np.ndarray:
    """Put pieces together into a mask of this shape (H, W): uint8, 255 is ink."""
    mask = np.zeros(shape, np.uint8)
    for piece in pieces:
        x, y, w, h = piece.box
        mask[y : y + h, x : x + w] |= piece.ink
    return mask


def join(parts: Sequence[Piece]) -> Piece:
    """Join pieces into one."""
    boxes = np.array([part.box for part in parts])
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(axis=0).tolist()
    moved = [part._replace(box=(part.box[0] - left, part.box[1] - top, *part.box[2:])) for part in parts]
    box = left, top, right - left, bottom - top
    return Piece(box, paint(moved, (bottom - top, right - left)), max(parts, key=lambda part: part.ink.size).stroke)


def surrounds(box: Box, others: np.ndarray) -> bool:
    """Whether any of the other boxes (N, 4) lies inside a box, and is no speck in it."""
    return bool((enclosed(box, others) & (others[:, 3] > SMALL * box[3])).any())


def spans_rows(box: Box, others: np.ndarray, height: float) -> bool:
    """Whether a box is so high that there are others (N, 4) beside its upper half, and beside its lower half."""
    left, top, wide, tall = box
    if tall <= ROWS * height:
        return False
    x, y, w, h = others.T
    away = np.maximum(x - (left + wide), left - (x + w))
    beside = (away > 0) & (away < ROWS * height) & (h > SMALLER * height) & (h < tall / ROWS)
    half = np.floor(2 * (y + h / 2 - top)[beside] / tall)  # 0 is its upper half, 1 its lower one
    return {0, 1} <= set(half.tolist())


def typical_height(pieces: Sequence[Piece]) -> float:
    """Height in pixels of the typical digit: of those that are known or, without any, of all, the surest most; or 0."""
    if not pieces:
        return 0.0
    likely = [piece for piece in pieces if piece.known] or pieces
    weights = [piece.evidence + piece.confidence for piece in likely]
    return weighted_median([piece.height for piece in likely], weights)


def typical_stroke(pieces: Sequence[Piece]) -> float:
    """Width in pixels of the typical stroke of some pieces, at least one: of all or, if it is less, of the known ones.

    For fingers and shadows on the page may be most of the ink.
    """
    known = [piece for piece in pieces if piece.known]
    return min(median_stroke(some) for some in (pieces, known) if some)


def median_stroke(pieces: Sequence[Piece]) -> float:
    """Median width of strokes in pixels: by their length, and somewhat by their width, since specks are many."""
    weights = [cv2.countNonZero(piece.ink) / np.sqrt(piece.stroke) for piece in pieces]
    return weighted_median([piece.stroke for piece in pieces], weights)


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The value below which half of the weight lies."""
    return float(np.quantile(values, 0.5, weights=weights, method="inverted_cdf"))


def fill_outlines(pieces: Sequence[Piece], ink: np.ndarray, look: Look) -> tuple[list[Piece], np.ndarray]:
    """Fill the outlines of hollow digits, if half of what they enclose is known, and is surer than the outlines are.

    An outline in another one, as around the hole of a hollow 6, bounds paper. What has a known digit in it is a box and
    no outline; 0s do not count, for such holes look like them. One hand draws all digits alike, so all outlines are
    filled, or none.

    Parameters
    ----------
    pieces : with the network's answers
    ink : (H, W) float32, see `utils.ink`
    look : has the network answer what is filled

    Returns
    -------
    The pieces, and the ink, which where outlines were filled is as dark inside them as they are.
    """
    written = np.array([piece.box for piece in pieces if piece.known and piece.value != 0]).reshape(-1, 4)
    outlines = paint([piece for piece in pieces if not surrounds(piece.box, written)], ink.shape)
    solid = fill_holes(outlines)
    core = cv2.erode(solid, None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    outer = [piece for piece in pieces if not piece.under(core).all()]
    solid[fill_holes(outlines & ~paint(outer, ink.shape)) > 0] = 0
    filled = look([piece for piece in cut_pieces(solid) if HOLLOW * np.mean(piece.under(outlines) > 0) <= 1])
    if not filled:
        return list(pieces), ink

    inside = paint(filled, ink.shape)
    around = fill_holes(inside)
    hollow = [piece for piece in outer if piece.under(around).any()]
    known = paint([piece for piece in filled if piece.known], ink.shape)
    is_surer = known_evidence(filled) > SURER * known_evidence(hollow)
    if 2 * cv2.countNonZero(known) < cv2.countNonZero(inside) or not is_surer:
        return list(pieces), ink
    dark = np.maximum(ink, np.median(ink[paint(hollow, ink.shape) > 0]))
    kept = [piece for piece in pieces if not piece.under(around).any()]
    return kept + filled, np.where(inside > 0, dark, ink)


def fill_holes(mask: np.ndarray) -> np.ndarray:
    """Copy a mask (H, W) uint8, 255 is ink, with all that its ink encloses filled."""
    edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(mask), edges, -1, 255, cv2.FILLED)


def digit_sized(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop specks, and what is too large for a digit of the typical height.

    A small piece that is surely a digit stays, and so do its neighbours in a word: the word is judged as a whole later.
    """
    height = typical_height(pieces)
    fitting = [piece for piece in pieces if piece.height <= TALL * height and piece.box[2] <= WIDE * height]
    if not fitting:
        return []
    stroke = typical_stroke(fitting)
    speck, least = max(SMALL * height, SPECK * stroke), SMALL * height * stroke
    large = np.array([piece.size >= speck and cv2.countNonZero(piece.ink) >= least for piece in fitting])
    sure = np.flatnonzero([piece.sure and not yes for piece, yes in zip(fitting, large)])
    kept = large | in_words_with(sure, np.array([piece.box for piece in fitting]))
    return [piece for piece, yes in zip(fitting, kept) if yes]


def in_words_with(some: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Mark the boxes (N, 4) with these indices, and all that make words with them, through others too: (N,) bool."""
    x, y, w, h = boxes.T
    found = np.zeros(len(boxes), bool)
    found[some] = True
    new = some.tolist()
    while new:
        i = new.pop()
        smaller, larger = np.minimum(h, h[i]), np.maximum(h, h[i])
        gap = np.maximum(x - (x[i] + w[i]), x[i] - (x + w))
        shared = np.minimum(y + h, y[i] + h[i]) - np.maximum(y, y[i])
        near = ~found & (gap < CLOSE * h[i]) & (shared > smaller / 2) & (smaller > SMALLER * larger)
        found |= near
        new += np.flatnonzero(near).tolist()
    return found


def mend(pieces: Sequence[Piece], shape: tuple[int, ...], look: Look) -> list[Piece]:
    """Join the fragments of broken strokes where the network is surer of the whole than of its parts; drop specks.

    A part that looks like a 1 counts as KNOWN at most, for any straight fragment does. The whole must also be surer
    than a known part that is most of it, lest a digit take in the line under it, and than a sure part that is the same
    digit. What would reach from one line of writing to the next is no digit, nor are dashes.
    """
    kept = digit_sized(pieces)
    large = {id(piece) for piece in kept}
    groups = [group for group in clusters(pieces, shape) if sum(id(part) in large for part in group) > 1]
    groups = [group for group in groups if sum(part.known for part in group) < 2]
    groups = [group for group in groups if any(part.box[2] <= DASH * part.height for part in group)]
    wholes = look([join(group) for group in groups])
    boxes, height = np.array([piece.box for piece in pieces]), typical_height(pieces)
    gone = set()
    for group, whole in zip(groups, wholes):
        areas = [cv2.countNonZero(part.ink) for part in group]
        apart = np.average([min(part.confidence, KNOWN if part.value == 1 else 1) for part in group], weights=areas)
        main = [part.confidence for part in group if part.known and part.height > MAIN * whole.height]
        main += [part.confidence for part in group if part.sure and part.value == whole.value]
        if whole.confidence > max(apart, MENDED, *main) and not spans_rows(whole.box, boxes, height):
            gone |= {id(part) for part in group}
            kept.append(whole)
    return [piece for piece in kept if id(piece) not in gone]


def without_holes(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop the 0s inside another known digit: the outline of a digit in bold type may be joined around its hole."""
    zeros = np.array([piece.box for piece in pieces if piece.known and piece.value == 0]).reshape(-1, 4)
    inside = np.zeros(len(zeros), bool)
    for piece in pieces:
        if piece.known:
            inside |= enclosed(piece.box, zeros)
    holes = {tuple(box) for box in zeros[inside].tolist()}
    return [piece for piece in pieces if not (piece.value == 0 and piece.box in holes)]


def clusters(pieces: Sequence[Piece], shape: tuple[int, ...]) -> list[list[Piece]]:
    """Gather the pieces between which there are only the gaps of a broken stroke."""
    if not pieces:
        return []
    near = cv2.distanceTransform(255 - paint(pieces, shape), cv2.DIST_L2, 3) <= BROKEN / 2 * typical_stroke(pieces)
    _, labels = cv2.connectedComponents(near.astype(np.uint8))
    groups: dict[int, list[Piece]] = {}
    for piece in pieces:
        x, y = piece.box[0] + int(piece.ink[0].argmax()), piece.box[1]
        groups.setdefault(int(labels[y, x]), []).append(piece)
    return list(groups.values())
