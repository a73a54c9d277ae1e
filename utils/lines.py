"""Boxes grouped into lines of writing."""

from collections.abc import Sequence

import numpy as np

from utils.boxes import Box
from utils.segment import SMALLER

SAME_LINE = 0.5  # digit heights: how far off its line's course a digit may lie...
STAGGER, NEAR = 0.9, 2.5  # ...and how far when its neighbour is less than NEAR digit heights away
STEEPEST = 0.4  # rise of a line of writing over its run
ROWS, PEAK = 8, (1, 2, 3, 4, 3, 2, 1)  # to a digit height, and how a digit counts in those around its own
CLEARER = 1.3  # times: how much sharper than level lines others must be
DASH = 0.3  # digit heights: what is lower, such as a dash, tells nothing of a line's course
FAR = 0.12  # digit heights off the course that weigh as much as one digit height between neighbours


def group_lines(boxes: Sequence[Box], height: float) -> list[list[int]]:
    """Group boxes into lines of writing that may slope, stagger or have wide gaps.

    Neighbours are linked from the best aligned to the worst (Kruskal 1956), unless two digits of the joined line would
    stand one above the other.

    Parameters
    ----------
    boxes : N boxes (x, y, width, height) in pixels
    height : of a typical digit, pixels

    Returns
    -------
    Lines from top to bottom, each the indices of its boxes from left to right.
    """
    x, y, w, h = np.array(boxes, float).reshape(-1, 4).T
    middle, level = x + w / 2, y + h / 2
    full = h > DASH * height
    flat = level - line_slope(middle[full], level[full], height) * middle
    links = _neighbours(middle, flat, h, height)
    line_of = list(range(len(boxes)))
    lines: dict[int, list[int]] = {i: [i] for i in line_of}
    for _, i, j in sorted(links):
        one, other = line_of[i], line_of[j]
        if one == other:
            continue
        a, b = np.array(lines[one]), np.array(lines[other])
        shared = np.minimum.outer((x + w)[a], (x + w)[b]) - np.maximum.outer(x[a], x[b])
        stacked = (shared > np.minimum.outer(w[a], w[b]) / 2) & np.logical_and.outer(full[a], full[b])
        if not stacked.any():
            for k in lines[other]:
                line_of[k] = one
            lines[one] += lines.pop(other)
    ordered = sorted(lines.values(), key=lambda line: np.median(flat[line]))
    return [sorted(line, key=lambda i: middle[i]) for line in ordered]


def line_slope(middle: np.ndarray, level: np.ndarray, height: float) -> float:
    """Find the rise over run of lines of writing: seen along them, boxes lie in few, sharp peaks (Postl 1986).

    Parameters
    ----------
    middle, level : (N,) x and y of the boxes' middles, pixels
    height : of a typical digit, pixels

    Returns
    -------
    0 where no other slope is clearer.
    """

    def sharpness(slope: float) -> float:
        rows = np.round((level - slope * middle) * ROWS / height).astype(int)
        profile = np.convolve(np.bincount(rows - rows.min()), PEAK)
        return float(profile @ profile)

    if not len(middle):
        return 0.0
    best = max(sorted(np.arange(-STEEPEST, STEEPEST, 0.01), key=abs), key=sharpness)  # the flattest of the sharpest
    return float(best) if sharpness(best) > CLEARER * sharpness(0) else 0.0


def _neighbours(middle: np.ndarray, flat: np.ndarray, tall: np.ndarray, height: float) -> list[tuple[float, int, int]]:
    """Link each box to the four best aligned on its right: (cost, box, its neighbour)."""
    links = []
    order = np.argsort(flat, kind="stable")
    lows, highs = (np.searchsorted(flat[order], flat + reach) for reach in (-STAGGER * height, STAGGER * height))
    for i in range(len(flat)):
        near = order[lows[i] : highs[i]]
        right = (middle[near] > middle[i]) | ((middle[near] == middle[i]) & (near > i))
        near = near[right]
        away = (middle[near] - middle[i]) / height
        off = np.abs(flat[near] - flat[i]) / height
        larger, smaller = np.maximum(tall[near], tall[i]), np.minimum(tall[near], tall[i])
        reach = np.minimum(height, larger)  # lines of small print are nearer to each other
        fits = off * height <= np.where(away < NEAR, STAGGER, SAME_LINE) * reach
        fits &= (smaller > SMALLER * larger) | (off * height <= larger / 2)
        cost = (off + FAR * away)[fits]
        best = np.argsort(cost, kind="stable")[:4]
        links += [(float(cost[k]), i, int(near[fits][k])) for k in best]
    return links
