"""Ticks of combs and number lines, and the sides of low cells: short lines on others, at one pitch."""

import functools
from collections.abc import Sequence

import numpy as np

from utils.straight import BOLD, SHORTEST, STEEP, Course, find, rule_slopes

CELLS = 4  # lines that tell a pitch
OFF_PITCH, ON_PITCH = 0.07, 0.7  # of the pitch: how far off a line may lie; share of the lines that must lie nearer
STUBBY = 0.5  # of its length: how thick a tick may be
ROW = 5  # times its length: the shortest line on which it may stand


def find_ticks(ink: np.ndarray, lines: np.ndarray, length: float, black: float) -> np.ndarray:
    """Find short lines that stand on others, or cross them, at one pitch.

    Parameters
    ----------
    ink : (H, W) float32, see `utils.ink`, without the lines
    lines : (H, W) bool, those others
    length : pixels of the shortest tick
    black : the ink of the lines; what is much blacker is no tick

    Returns
    -------
    (H, W) bool
    """
    length = max(length, SHORTEST)
    choose = functools.partial(evenly_standing, black=black)
    return find(ink, rule_slopes(lines, ROW * length), length, STUBBY, lines, choose)


def evenly_standing(
    courses: Sequence[Course], ink: np.ndarray, ends: np.ndarray, length: float, black: float
) -> list[Course]:
    """Choose the lines on the same line at one pitch, and add those of them that writing hides."""
    standing = [one for one in courses if one.black <= BOLD * black and on_line(one, ends)]
    chosen = []
    for row in in_rows(standing):
        levels = np.array([course.level for course in row])
        fits, pitch = np.zeros(len(row), bool), np.inf
        for start, gap in zip(levels, np.diff(levels)):
            steps = (levels - start) / max(gap, 1)
            fit = np.abs(steps - np.round(steps)) < OFF_PITCH
            if gap > length and fit.sum() > fits.sum():
                fits, pitch = fit, gap
        if fits.sum() >= max(CELLS, ON_PITCH * len(row)):
            even = [course for course, yes in zip(row, fits) if yes]
            chosen += even
            for one, other in zip(even, even[1:]):
                chosen += between(one, other, round((other.level - one.level) / pitch))
    return chosen


def on_line(course: Course, ends: np.ndarray) -> bool:
    """Whether a line stands on one across it, or crosses it; `ends` are the `run_lengths` of those."""
    reach = 2 * max(2, round(course.thickness)) + 2
    rows = course.rows[course.first - course.start : course.last + 1 - course.start]
    top, bottom = max(0, round(rows.min()) - reach), max(0, round(rows.max()) + reach)
    return bool(ends[top:bottom, max(0, course.first - reach) : course.last + reach].max(initial=0) > reach)


def in_rows(courses: Sequence[Course]) -> list[list[Course]]:
    """Gather the lines that begin, or end, on the same line across them, in the order in which they stand there."""
    rows: list[list[Course]] = []
    for course in sorted(courses, key=lambda course: course.level):
        for row in rows:
            near = STEEP * (course.level - row[-1].level) + course.thickness
            if min(abs(course.first - row[-1].first), abs(course.last - row[-1].last)) < near:
                row.append(course)
                break
        else:
            rows.append([course])
    return rows


def between(one: Course, other: Course, n: int) -> list[Course]:
    """Lay the n - 1 lines between two that are n steps apart, where both run or would go on."""
    thickness, black = (one.thickness + other.thickness) / 2, (one.black + other.black) / 2
    first = max(min(one.first, other.first), one.start, other.start)
    last = min(max(one.last, other.last), one.start + len(one.rows) - 1, other.start + len(other.rows) - 1)
    columns = np.arange(first, last + 1)
    if not len(columns):
        return []
    upper, lower = (course.rows[columns - course.start] for course in (one, other))
    return [Course(upper + (lower - upper) * k / n, first, thickness, black, first, last) for k in range(1, n)]
