"""Styles of writing that MNIST's digits lack: flags and feet on 1s, bars across 7s, curled legs of 9s, tails of 0s."""

import cv2
import numpy as np

from utils.frame import frame_many
from utils.junk import INK

MARGIN = 8  # px around a digit while strokes are added to it


def restyle(digits: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give a share of the digits (N, 28, 28) uint8, 255 is ink, the parts that MNIST's American writers leave out.

    Each is a short curve in the digit's own stroke width, from an end that is found in the digit's own ink; see STYLES.
    Digits without a new part come back as they were.
    """
    digits = digits.copy()
    for digit, (share, add_strokes) in STYLES.items():
        chosen = np.flatnonzero((labels == digit) & (rng.random(len(digits)) < share) & (digits.max(axis=(1, 2)) > 128))
        ink = np.pad(digits[chosen], ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
        add_strokes(ink, rng)
        digits[chosen] = frame_many(ink)
    return digits


def flag_and_foot(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A flag, a foot or both; a flag without a foot hangs steeply, or it would make a 7."""
    n = len(ink)
    (x, y), (foot_x, foot_y), height, pen = ends(ink)
    flag, foot = rng.random(n) < 0.96, rng.random(n) < 0.4
    long = rng.random(n) < 0.3  # an upstroke as long as the stem, as in much of Europe
    reach = np.where(long, rng.uniform(0.5, 1.0, n), rng.uniform(0.15, 0.55, n)) * height
    hang = np.deg2rad(np.where(long, rng.uniform(30, 60, n), rng.uniform(np.where(foot, 10, 25), 70)))
    tip_x, tip_y = x - reach * np.cos(hang), y + reach * np.sin(hang)
    bow_x, bow_y = rng.normal(0, 0.12, (2, n)) * reach
    stroke(ink, (x, y), ((x + tip_x) / 2 + bow_x, (y + tip_y) / 2 + bow_y), (tip_x, tip_y), pen * flag)
    left, right = rng.uniform(0.1, 0.45, (2, n)) * height
    tilt = rng.normal(0, 0.06, n) * height
    start, end = (foot_x - left, foot_y - tilt), (foot_x + right, foot_y + tilt)
    stroke(ink, start, (foot_x, foot_y), end, pen * (foot | ~flag))


def bar(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A bar across the stem, where there is one stem to cross."""
    n, _, side = ink.shape
    (_, top), _, height, pen = ends(ink)
    y = top + rng.uniform(0.45, 0.62, n) * height
    row = ink[np.arange(n), y.astype(int)] > INK
    x = row @ np.arange(side) / np.maximum(row.sum(axis=1), 1)
    wide = side - row.argmax(axis=1) - row[:, ::-1].argmax(axis=1)
    half, tilt = rng.uniform(0.18, 0.5, n) * height, rng.normal(-0.03, 0.06, n) * height
    stroke(ink, (x - half, y - tilt), (x, y), (x + half, y + tilt), pen * (wide < 9))


def curled_leg(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A leg that curls to the left, as in much of Europe."""
    n = len(ink)
    _, (x, y), height, pen = ends(ink)
    reach = rng.uniform(0.25, 0.7, n) * height
    drop, rise = rng.uniform(0.1, 0.3, n) * height, rng.uniform(-0.1, 0.2, n) * height
    stroke(ink, (x, y), (x - 0.15 * reach, y + drop), (x - reach, y - rise), pen)


def tail(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A tail where the pen came from or went to."""
    n = len(ink)
    (x, y), _, height, pen = ends(ink)
    reach = rng.uniform(0.3, 0.6, n) * height * rng.choice([-1, 1], n)
    dip, lift = rng.uniform(-0.1, 0.2, n) * height, rng.uniform(-0.15, 0.15, n) * height
    stroke(ink, (x, y), (x + reach / 2, y + dip), (x + reach, y + lift), pen)


# a digit, the share of its images that change, and how
STYLES = {1: (0.8, flag_and_foot), 7: (0.35, bar), 9: (0.3, curled_leg), 0: (0.1, tail)}


def ends(ink: np.ndarray) -> tuple[tuple, tuple, np.ndarray, np.ndarray]:
    """Find (x, y) of the top and of the bottom end of each digit, its height, and a pen as wide as its strokes."""
    firm = ink > INK
    rows = firm.any(axis=2)
    top, bottom = rows.argmax(axis=1), ink.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    height = np.maximum(bottom - top, 1)
    pen = np.sqrt(firm.sum(axis=(1, 2)) / height / 1.3).round().astype(int).clip(1, 3)
    each, grid = np.arange(len(ink)), np.arange(ink.shape[2])
    head, foot = (row @ grid / row.sum(axis=1) for row in (firm[each, top], firm[each, bottom]))
    return (head, top + 0.5), (foot, bottom - 0.5), height, pen


def stroke(ink: np.ndarray, start: tuple, middle: tuple, end: tuple, pen: np.ndarray) -> None:
    """Draw on each image a quadratic Bezier curve through three points (x, y), `pen` px wide; 0 draws nothing."""
    t = np.linspace(0, 1, 6)[:, None, None]
    curves = (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(middle) + t**2 * np.array(end)
    curves = np.round(16 * curves.transpose(2, 0, 1)).astype(np.int32, order="C")  # 4 bits of sub-pixel
    for image, curve, width in zip(ink, curves, pen.tolist()):
        if width:
            cv2.polylines(image, [curve], False, 255, width, cv2.LINE_AA, 4)
