"""Numbers kept apart from each other, by the gaps between their digits."""

from collections.abc import Sequence

import numpy as np

from utils.segment import Piece

SPACE, WIDER, FARTHER = 0.5, 1.5, 1.35  # see `space_numbers`: digit heights, and ratios of gaps, and of distances
TIGHT = 0.15  # digit heights: narrower gaps count as this, touching digits have none


def space_numbers(lines: Sequence[Sequence[Piece]]) -> list[list[Piece]]:
    """Mark the digits before which another number ends: where the gap is clearly wider than others of its line.

    That means at least SPACE wide, at least WIDER times as wide as the next narrower gap, and its digits, middle to
    middle, FARTHER apart than those at narrower gaps are on average. So digits in even cells stay together. A line of
    only two digits is measured by the gaps of the whole page.
    """
    rows = [measure(line) for line in lines]
    gaps, steps = (np.concatenate([row[i] for row in rows] or [[]]) for i in range(2))
    of_page = clear_gap(gaps, steps)
    spaced = []
    for line, row in zip(lines, rows):
        least = clear_gap(*row) if len(line) > 2 else of_page
        wide = [False, *(row[0] >= least)]
        spaced.append(
            [digit._replace(is_spaced=i > 0 and (digit.is_spaced or bool(wide[i]))) for i, digit in enumerate(line)]
        )
    return spaced


def measure(line: Sequence[Piece]) -> tuple[np.ndarray, np.ndarray]:
    """Measure the gaps between a line's digits, and how far apart their middles are, in their median height."""
    x, _, w, h = np.array([digit.box for digit in line], float).reshape(-1, 4).T
    height = np.median(h) if len(h) else 1.0
    return np.maximum((x[1:] - (x + w)[:-1]) / height, TIGHT), np.diff(x + w / 2) / height


def clear_gap(gaps: np.ndarray, steps: np.ndarray) -> float:
    """Find the narrowest gap that is clearly wider than those below it; infinite where there is none."""
    order = np.argsort(gaps, kind="stable")
    gaps, steps = gaps[order], steps[order]
    # for each gap but the narrowest: the shortest step at this gap and wider ones, and the mean step at narrower ones
    least = np.minimum.accumulate(steps[::-1])[::-1][1:]
    typical = np.cumsum(steps)[:-1] / np.arange(1, len(gaps) or 1)
    clear = (gaps[1:] >= WIDER * gaps[:-1]) & (gaps[1:] >= SPACE) & (least >= FARTHER * typical)
    return float(gaps[1:][clear].min(initial=np.inf))
