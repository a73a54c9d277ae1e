"""Pieces that may be several digits, cut where the network says.

Heuristic over-segmentation (LeCun, Bottou, Bengio, Haffner 1998, section VII): a doubtful piece is cut wherever two
digits might touch, the network looks at every run of neighbouring slices, and the most probable path from left to right
is taken. A slice may be skipped at a price: the networks have learned to answer what is no digit with doubt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.segment import Look, Parts, Piece, join, logit
from utils.signs import is_tick

WHOLE = 0.95  # probability from which a piece is one digit and is not cut, unless it is wider than BROAD
SKIP = 0.35  # probability up to which a piece is rather skipped than read
CUT = 3.8  # price of a cut through ink, in log-odds...
PAIR = 1.3  # ...of what is up to this wide, in own heights, as two digits are; in wider pieces it costs less
LEAST_WIDTH = 0.4  # of a piece's width: digits that take less of it are none, but the head of an arrow or the like
LOST = 0.5  # log-odds: price of skipping a slice, since what is cut off a digit is mostly another digit
NARROW, NARROW_PRICE = 0.9, 20.0  # own heights; log-odds a height: a cut through what is narrower costs more
BROAD, BROAD_PRICE = 1.1, 6.0  # own heights; log-odds a height: a digit that is wider is less likely
SHORT, SHORT_PRICE = 0.5, 24.0  # digit heights; log-odds a height: a digit that is lower is less likely
DOUBLE = 0.5  # digit heights: a doubtful piece wider than this may be several digits
CUTS = 10  # in a piece that is as wide as high, at most
APART = 0.065  # digit heights between two cuts
MIDDLE = 0.2  # of that: a cut this near to the middle of a piece is tried first, since most are of two digits
RUN = round(1 / APART)  # slices in a digit, at most: it is seldom wider than high
TRIED = 60  # doubtful pieces that are cut first...
PAYS = 0.4  # ...and the share of them that must be several digits, or the others are not cut; in print up to 0.3 are
SEAM_ROWS = 48  # pixels: a piece is reduced to this height to find its cuts
ENTER, INK, SLANT = 4.0, 0.2, 0.2  # price of a seam's step from paper into ink, of a row of ink, and of a step aside


class Run(NamedTuple):
    """Slices first, first + 1, ... last - 1 of a piece, taken for one digit."""

    first: int
    last: int
    piece: Piece


def part_digits(lines: Sequence[Sequence[Piece]], height: float, look: Look) -> list[Parts]:
    """Cut the pieces that may be several digits.

    Parameters
    ----------
    lines : pieces with the network's answers, from left to right
    height : of a typical digit, pixels
    look : has the network answer

    Returns
    -------
    Every piece of every line with its digits from left to right: itself, several, or none.
    """
    doubtful = [piece for line in lines for piece in line if may_be_several(piece, height)]
    sample = doubtful[:: 1 + len(doubtful) // TRIED]
    parted = cut_digits(sample, height, look)
    if len(doubtful) > len(sample) and sum(len(digits) > 1 for digits in parted.values()) >= PAYS * len(sample):
        parted = cut_digits(doubtful, height, look)
    return [[(piece, parted.get(id(piece), [piece])) for piece in line] for line in lines]


def cut_digits(pieces: Sequence[Piece], height: float, look: Look) -> dict[int, list[Piece]]:
    """Cut pieces: the digits of each, from left to right, by its id."""
    slices = [slice_piece(piece, find_seams(piece.ink, APART * height)) for piece in pieces]
    runs = [propose(piece, cuts) for piece, cuts in zip(pieces, slices)]
    seen = iter(look([run.piece for options in runs for run in options]))
    parted = {}
    for piece, cuts, options in zip(pieces, slices, runs):
        options = [run._replace(piece=next(seen)) for run in options]
        parted[id(piece)] = best_path(piece, len(cuts), options, height)
    return parted


def may_be_several(piece: Piece, height: float) -> bool:
    """Whether a piece is wide, or doubtful, enough to be cut."""
    width, tall = piece.box[2:]
    return tall > SHORT * height and (width > BROAD * tall or (width > DOUBLE * height and piece.confidence < WHOLE))


def find_seams(ink: np.ndarray, apart: float) -> list[np.ndarray]:
    """Find where ink may be cut: paths from top to bottom that enter ink least often (seams, Avidan and Shamir 2007).

    Where two rounded digits touch there is more ink from top to bottom than in a stroke, but it is entered once.

    Parameters
    ----------
    ink : (h, w) uint8, 255 is ink
    apart : pixels between two paths, and between a path and either end

    Returns
    -------
    Paths from left to right, up to CUTS for a width of the own height, each the column of every row, (h,) float32.
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
    total = down + up - (ENTER + INK) * small[waist]  # both halves have paid for the row where they meet
    middle = np.abs(np.arange(size[0]) - size[0] / 2) < MIDDLE * margin
    most = CUTS * max(1.0, w / h)
    for column in np.lexsort((total, ~middle)):
        if len(paths) < most and not taken[column]:
            taken[max(0, column - margin) : column + margin + 1] = True
            path = np.array(_trace(above, column)[::-1] + _trace(below, column)[1:], np.float32)
            path = (path + 0.5) / scale - 0.5  # the middle of the reduced column
            paths.append(cv2.resize(path[:, None], (1, h), interpolation=cv2.INTER_LINEAR)[:, 0])
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


def slice_piece(piece: Piece, seams: Sequence[np.ndarray]) -> list[Piece]:
    """Cut a piece along its seams; slices without ink are left out."""
    h, w = piece.ink.shape
    x, y = piece.box[:2]
    columns = np.arange(w)
    edges = [np.full(h, -np.inf), *seams, np.full(h, np.inf)]
    slices = []
    for left, right in zip(edges, edges[1:]):
        ink = np.where((columns > left[:, None]) & (columns <= right[:, None]), piece.ink, 0).astype(np.uint8)
        dx, dy, width, height = cv2.boundingRect(ink)
        if width:
            ink = ink[dy : dy + height, dx : dx + width]
            slices.append(Piece((x + dx, y + dy, width, height), ink, piece.stroke))
    return slices


def propose(piece: Piece, slices: Sequence[Piece]) -> list[Run]:
    """Take every run of neighbouring slices for one digit, and the whole piece."""
    n = len(slices)
    spans = [(a, b) for a in range(n) for b in range(a + 1, min(n, a + RUN) + 1) if b - a < n]
    return [Run(0, n, piece)] + [Run(a, b, join(slices[a:b])) for a, b in spans]


def best_path(piece: Piece, n: int, runs: Sequence[Run], height: float) -> list[Piece]:
    """Choose the runs that explain a piece of n slices best, from left to right (Viterbi).

    A run scores the log-odds of its digit, weighted by its share of the piece, less the prices of its cuts and of an
    unlikely shape. The wider a piece, the smaller is a digit's share, and so is the price of a cut. A whole piece that
    is surely a digit stays one, however doubtful it is which.
    """
    width, tall = piece.box[2:]
    price = CUT * min(1.0, PAIR * tall / width) + NARROW_PRICE * max(0.0, NARROW - width / tall)
    best: list[tuple[float, list[Piece]]] = [(0.0, [])] + [(-np.inf, [])] * n  # up to each cut: a score, its digits
    for first, last, option in sorted(runs, key=lambda run: run.last):
        score, before = best[first]
        share = (last - first) / n
        cuts = price * ((first > 0) + (last < n)) / 2  # either side of a cut pays half
        broad = too_broad(option, height)
        digit = share * (logit(option.confidence) - too_short(option, height) - broad)
        nothing = share * (logit(SKIP) - broad) - LOST * (last - first < n)
        for worth, taken in ((digit, [option]), (nothing, [])):
            if score + worth - cuts > best[last][0]:
                best[last] = score + worth - cuts, before + taken
    score, digits = best[n]
    whole = next(option for first, last, option in runs if last - first == n)
    one = logit(whole.any_digit) - too_short(whole, height) - too_broad(whole, height)
    if len(digits) > 1 and one > score:
        return [whole]
    is_remnant = sum(digit.box[2] for digit in digits) < LEAST_WIDTH * width
    return [] if is_remnant or is_tick(digits, piece) else digits


def too_short(piece: Piece, height: float) -> float:
    """Price, in log-odds, of taking a piece for a digit that is much lower than a typical one."""
    return SHORT_PRICE * max(0.0, SHORT - piece.height / height)


def too_broad(piece: Piece, height: float) -> float:
    """Price, in log-odds, of taking a piece for a digit that is wider than high."""
    return BROAD_PRICE * max(0.0, piece.box[2] / max(piece.height, SHORT * height) - BROAD)
