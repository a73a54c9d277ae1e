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

    rows: np.ndarray  # (n,) float, the row of its middle in each column; it goes on, by its own length, at both ends
    start: int  # the column of the first of these
    thickness: float  # pixels
    black: float  # its ink, see `utils.ink`
    first: int  # the column in which it begins,
    last: int  # and in which it ends

    def row(self, column: int) -> float:
        """The row of its middle in a column."""
        return float(self.rows[column - self.start])

    @property
    def level(self) -> float:
        """The row of its middle column."""
        return self.row((self.first + self.last) // 2)


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
    rows, columns = pixels(ink > 0)
    mask = np.zeros((len(ink) + drop.max(), ink.shape[1]), np.uint8)
    mask[rows + drop[columns], columns] = 255

    window = round(length) | 1
    upright = np.ones((3, 1), np.uint8)  # a line may step to the next row
    filled, edge = (
        cv2.blur(picture, (window, 1), borderType=cv2.BORDER_CONSTANT)
        for picture in (cv2.dilate(mask, upright), np.full((1, mask.shape[1]), 255, np.uint8))
    )
    is_run = (mask > 0) & (filled >= np.ceil(FULL * edge).astype(np.uint8))
    level = np.flatnonzero(is_run.any(axis=1))
    if not len(level):
        return []
    top = level[0]
    is_run = is_run[top : level[-1] + 1]
    _, labels = cv2.connectedComponents(cv2.dilate(is_run.astype(np.uint8), np.ones((3, window), np.uint8)))
    rows, columns = pixels(is_run)
    line = labels[rows, columns]
    kept = np.flatnonzero(is_slender(rows, columns, line, ink.shape[1], length, thick))
    kept = kept[np.lexsort((columns[kept], line[kept]))]
    return fit_courses((rows + top - drop[columns])[kept], columns[kept], line[kept], ink, lengths, thick)


def pixels(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the pixels (rows, columns) of a mask (H, W) bool; several times as fast as `np.nonzero`."""
    return np.divmod(np.flatnonzero(mask), mask.shape[1])


def is_slender(
    rows: np.ndarray, columns: np.ndarray, line: np.ndarray, width: int, length: float, thick: float
) -> np.ndarray:
    """Whether the pixels (N,) are of something that is as long, and may be as thin, as a line: (N,) bool.

    `width` is the picture's; for the others see `fit_courses` and `find_lines`.
    """

    def extreme(which: np.ufunc, values: np.ndarray) -> np.ndarray:
        found = np.zeros(line.max(initial=0) + 1, int)
        found[line] = values
        which.at(found, line, values)
        return found

    first, last = extreme(np.minimum, columns), extreme(np.maximum, columns)
    high = extreme(np.maximum, rows) - extreme(np.minimum, rows)
    span = last - first + 1
    # where a line ends inside the picture, half of the window that it must fill lies beyond
    beyond = (FULL - 0.5) * length * ((first > 0).astype(int) + (last < width - 1))
    reach = np.minimum(last + length / 2, width - 1) - np.maximum(first - length / 2, 0) + 1
    return ((span + beyond >= length) & (high <= (thick + 4 * BENT) * reach + 1))[line]


def fit_courses(
    rows: np.ndarray, columns: np.ndarray, line: np.ndarray, ink: np.ndarray, lengths: np.ndarray, thick: float
) -> list[Course]:
    """Fit a parabola to the pixels of each line, if they make it thin and straight.

    Parameters
    ----------
    rows, columns, line : (n,) of each pixel, by line and by column
    lengths : (H, W) of the vertical run of ink through each pixel
    thick : see `find_lines`

    Returns
    -------
    The lines' courses, extended straight by their own length on both sides.
    """
    if not len(rows):
        return []
    line = np.cumsum(np.diff(line, prepend=line[0]) > 0)  # 0, 1, 2...
    runs, black = lengths[rows, columns], ink[rows, columns]
    # each column of each line: where its middle is, and how thick it is
    start = np.flatnonzero((np.diff(line, prepend=-1) > 0) | (np.diff(columns, prepend=-1) != 0))
    of, column = line[start], columns[start]
    middle = np.add.reduceat(rows, start) / np.diff(start, append=len(rows))
    thickness = np.minimum.reduceat(runs, start)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(of, values) / n

    # each line: from where to where it runs, and whether it is thin
    n = np.bincount(of)
    last = np.cumsum(n) - 1
    first, last = column[last - n + 1], column[last]
    span = last - first + 1
    typical = quantiles(thickness, of, 0.5)
    even = np.bincount(of, np.abs(thickness - typical[of]) <= np.maximum(1, EVEN * typical)[of])
    is_thin = (typical <= thick * span) & (even >= FILLED * span) & (even >= MOSTLY * n)
    # whether it is straight: least squares, with polynomials that are orthogonal over its columns
    centre = mean(column)
    x = column - centre[of]
    square = np.maximum(mean(x**2), 1)
    skew = mean(x**3) / square
    bow = x**2 - skew[of] * x - square[of]
    level, slope, bend = mean(middle), mean(x * middle) / square, mean(bow * middle) / np.maximum(mean(bow**2), 1)
    away = np.abs(level[of] + slope[of] * x + bend[of] * bow - middle)
    is_straight = quantiles(away, of, 0.9) <= 1 + BENT * span

    thickness, black = quantiles(runs, line, 0.5), quantiles(black, line, 0.5)
    courses = []
    for i in np.flatnonzero(is_thin & is_straight):
        column = np.arange(max(0, first[i] - span[i]), min(ink.shape[1], last[i] + 1 + span[i]))
        x = column - centre[i]
        bow = np.where((column < first[i]) | (column > last[i]), 0, x**2 - skew[i] * x - square[i])
        course = level[i] + slope[i] * x + bend[i] * bow
        courses.append(Course(course, int(column[0]), thickness[i], black[i], int(first[i]), int(last[i])))
    return courses


def quantiles(values: np.ndarray, of: np.ndarray, share: float) -> np.ndarray:
    """Take the same quantile of the values (N,) of each of several things; `of` (N,) says whose, from 0 on."""
    values = np.sort(of + 1j * values).imag  # NumPy sorts by the real part first
    n = np.bincount(of)
    at = np.cumsum(n) - n + share * (n - 1)
    low, high = np.floor(at).astype(int), np.ceil(at).astype(int)
    return values[low] + (at - low) * (values[high] - values[low])


def on_course(course: Course, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """List the pixels (rows, columns) of a picture of this shape on a line's course."""
    half = round(course.thickness / 2) + 1
    columns = course.start + np.arange(len(course.rows))
    rows = np.round(course.rows).astype(int) + np.arange(-half, half + 1)[:, None]
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
        row = round(course.row(end))
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
