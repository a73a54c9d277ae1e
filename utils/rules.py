"""Printed lines taken away from a mask of ink: the rules and squares of paper, and the boxes of forms."""

import cv2
import numpy as np

from utils.ink import resize, stroke_width

STEEP = 0.15  # rise over run: the steepest printed line, 8 degrees
SLOPE = 0.02  # rise over run: lines that differ by less are erased together
SLOPES = 6  # along, and across, at most
SEEN, VOTES = 0.8, 0.4  # line lengths: what the search for slopes must see of a line, and how much ink on it
RUN = 0.5  # line lengths: the shortest straight run of a bent line
GAP = 1.5  # stroke widths: the widest gap in a dotted line
FILLED = 0.5  # share of a line's columns that have thin ink
EVEN = 0.7  # share of the columns with ink in which a line is as thick as it is elsewhere
BENT = 0.005  # line lengths: how far a line may stray from a parabola
THICK, BOX_THICK = 0.05, 0.15  # own lengths: thicker than this a line is a stroke, and the side of a box a bar
SOFT = 0.8  # of the mask's faintest ink: the faintest part of a line
SPARE = 1.6  # thicknesses: a column of ink longer than this is a stroke that crosses the line
BOLD = 1.7  # of a line's ink: anything blacker is a stroke that lies on the line
SPARSE = 0.4  # share of its box: a frame has less ink
BAND = 6  # a frame runs all along the outer sixth of its box, on all four sides
SIDES, EMPTY_SIDES = 0.7, 0.9  # share of each side that has ink, of a frame around something and of an empty one
SIDE = 0.6  # share of a frame's shorter side: the lines in it that are printed
CONTENT = 0.25  # frame heights: what is enclosed and this high makes a frame
CRUMB = 4.0  # line thicknesses: what is left of a frame and no larger is a rest of it
TINY = 12  # pixels: smaller frames are left
DOTS = 6  # pixels of a copy of half the size: the widest gap that the search for slopes bridges

UPRIGHT = np.ones((3, 1), np.uint8)


def remove_rules(mask: np.ndarray, length: float, ink: np.ndarray | None = None, thick: float = THICK) -> np.ndarray:
    """Erase straight lines longer than `length` pixels, along and across, and leave the strokes that cross them.

    A Hough transform tells the slopes of the lines, which fan out in perspective; for each slope the picture is sheared
    until its lines lie level. A line is then erased where its column of ink is no longer than the line is thick (Roach
    and Tatem 1988, for the staff lines of music) and no blacker than the line is elsewhere.

    Parameters
    ----------
    mask : (H, W) uint8, 255 is ink
    length : pixels
    ink : (H, W) float32, see `utils.ink`; without it all ink is equally black
    thick : the thickest line, as a share of its own length

    Returns
    -------
    (H, W) uint8
    """
    if not mask.any():
        return mask
    ink = mask.astype(np.float32) if ink is None else ink
    left = np.where(ink >= SOFT * ink[mask > 0].min(), ink, 0)  # the mask may hold shreds of a faint line
    for slopes in rule_slopes(left, length):
        for slope in slopes:
            drop = np.round(-slope * np.arange(left.shape[1])).astype(int)
            rows, columns = np.nonzero(left)
            lowered = rows + (drop - drop.min())[columns]
            level = np.zeros((len(left) + np.ptp(drop), left.shape[1]), np.float32)
            level[lowered, columns] = left[rows, columns]
            printed = level_rules(level, length, thick)[lowered, columns]
            left[rows[printed], columns[printed]] = 0
        left = np.ascontiguousarray(left.T)
    return np.where(left > 0, mask, 0)


def rule_slopes(ink: np.ndarray, length: float) -> list[list[float]]:
    """Find the slopes of straight lines, rounded to SLOPE: rise over run of those along, run over rise of those across.

    It looks at a copy of half the size, in which dotted lines run together (Matas, Galambos and Kittler 2000). Lines
    along and across are at right angles: where there is one, there may be the other.
    """
    half = resize(np.where(ink > 0, 255, 0).astype(np.uint8), 0.5)
    lines = cv2.HoughLinesP(half, 1, np.pi / 360, round(VOTES * length / 2) + 1, None, SEEN * length / 2, DOTS)
    ends = np.zeros((0, 2, 2)) if lines is None else lines.reshape(-1, 2, 2).astype(float)
    lengths: list[dict[float, float]] = [{}, {}]
    for side, (run, rise) in enumerate(((ends[:, 1] - ends[:, 0]).T, (ends[:, 1] - ends[:, 0])[:, ::-1].T)):
        level = (np.abs(rise) <= STEEP * np.abs(run)) & (run != 0)
        for slope, seen in zip(np.round(rise[level] / run[level] / SLOPE) * SLOPE, np.abs(run[level])):
            for own, angle in (side, slope), (1 - side, -slope):
                lengths[own][angle] = lengths[own].get(angle, 0) + seen
    return [sorted(sorted(found, key=found.get)[-SLOPES:], key=abs) for found in lengths]


def level_rules(ink: np.ndarray, length: float, thick: float) -> np.ndarray:
    """Find nearly level lines in a picture (H, W) float32, see `remove_rules`: (H, W) bool, what to erase."""
    mask = np.where(ink > 0, 255, 0).astype(np.uint8)
    gap, run = max(3, round(GAP * stroke_width(mask))), max(9, round(RUN * length))
    runs = cv2.morphologyEx(cv2.dilate(mask, UPRIGHT), cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    runs = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    labels, stats = cv2.connectedComponentsWithStats(cv2.dilate(runs, np.ones((3, run), np.uint8)))[1:3]
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    likely = np.flatnonzero((wide >= length) & (high <= (thick + 4 * BENT) * wide + 4))
    printed = np.zeros(mask.shape, bool)
    if not likely.any():
        return printed
    labels[(runs == 0) | (mask == 0)] = 0
    for i in likely[likely > 0]:
        x, y, w, h, _ = stats[i]
        around = round(SPARE * thick * w) + 2
        box = slice(max(0, y - around), y + h + around), slice(x, x + w)
        part, lengths = labels[box] == i, run_lengths(mask[box])
        if part.any() and is_rule(part, lengths, length, thick):
            thickness = np.median(lengths[part])
            crossed = lengths > max(SPARE * thickness, thickness + 2)
            near = cv2.dilate(part.astype(np.uint8), UPRIGHT) > 0
            printed[box] |= near & ~crossed & (ink[box] <= BOLD * np.median(ink[box][part]))
    return printed & (mask > 0)


def is_rule(part: np.ndarray, lengths: np.ndarray, length: float, thick: float) -> bool:
    """Whether the pixels of a mask (h, w) bool make a long, thin, straight, unbroken line.

    Parameters
    ----------
    part : the pixels
    lengths : (h, w) ints, see `run_lengths`
    length : pixels that the line must measure
    thick : see `remove_rules`
    """
    rows, columns = np.nonzero(part)
    filled = np.bincount(columns)
    at = np.flatnonzero(filled)
    span = np.ptp(at) + 1
    if span < length:
        return False
    thickness = np.full(len(filled), lengths.max())
    np.minimum.at(thickness, columns, lengths[part])
    typical = np.median(thickness[at])
    even = np.abs(thickness[at] - typical) <= 1
    if typical > thick * span or even.sum() < FILLED * span or even.mean() < EVEN:
        return False
    middle = np.bincount(columns, rows)[at] / filled[at]
    stray = np.abs(np.polyval(np.polyfit(at, middle, 2), at) - middle)
    return bool(np.percentile(stray, 90) <= 1 + BENT * span)


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """Length in pixels of the vertical run of ink through each pixel, 0 on paper."""
    on = mask > 0
    rows = np.arange(len(mask), dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(on, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(on, len(mask), rows)[::-1], axis=0)[::-1]
    return np.where(on, below - above - 1, 0)


def remove_frames(mask: np.ndarray) -> np.ndarray:
    """Erase the sides of boxes and tables; what stands in them stays, even where it touches a side.

    Parameters
    ----------
    mask : (H, W) uint8, 255 is ink

    Returns
    -------
    (H, W) uint8
    """
    mask = mask.copy()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    left, top, width, height, area = stats.T
    right, bottom = left + width, top + height
    for i in np.flatnonzero((area < SPARSE * width * height) & (np.minimum(width, height) > TINY)):
        inside = (left > left[i]) & (right < right[i]) & (top > top[i]) & (bottom < bottom[i])
        box = slice(top[i], bottom[i]), slice(left[i], right[i])
        frame = labels[box] == i
        if is_frame(frame, encloses=bool((height[inside] >= CONTENT * height[i]).any())):
            part = np.pad(frame.astype(np.uint8) * 255, 2)
            stroke = stroke_width(part)
            beside = np.ones([max(3, round(stroke))] * 2, np.uint8)  # the sides of two boxes, side by side, are one
            part = cv2.morphologyEx(part, cv2.MORPH_CLOSE, beside)
            kept = remove_rules(part, SIDE * min(frame.shape), thick=BOX_THICK)[2:-2, 2:-2]
            mask[box][frame] = without_crumbs(kept, CRUMB * stroke)[frame]
    return mask


def without_crumbs(mask: np.ndarray, size: float) -> np.ndarray:
    """Erase the pieces of a mask (h, w) uint8 whose sides are both at most `size` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    crumb = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) <= size
    return np.where(crumb[labels], 0, mask).astype(np.uint8)


def is_frame(part: np.ndarray, encloses: bool) -> bool:
    """Whether a component (h, w) bool runs along all four sides of its box."""
    h, w = part.shape
    high, wide = h // BAND + 1, w // BAND + 1
    sides = part[:high].any(0), part[-high:].any(0), part[:, :wide].any(1), part[:, -wide:].any(1)
    return min(side.mean() for side in sides) > (SIDES if encloses else EMPTY_SIDES)
