"""Straight lines in ink, found and told from the strokes that cross them."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.ink import resize

SHORTEST = 9  # pixels: in less, straight and bent look the same

# the search for slopes
STEEP = 0.4  # rise over run: the steepest printed line, 22 degrees; ticks on it begin as far aslant
SLOPE = 0.02  # rise over run: lines that differ by less are found together
SLOPES = 4  # along, and across, at most
STRIP = 8.0  # own heights: no line of a strip is looked for that rises further from its one end to the other
SEEN, VOTES = 0.8, 0.4  # line lengths: what it must see of a line, and how much ink on it
DOTS = 6  # pixels of a copy of half the size: the widest gap that it bridges

# what is a line
FULL = 0.65  # share of a line's length that is ink, in dotted lines too
EVEN = 0.3  # of the line's thickness: by how much it may differ, or a pixel...
MOSTLY, FILLED = 0.45, 0.4  # ...in this share of the columns with ink; share of all columns that have such ink
DENSE = 0.3  # share of a picture: more ink than this is a texture, and has no lines
BENT = 0.005  # line lengths: how far a line may stray from a parabola
SPARE = 1.6  # thicknesses: a column of ink longer than this is a stroke that crosses the line
BOLD = 1.7  # of a line's ink: anything blacker is a stroke that lies on the line


class Course(NamedTuple):
    """Where a line runs, in a picture that is turned so that the line lies along it."""

    rows: np.ndarray  # (W,) float, the row of the line's middle in each column; nan where there is none
    thickness: float  # pixels
    black: float  # its ink, see `utils.ink`
    first: int  # the column in which it begins,
    last: int  # and in which it ends

    @property
    def level(self) -> float:
        """The row of its middle column."""
        return float(self.rows[(self.first + self.last) // 2])


# chooses lines among those of one slope, given the ink, the `run_lengths` of what they may end at, and their length
Choice = Callable[[list[Course], np.ndarray, np.ndarray, float], list[Course]]


def find_lines(ink: np.ndarray, length: float, thick: float, stops: np.ndarray | None = None) -> np.ndarray:
    """Find straight lines longer than `length` pixels, along and across, but for the strokes that cross them.

    A Hough transform tells the slopes of the lines, which fan out in perspective; for each slope the picture is sheared
    until its lines lie level. A line is then erased where its column of ink is no longer than the line is thick (Roach
    and Tatem 1988, for the staff lines of music) and no blacker than the line is elsewhere.

    Parameters
    ----------
    ink : (H, W) float32, see `utils.ink`
    length : pixels
    thick : the thickest line, as a share of its own length
    stops : (H, W) bool, if given: both ends of a line must lie there, or on the picture's edge

    Returns
    -------
    (H, W) bool
    """
    length = max(length, SHORTEST)
    return find(ink, rule_slopes(ink, length), length, thick, stops, hanging)


def find(
    ink: np.ndarray, both: list[list[float]], length: float, thick: float, stops: np.ndarray | None, choose: Choice
) -> np.ndarray:
    """Find lines of the slopes along, then those across in what is left; `choose` tells which may end at `stops`."""
    found, left = np.zeros(ink.shape, bool), ink.copy()
    if not 0 < np.mean(ink > 0) < DENSE:
        return found
    for turn, slopes in zip((np.asarray, np.transpose), both):
        if not slopes:
            continue
        left, marked = np.ascontiguousarray(turn(left)), turn(found)  # `marked` is `found` itself, seen along the lines
        lengths = run_lengths(left)
        ends = None if stops is None else run_lengths(turn(stops) | marked)
        for slope in slopes:
            if abs(slope) * left.shape[1] > STRIP * len(left):
                continue
            courses = level_courses(left, lengths, slope, length, thick)
            for course in courses if ends is None else choose(courses, left, ends, length):
                rows, columns = on_course(course, left.shape)
                thin = lengths[rows, columns] <= max(SPARE * course.thickness, course.thickness + 2)
                printed = thin & (left[rows, columns] > 0) & (left[rows, columns] <= BOLD * course.black)
                marked[rows[printed], columns[printed]] = True
                left[rows[printed], columns[printed]] = 0
    return found


def hanging(courses: Sequence[Course], ink: np.ndarray, ends: np.ndarray, length: float) -> list[Course]:
    """Choose the lines that run from one line across them to another, or to the picture's edge."""
    return [course for course in courses if all(stands(course, ink, ends, length))]


def rule_slopes(ink: np.ndarray, length: float) -> list[list[float]]:
    """Find the slopes of straight lines, rounded to SLOPE: rise over run of those along, run over rise of those across.

    It looks at a copy of half the size, in which dotted lines run together (Matas, Galambos and Kittler 2000). Lines
    along and across are at right angles: where there is one, there may be the other.
    """
    half = resize(255 * (ink > 0).astype(np.uint8), 0.5)
    lines = cv2.HoughLinesP(half, 1, np.pi / 360, round(VOTES * length / 2) + 1, None, SEEN * length / 2, DOTS)
    ends = np.zeros((0, 2, 2)) if lines is None else lines.reshape(-1, 2, 2).astype(float)
    lengths: list[dict[float, float]] = [{}, {}]
    steps = (ends[:, 1] - ends[:, 0]).T
    for side, (run, rise) in enumerate((steps, steps[::-1])):
        level = (np.abs(rise) <= STEEP * np.abs(run)) & (run != 0)
        for slope, seen in zip(np.round(rise[level] / run[level] / SLOPE) * SLOPE, np.abs(run[level])):
            for own, angle in (side, slope), (1 - side, -slope):
                lengths[own][angle] = lengths[own].get(angle, 0) + seen
    return [sorted(sorted(found, key=found.get)[-SLOPES:], key=abs) for found in lengths]


def level_courses(ink: np.ndarray, lengths: np.ndarray, slope: float, length: float, thick: float) -> list[Course]:
    """Find the lines of one slope; `lengths` are the `run_lengths` of the ink."""
    drop = np.round(-slope * np.arange(ink.shape[1])).astype(int)  # of each column, until lines of this slope lie level
    drop -= drop.min()
    rows, columns = np.nonzero(ink > 0)  # three times as fast as of the float array itself
    mask = np.zeros((len(ink) + drop.max(), ink.shape[1]), np.uint8)
    mask[rows + drop[columns], columns] = 255

    window = round(length) | 1
    upright = np.ones((3, 1), np.uint8)  # a line may step to the next row
    filled, edge = (
        cv2.blur(picture, (window, 1), borderType=cv2.BORDER_CONSTANT)
        for picture in (cv2.dilate(mask, upright), np.full((1, mask.shape[1]), 255, np.uint8))
    )
    runs = 255 * ((mask > 0) & (filled >= FULL * edge)).astype(np.uint8)
    level = np.flatnonzero(runs.any(axis=1))
    if not len(level):
        return []
    top = level[0]
    runs = runs[top : level[-1] + 1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(runs, np.ones((3, window), np.uint8)))
    left, wide, high = (stats[:, i] for i in (cv2.CC_STAT_LEFT, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT))
    missed = (FULL - 0.5) * length  # where a line ends inside the picture, half of the window of `filled` lies beyond
    span = wide - window // 2 * ((left > 0).astype(int) + (left + wide < ink.shape[1]))  # before it was dilated
    likely = np.flatnonzero((span >= length - 2 * missed) & (high <= (thick + 4 * BENT) * wide + 4))
    labels[runs == 0] = 0
    courses = []
    for i in likely[likely > 0]:
        x, y, w, h, _ = stats[i]
        rows, columns = np.nonzero(labels[y : y + h, x : x + w] == i)
        columns = columns + x
        rows = rows + top + y - drop[columns]
        first, last = columns.min(), columns.max()
        if last - first + 1 + missed * (int(first > 0) + int(last < ink.shape[1] - 1)) < length:
            continue
        if course := find_course(rows, columns, ink, lengths, thick):
            courses.append(course)
    return courses


def find_course(
    rows: np.ndarray, columns: np.ndarray, ink: np.ndarray, lengths: np.ndarray, thick: float
) -> Course | None:
    """Fit a parabola to pixels (rows, columns) if they make a thin, straight line.

    Parameters
    ----------
    lengths : (H, W) of the vertical run of ink through each pixel
    thick : see `find_lines`

    Returns
    -------
    The line's course, extended straight by its own length on both sides, or None.
    """
    runs = lengths[rows, columns]
    first = columns.min()
    filled = np.bincount(columns - first)
    at, span = np.flatnonzero(filled), len(filled)
    thickness = np.full(span, runs.max())
    np.minimum.at(thickness, columns - first, runs)
    typical = np.median(thickness[at])
    even = np.abs(thickness[at] - typical) <= max(1, EVEN * typical)
    if typical > thick * span or even.sum() < FILLED * span or even.mean() < MOSTLY:
        return None
    middle = np.bincount(columns - first, rows)[at] / filled[at]
    bent, straight = np.polyfit(at, middle, 2), np.polyfit(at, middle, 1)
    if np.percentile(np.abs(np.polyval(bent, at) - middle), 90) > 1 + BENT * span:
        return None
    x = np.arange(ink.shape[1]) - first
    course = np.where((x >= 0) & (x < span), np.polyval(bent, x), np.polyval(straight, x))
    course[(x < -span) | (x >= 2 * span)] = np.nan
    thickness, black = float(np.median(runs)), float(np.median(ink[rows, columns]))
    return Course(course, thickness, black, int(first), int(columns.max()))


def on_course(course: Course, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """List the pixels (rows, columns) of a picture of this shape on a line's course."""
    half = round(course.thickness / 2) + 1
    columns = np.flatnonzero(~np.isnan(course.rows))
    rows = np.round(course.rows[columns]).astype(int) + np.arange(-half, half + 1)[:, None]
    rows, columns = np.broadcast_arrays(rows, columns)
    inside = (rows >= 0) & (rows < shape[0])
    return rows[inside], columns[inside]


def stands(course: Course, ink: np.ndarray, ends: np.ndarray, length: float) -> Iterator[bool]:
    """Whether a level line begins, and whether it ends, at a line across it or at the picture's edge.

    Parameters
    ----------
    ends : (H, W) `run_lengths` of the lines across, and of what else may end it
    length : that was searched for; up to FULL - 0.5 of it may be missing at either end of the course
    """
    rows, on = on_course(course, ink.shape)
    inked = np.bincount(on, ink[rows, on] > 0, ink.shape[1]) > 0
    reach = max(2, round(course.thickness)) + 2
    for end, step, edge in (course.first, -1, 0), (course.last, 1, ink.shape[1] - 1):
        last = end + step * round((FULL - 0.5) * length)
        while end != last and 0 <= end + step < ink.shape[1] and inked[end + step]:
            end += step
        row = round(course.rows[end])
        there = ends[max(0, row - reach) : row + reach, max(0, end - reach) : end + reach]
        yield there.max(initial=0) > reach or abs(end - edge) <= reach


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """Length in pixels of the vertical run of ink through each pixel, 0 on paper."""
    columns = np.pad(mask.T > 0, ((0, 0), (1, 1)))  # with paper between one and the next
    on = columns.ravel()
    edges = np.flatnonzero(on[1:] != on[:-1])
    lengths = edges[1::2] - edges[::2]
    found = np.zeros(on.size, np.int32)
    found[on] = np.repeat(lengths, lengths)
    return found.reshape(columns.shape)[:, 1:-1].T
