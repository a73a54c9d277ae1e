"""Pieces of ink into digits: what belongs together, what must be cut, what is no digit; the network decides.

Heuristic over-segmentation (LeCun, Bottou, Bengio, Haffner 1998, section VII): a doubtful piece is cut wherever two
digits might touch, neighbours are joined in every plausible way, the network looks at all of these candidates, and the
most probable path from left to right is taken. A piece may be skipped at a price: the networks have learned to answer
what is no digit with doubt.
"""

from typing import NamedTuple

import cv2
import numpy as np

from utils.classifier import Classifier
from utils.segment import SIDE, Box, Piece, center_digit, join

WHOLE = 0.95  # probability from which a piece is one digit and is not cut
SKIP = 0.35  # probability up to which a piece is rather skipped than read
WORD = 0.6  # mean (geometric) probability below which a line is a word, not a number
LEAST, MOST = 0.02, 0.99999  # probabilities are held between these; halves of a pair must be very sure to be cut
CUT = 3.8  # price of a cut through ink, in log-odds
LOST = 0.5  # price of skipping a slice of a piece: most that is cut off a digit is a digit
NARROW, NARROW_PRICE = 0.9, 20.0  # own heights: a cut through a narrower piece costs so much more for what it lacks
BROAD, BROAD_PRICE = 1.1, 6.0  # own heights: a digit wider than this pays so much for each further height
SHORT, SHORT_PRICE = 0.5, 24.0  # digit heights: a digit lower than this pays so much for each height that it lacks
DOUBLE = 0.5  # digit heights: a doubtful piece wider than this may be several digits
CUTS = 10  # in a piece, at most
APART = 0.08  # digit heights between two cuts
MIDDLE = 0.2  # of that, from the middle of a piece: a cut there is tried first, most are of two digits
RUN = 8  # slices of one piece that may be a digit
SEAM_ROWS = 48  # pixels: a piece is reduced to this height to find its cuts
ENTER, INK, SLANT = 4.0, 0.2, 0.2  # price of a seam's step from paper into ink, of a row of ink, and of a step aside
ACROSS, ABOVE = 0.2, 0.35  # digit heights: gaps over which two pieces may be one digit
JOINED = 1.5  # digit heights: the widest digit of several pieces
PARTS = 3  # pieces of a digit, at most


class Digit(NamedTuple):
    """A digit that was read."""

    value: int
    confidence: float  # the network's probability, 0..1
    box: Box  # x, y, width, height in pixels
    crop: np.ndarray  # (28, 28) uint8, what the network saw
    stroke: float  # width of its strokes, pixels


class Slice(NamedTuple):
    """A piece of ink, or a slice of one."""

    tight: Piece
    generous: Piece  # the same with the ink at its cuts, which may belong to both sides
    source: int  # number of the piece in its line
    share: float  # of that piece
    price: float  # of a cut through that piece


class Candidate(NamedTuple):
    """Slices first, first + 1, ... last - 1 of a line, taken for one digit."""

    first: int
    last: int
    piece: Piece


def read_lines(lines: list[list[Piece]], height: float, classifier: Classifier) -> list[list[Digit]]:
    """Read lines of writing.

    Parameters
    ----------
    lines : the pieces of each line, from left to right
    height : of a typical digit, pixels
    classifier : see `utils.classifier.load_classifier`

    Returns
    -------
    The digits of each line from left to right; a line may turn out to have none.
    """
    sure = iter(classify([piece for line in lines for piece in line], classifier)[1].max(1, initial=0))
    slices = [cut_line(line, [next(sure) for _ in line], height) for line in lines]
    candidates = [propose(line, height) for line in slices]
    crops, answers = classify([c.piece for line in candidates for c in line], classifier)
    read, start = [], 0
    for line, options in zip(slices, candidates):
        part = slice(start, start + len(options))
        read.append(best_path(line, options, crops[part], answers[part], height))
        start = part.stop
    return read


def classify(pieces: list[Piece], classifier: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """Show pieces to the network: crops (N, 28, 28) uint8 and answers (N, 10) float32."""
    crops = np.array([center_digit(piece.ink) for piece in pieces], np.uint8).reshape(-1, SIDE, SIDE)
    return crops, classifier.predict(crops)


def cut_line(line: list[Piece], sure: list[float], height: float) -> list[Slice]:
    """Cut those pieces of a line that may be several digits."""
    slices = []
    for source, (piece, confidence) in enumerate(zip(line, sure)):
        width, own = piece.box[2:]
        tight = generous = [piece]
        if own > SHORT * height and (width > BROAD * own or (width > DOUBLE * height and confidence < WHOLE)):
            seams = find_seams(piece.ink, APART * height)
            tight, generous = slice_piece(piece, seams, 0), slice_piece(piece, seams, piece.stroke)
        price = CUT + NARROW_PRICE * max(0.0, NARROW - width / own)
        slices += [Slice(t, g, source, 1 / len(tight), price) for t, g in zip(tight, generous)]
    return slices


def find_seams(ink: np.ndarray, apart: float) -> list[np.ndarray]:
    """Find where ink may be cut: paths from top to bottom that enter ink least often (seams, Avidan and Shamir 2007).

    Where two rounded digits touch there is more ink from top to bottom than in a stroke, but it is entered once.

    Parameters
    ----------
    ink : (h, w) uint8, 255 is ink
    apart : pixels between two paths, and between a path and either end

    Returns
    -------
    Up to CUTS paths from left to right, each the column of every row, (h,) float32.
    """
    h, w = ink.shape
    scale = min(1.0, SEAM_ROWS / h)
    size = max(3, round(w * scale)), max(3, round(h * scale))
    small = cv2.resize(ink, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    waist = size[1] // 2
    down, above = _cheapest(small[: waist + 1])
    up, below = _cheapest(small[waist:][::-1])
    margin = max(2, round(apart * scale))
    taken = np.zeros(size[0], bool)
    taken[:margin] = taken[-margin:] = True
    paths = []
    total = down + up - (ENTER + INK) * small[waist]
    middle = np.abs(np.arange(size[0]) - size[0] / 2) < MIDDLE * margin
    for column in np.lexsort((total, ~middle)):
        if len(paths) < CUTS and not taken[column]:
            taken[max(0, column - margin) : column + margin + 1] = True
            path = np.array(_trace(above, column)[::-1] + _trace(below, column)[1:], np.float32)
            paths.append(cv2.resize(path[:, None], (1, h), interpolation=cv2.INTER_LINEAR)[:, 0] / scale)
    return sorted(paths, key=lambda path: float(path.mean()))


def _cheapest(ink: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cost of the cheapest path from the first row to each column of the last, and the step that led to each pixel."""
    total, steps = (ENTER + INK) * ink[0], []
    for above, row in zip(ink, ink[1:]):
        ways = _beside(total, np.inf) + ENTER * np.maximum(0, row - _beside(above, 0))
        ways[[0, 2]] += SLANT
        way = ways.argmin(0)
        steps.append(way - 1)
        total = ways[way, np.arange(len(way))] + INK * row
    return total, steps


def _beside(row: np.ndarray, edge: float) -> np.ndarray:
    """Show for each column of a row (n,) its left neighbour, itself and its right neighbour: (3, n)."""
    return np.stack([np.r_[edge, row[:-1]], row, np.r_[row[1:], edge]])


def _trace(steps: list[np.ndarray], column: int) -> list[int]:
    """Follow the steps back from a column of the last row to the first."""
    path = [int(column)]
    for step in reversed(steps):
        path.append(path[-1] + int(step[path[-1]]))
    return path


def slice_piece(piece: Piece, seams: list[np.ndarray], shared: float) -> list[Piece]:
    """Cut a piece along its seams; the ink within `shared` pixels of a seam goes to both sides."""
    h, w = piece.ink.shape
    x, y = piece.box[:2]
    columns = np.arange(w)
    edges = [np.full(h, -np.inf), *seams, np.full(h, np.inf)]
    slices = []
    for left, right in zip(edges, edges[1:]):
        inside = (columns > left[:, None] - shared) & (columns <= right[:, None] + shared)
        ink = np.where(inside, piece.ink, 0).astype(np.uint8)
        dx, dy, width, height = cv2.boundingRect(ink)
        width, height = max(1, width), max(1, height)
        ink = ink[dy : dy + height, dx : dx + width]
        slices.append(Piece((x + dx, y + dy, width, height), ink, piece.stroke))
    return slices


def propose(slices: list[Slice], height: float) -> list[Candidate]:
    """Take every plausible run of neighbouring slices for one digit."""
    candidates = []

    def propose_one(first: int, last: int, *pieces: Piece) -> None:
        candidates.extend(Candidate(first, last, piece) for piece in pieces)

    for first in range(len(slices)):
        for last in range(first + 1, len(slices) + 1):
            run = slices[first:last]
            parts = {s.source for s in run}
            tight = join([s.tight for s in run])
            if len(parts) == 1:
                if sum(s.share for s in run) > 0.99:
                    propose_one(first, last, tight, *([squeeze(tight)] if tight.box[2] > tight.height else []))
                elif last - first <= RUN:
                    propose_one(first, last, tight, join([s.generous for s in run]))
            elif len(parts) <= PARTS and tight.box[2] <= JOINED * height and near(run, height):
                propose_one(first, last, tight)
            else:
                break
    return candidates


def near(run: list[Slice], height: float) -> bool:
    """Whether the last of a run is near enough to the others to belong to the same digit."""
    (x, y, w, h), (a, b, c, d) = join([s.tight for s in run[:-1]]).box, run[-1].tight.box
    return max(x, a) - min(x + w, a + c) <= ACROSS * height and max(y, b) - min(y + h, b + d) <= ABOVE * height


def squeeze(piece: Piece) -> Piece:
    """Show a wide piece as wide as it is high: MNIST's digits are narrow."""
    ink = cv2.resize(piece.ink, (piece.height, piece.height), interpolation=cv2.INTER_AREA)
    return piece._replace(ink=ink)


def logit(probability: float) -> float:
    """Log-odds: unlike a log-probability it tells sure from very sure."""
    probability = min(max(float(probability), LEAST), MOST)
    return float(np.log(probability / (1 - probability)))


def best_path(
    slices: list[Slice], candidates: list[Candidate], crops: np.ndarray, answers: np.ndarray, height: float
) -> list[Digit]:
    """Choose the candidates that explain a line best, from left to right (Viterbi).

    A candidate scores the log-odds of its digit, weighted by the pieces that it explains, less the prices of its
    cuts and of an unlikely shape.
    """
    score = [0.0] + [-np.inf] * len(slices)
    choice: list[tuple[int, int, bool]] = [(0, 0, False)] * (len(slices) + 1)
    for k in sorted(range(len(candidates)), key=lambda k: candidates[k].last):
        first, last, piece = candidates[k]
        weight = sum(s.share for s in slices[first:last])
        cut_left = first > 0 and slices[first - 1].source == slices[first].source
        cut_right = last < len(slices) and slices[last].source == slices[last - 1].source
        own = max(piece.height, SHORT * height)
        cuts = (slices[first].price * cut_left + slices[last - 1].price * cut_right) / 2
        broad = BROAD_PRICE * max(0.0, piece.box[2] / own - BROAD)
        short = SHORT_PRICE * max(0.0, SHORT - piece.height / height)
        digit = weight * (logit(answers[k].max()) - short - broad)
        nothing = weight * (logit(SKIP) - broad) - LOST * (cut_left or cut_right)
        for worth, is_digit in ((digit, True), (nothing, False)):
            total = score[first] + worth - cuts
            if total > score[last]:
                score[last], choice[last] = total, (first, k, is_digit)
    digits, at = [], len(slices)
    while at:
        at, k, is_digit = choice[at]
        if is_digit:
            piece, answer = candidates[k].piece, answers[k]
            digits.append(Digit(int(answer.argmax()), float(answer.max()), piece.box, crops[k], piece.stroke))
    if len(digits) > 1 and np.mean([np.log(digit.confidence) for digit in digits]) < np.log(WORD):
        return []
    return sorted(digits, key=lambda digit: digit.box[0] + digit.box[2] / 2)
