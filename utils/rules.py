"""Printed lines taken away from a mask of ink: the rules and squares of paper, and the boxes of forms."""

import cv2
import numpy as np

from utils.ink import stroke_width

SLOPES = sorted(np.linspace(-0.14, 0.14, 29), key=abs)  # of printed lines, rise over run: up to 8 degrees
SAMPLE = 20_000  # pixels of ink that tell the slope
GAP, RUN = 0.08, 0.5  # line lengths: the widest gap in a dotted line, and the shortest straight run of a bent one
FILLED = 0.5  # share of a line's columns that have ink
BENT = 0.02  # line lengths: how far a line may stray from a parabola
THICK = 0.15  # own lengths: anything thicker is a bar, not a line
SPARE = 1.6  # thicknesses: a column of ink longer than this is a stroke that crosses the line
SPARSE = 0.4  # share of its box: a frame has less ink
BAND = 6  # a frame runs all along the outer sixth of its box, on all four sides
SIDES, EMPTY_SIDES = 0.7, 0.9  # share of each side that has ink, of a frame around something and of an empty one
SIDE = 0.6  # share of a frame's shorter side: the lines in it that are printed
CONTENT = 0.25  # frame heights: what is enclosed and this high makes a frame
CRUMB = 4.0  # line thicknesses: what is left of a frame and no larger is a rest of it
TINY = 12  # pixels: smaller frames are left


def remove_rules(mask: np.ndarray, length: float) -> np.ndarray:
    """Erase straight lines longer than `length` pixels, along and across, and leave the strokes that cross them.

    Printed lines share one direction, so the mask is sheared until they lie level. A line is then erased where its
    column of ink is no longer than the line is thick (Roach and Tatem 1988, for the staff lines of music).

    Parameters
    ----------
    mask : (H, W) uint8, 255 is ink

    Returns
    -------
    (H, W) uint8
    """
    for _ in ("along", "across"):
        drop = np.round(rule_slope(mask) * np.arange(mask.shape[1])).astype(int)
        drop -= drop.min()
        level = np.zeros((len(mask) + drop.max(), mask.shape[1]), np.uint8)
        rows, columns = np.nonzero(mask)
        level[rows + drop[columns], columns] = 255
        level = remove_level_rules(level, length)
        mask = np.zeros_like(mask)
        rows, columns = np.nonzero(level)
        mask[rows - drop[columns], columns] = 255
        mask = np.ascontiguousarray(mask.T)
    return mask


def rule_slope(mask: np.ndarray) -> float:
    """Rows by which to lower each next column so that the mask's lines lie level: the sharpest profile (Postl 1986)."""
    rows, columns = np.nonzero(mask)
    sample = slice(None, None, 1 + len(rows) // SAMPLE)
    rows, columns = rows[sample], columns[sample]

    def sharpness(slope: float) -> float:
        lowered = rows + slope * columns
        profile = np.bincount(np.round(lowered - lowered.min(initial=0)).astype(int))
        return float((profile.astype(float) ** 2).sum())

    return float(max(SLOPES, key=sharpness))


def remove_level_rules(mask: np.ndarray, length: float) -> np.ndarray:
    """Erase nearly level lines longer than `length` pixels from a mask (H, W) uint8."""
    gap, run = max(3, round(GAP * length)) | 1, max(9, round(RUN * length))
    thick = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    thick = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    if not runs.any():
        return mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(runs, np.ones((3, run), np.uint8)))
    labels[(runs == 0) | (mask == 0)] = 0
    lengths = run_lengths(mask)
    limit = np.zeros(count, np.float32)
    for i in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= length)[1:]:
        x, y, w, h, _ = stats[i]
        part = labels[y : y + h, x : x + w] == i
        thickness = np.median(lengths[y : y + h, x : x + w][part]) if part.any() else 0
        if is_rule(part, length) and thickness < THICK * w:
            limit[i] = max(SPARE * thickness, thickness + 2)
    limit = cv2.dilate(limit[labels], np.ones((3, 1), np.uint8))
    return np.where(lengths <= limit, 0, mask).astype(np.uint8)


def is_rule(part: np.ndarray, length: float) -> bool:
    """Whether the pixels of a mask (h, w) bool make a long, straight, unbroken line."""
    rows, columns = np.nonzero(part)
    filled = np.bincount(columns, minlength=part.shape[1])
    at = np.flatnonzero(filled)
    if len(at) < FILLED * part.shape[1] or len(at) < 3 or at[-1] - at[0] < length:
        return False
    middle = np.bincount(columns, rows, minlength=part.shape[1])[at] / filled[at]
    stray = np.abs(np.polyval(np.polyfit(at, middle, 2), at) - middle)
    return bool(np.median(stray) <= BENT * length)


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
            kept = remove_rules(part, SIDE * min(frame.shape))[2:-2, 2:-2]
            mask[box][frame] = without_crumbs(kept, CRUMB * stroke_width(part))[frame]
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
