"""Pieces that may be several digits, cut where the network says.

Heuristic over-segmentation (LeCun, Bottou, Bengio, Haffner 1998, section VII): a doubtful piece is cut wherever two
digits might touch, the network looks at every run of neighbouring slices, and the most probable path from left to right
is taken. A slice may be skipped at a price: the networks have learned to answer what is no digit with doubt.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.segment import Look, Parts, Piece, logit
from utils.signs import is_tick

WHOLE = 0.95  # probability from which a piece is one digit and is not cut, unless it is wider than BROAD
SKIP = 0.35  # probability up to which a piece is rather skipped than read
CUT = 3.8  # price of a cut through ink, in log-odds...
PAIR = 1.3  # ...of what is up to this wide, in own heights, as two digits are; in wider pieces it costs less
LEAST_WIDTH = 0.4  # of a piece's width: digits that take less of it are none, but the head of an arrow or the like
LOST = 0.5  # log-odds: price of skipping a slice, since what is cut off a digit is mostly another digit
NARROW, NARROW_PRICE = 0.9, 12.0  # own heights; log-odds a height: a cut through what is narrower costs more
BROAD, BROAD_PRICE = 1.1, 6.0  # own heights; log-odds a height: a digit that is wider is less likely
SHORT, SHORT_PRICE = 0.5, 24.0  # digit heights; log-odds a height: a digit that is lower is less likely
DOUBLE = 0.5  # digit heights: a doubtful piece wider than this may be several digits
APART = 0.065  # digit heights between two cuts
LEANS = 0.0, 0.2, -0.2, 0.4, -0.4  # run over rise, to the right: a cut's, of which the first is taken that costs least
INK = 2.4  # times what it costs a cut to enter ink: what a cut costs that is all ink
RUN = round(1 / APART)  # slices in a digit, at most: it is seldom wider than high
TRIED = 60  # doubtful pieces that are cut first...
PAYS = 0.4  # ...and the share of them that must be several digits, or the others are not cut; in print up to 0.3 are


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
    cuts = [find_cuts(piece.ink, APART * height) for piece in pieces]
    runs = [propose(piece, lines) for piece, lines in zip(pieces, cuts)]
    seen = iter(look([run.piece for options in runs for run in options]))
    parted = {}
    for piece, lines, options in zip(pieces, cuts, runs):
        options = [run._replace(piece=next(seen)) for run in options]
        parted[id(piece)] = best_path(piece, len(lines) + 1, options, height)
    return parted


def may_be_several(piece: Piece, height: float) -> bool:
    """Whether a piece is wide, or doubtful, enough to be cut."""
    width, tall = piece.box[2:]
    return tall > SHORT * height and (width > BROAD * tall or (width > DOUBLE * height and piece.confidence < WHOLE))


def find_cuts(ink: np.ndarray, apart: float) -> np.ndarray:
    """Find where ink may be cut: straight lines, evenly apart, each of which leans so that it enters ink least often.

    Where two rounded digits touch there is more ink from top to bottom than in a stroke, but it is entered once.

    Parameters
    ----------
    ink : (h, w) uint8, 255 is ink
    apart : pixels between two lines, and between a line and either end; at least 2

    Returns
    -------
    (n, h) float32: the column of each line in each row; lines of different leans may cross
    """
    h, w = ink.shape
    middles = np.linspace(-0.5, w - 0.5, max(2, round(w / max(2.0, apart))) + 1, dtype=np.float32)[1:-1]
    rise = (h - 1) / 2 - np.arange(h, dtype=np.float32)
    columns = middles[:, None, None] + np.float32(LEANS)[:, None] * rise  # (n, leans, h)
    nearest = columns.round().astype(int)
    is_ink = (ink[np.arange(h), nearest.clip(0, w - 1)] > 0) & (nearest >= 0) & (nearest < w)
    entries = (is_ink & np.diff(is_ink, axis=2, prepend=False)).sum(axis=2)
    cheapest = (entries + INK * is_ink.mean(axis=2)).argmin(axis=1)
    return columns[np.arange(len(middles)), cheapest]


def propose(piece: Piece, cuts: np.ndarray) -> list[Run]:
    """Take every run of neighbouring slices for one digit, and the whole piece; for `cuts` see `find_cuts`."""
    n, sides = len(cuts) + 1, np.full((1, piece.height), np.inf)
    edges = np.concatenate([-sides, cuts, sides])
    spans = [(a, b) for a in range(n) for b in range(a + 1, min(n, a + RUN) + 1) if b - a < n]
    parts = [(a, b, between(piece, edges[a], edges[b])) for a, b in spans]
    return [Run(0, n, piece)] + [Run(*part) for part in parts if part[2].box[2]]


def between(piece: Piece, left: np.ndarray, right: np.ndarray) -> Piece:
    """Cut out what of a piece lies between two lines (h,), the columns of its rows; its box is empty without ink."""
    x, y, wide, _ = piece.box
    start = int(max(0, left.min()))  # a digit's part of a long piece, not all of it for each digit
    end = int(max(start + 1, min(wide, right.max() + 1)))
    columns = np.arange(start, end)
    is_inside = (columns > left[:, None]) & (columns <= right[:, None])
    ink = np.where(is_inside, piece.ink[:, start:end], 0).astype(np.uint8)
    dx, dy, w, h = cv2.boundingRect(ink)
    return Piece((x + start + dx, y + dy, w, h), ink[dy : dy + h, dx : dx + w], piece.stroke)


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
