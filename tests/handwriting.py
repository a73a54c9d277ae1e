"""Digits written by a pen: MNIST's pixels redrawn as strokes and set out in rows."""

import dataclasses

import cv2
import numpy as np

from tests.conditions import Condition
from tests.signs import WORDS, draw_sign, print_words


@dataclasses.dataclass
class Stroke:
    """Ink to be laid on the page: (h, w) float32 in [0, 1], its left and top, its row; a digit, a sign or a word."""

    ink: np.ndarray
    x: float
    y: float
    row: int
    is_digit: bool = True


def cut(ink: np.ndarray) -> np.ndarray:
    """Return the mask (uint8, 1 = ink) of grey strokes, at the highest level that leaves them whole."""
    peak = np.percentile(ink[ink > 0.25 * ink.max()], 90)
    pieces = cv2.connectedComponents((ink > 0.12 * peak).astype(np.uint8))[0]
    for level in (0.5, 0.4, 0.3, 0.2):
        body = (ink > level * peak).astype(np.uint8)
        if cv2.connectedComponents(body)[0] <= pieces:
            break
    return body


def thin(body: np.ndarray, weight: float, window: int) -> np.ndarray:
    """Thin the strokes of a mask to about `weight` of their width.

    Keeps the points near the ridge of the distance transform, relative to the stroke's radius within `window` pixels,
    and thins less where that would break a stroke.
    """
    radius = cv2.distanceTransform(body, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ridge = cv2.dilate(radius, np.ones((window, window), np.uint8))
    ridge = np.minimum(ridge, np.median(ridge[body > 0]))
    pieces = cv2.connectedComponents(body)[0]
    for share in np.arange(weight, 1, 0.1):
        thinned = ((radius > (1 - share) * ridge) & (body > 0)).astype(np.uint8)
        if cv2.connectedComponents(thinned)[0] <= pieces:
            return thinned
    return body


def draw_digit(pixels: np.ndarray, height: float, weight: float, angle: float = 0, shear: float = 0) -> np.ndarray:
    """Redraw an MNIST digit as a pen would have written it.

    The pixels are enlarged smoothly and cut at half their peak, lower where that would break a faint stroke.

    Parameters
    ----------
    pixels : (28, 28) uint8
        Light ink on 0.
    height : float
        Pixels that MNIST's 20 become.
    weight : float
        Stroke width as a share of the original's; above 1 the strokes are thickened.
    angle, shear : float
        Turn in degrees, counter-clockwise; slant, as the shift to the right per unit of height.

    Returns
    -------
    (h, w) float32
        Ink in [0, 1], cropped to it.
    """
    fine = int(np.clip(np.ceil(height / 10), 4, 20))
    size = 32 * fine
    matrix = cv2.getRotationMatrix2D((13.5, 13.5), angle, fine) @ np.array(
        [[1, -shear, shear * 13.5], [0, 1, 0], [0, 0, 1]]
    )
    matrix[:, 2] += (size - 1) / 2 - 13.5
    big = cv2.warpAffine(pixels.astype(np.float32), matrix, (size, size), flags=cv2.INTER_CUBIC)
    big = cv2.GaussianBlur(big, (0, 0), 0.45 * fine)
    body = cut(big)
    if weight < 1:
        body = thin(body, weight, 3 * fine)
    elif weight > 1:
        extra = max(1, round((weight - 1) * 2.5 * fine)) | 1
        body = cv2.dilate(body, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (extra, extra)))
    ink = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 0.2 * fine)
    scale = height / (20 * fine)
    ink = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect((ink > 0.2).astype(np.uint8))
    return ink[y : y + h, x : x + w]


def arrange(rng: np.random.Generator, layout: str, condition: Condition) -> list[list[tuple[float, int]]]:
    """Plan a page as rows of groups, each (left in digit heights, or 0 for behind the last; number of digits)."""
    rows = int(rng.integers(condition.rows[0], condition.rows[1] + 1))
    if layout == "single":
        return [[(0.0, 1)]]
    if layout == "columns":
        columns = int(rng.integers(2, 5))
        return [[(3.6 * c, int(rng.integers(1, 4))) for c in range(columns)] for _ in range(rows)]
    if layout == "pairs":
        return [[(0.0, int(rng.choice([1, 2, 2, 2]))) for _ in range(rng.integers(2, 5))] for _ in range(rows)]
    counts = rng.integers(condition.per_row[0], condition.per_row[1] + 1, rows)
    if layout == "cells":
        return [[(1.4 * c, 1) for c in range(count)] for count in counts]
    indents = rng.uniform(0, 0.8, rows)
    plan = []
    for indent, count in zip(indents, counts, strict=True):
        split = int(rng.integers(2, count - 1)) if count > 4 and rng.random() < 0.3 else 0
        plan.append([(indent, split), (0.0, int(count) - split)] if split else [(indent, int(count))])
    return plan


def _touch(rng: np.random.Generator, left: np.ndarray, right: np.ndarray, drop: int, reach: float) -> int:
    """Column of `left` at which `right`, `drop` pixels lower, meets its ink or overlaps it by up to `reach` pixels."""
    top = min(0, drop)
    canvas = np.zeros((max(left.shape[0], right.shape[0] + drop) - top, left.shape[1] + right.shape[1]), bool)
    canvas[-top : left.shape[0] - top, : left.shape[1]] = left > 0.5
    for x in range(left.shape[1], 0, -1):
        window = canvas[drop - top : drop - top + right.shape[0], x : x + right.shape[1]]
        if (window & (right > 0.5)).any():
            return max(1, x - round(rng.uniform(0, reach)))
    return left.shape[1] // 2


def write(rng: np.random.Generator, plan: list, inks: list, height: float, slope: float, condition: Condition) -> tuple:
    """Place the digits of a plan; returns their strokes, the pairs that touch, and the row pitch in pixels."""
    strokes, pairs, ink = [], [], iter(inks)
    pitch = height * rng.uniform(*condition.pitch)
    if condition.surface == "form":
        pitch = max(pitch, 1.9 * height)
    for row, groups in enumerate(plan):
        tilt = slope + np.tan(np.radians(rng.normal(0, 0.3))) * (condition.surface in ("paper", "board"))
        spread = rng.uniform(*condition.gap)
        x = 0.0
        if condition.words:
            word = print_words(rng, WORDS[rng.integers(len(WORDS))], height * rng.uniform(0.7, 1))
            strokes.append(Stroke(word, 0.0, row * pitch + height - word.shape[0], row, is_digit=False))
            x = float(word.shape[1])
        for start, count in groups:
            x = max(x + height * rng.uniform(*condition.space), start * height) if x else start * height
            if condition.surface == "table" and count > 1:
                x += height * rng.uniform(0.0, 0.3)
            for i in range(count):
                digit = next(ink)
                gap = max(2.0, height * max(0.1, rng.normal(spread, 0.08))) if i else 0
                y = row * pitch + x * tilt + height * rng.normal(0, 0.03) + (height - digit.shape[0]) / 2
                if condition.surface == "form" or (condition.surface == "table" and count == 1):
                    x = start * height + (1.3 * height - digit.shape[1]) / 2 + height * rng.normal(0, 0.05)
                elif i and condition.signs and rng.random() < 0.4:
                    name = condition.signs[rng.integers(len(condition.signs))]
                    sign = draw_sign(rng, name, height, 0.12 * height * np.mean(condition.weight))
                    x += height * rng.uniform(0.15, 0.4)
                    strokes.append(Stroke(sign, x, row * pitch + x * tilt + (height - sign.shape[0]) / 2, row, False))
                    x += sign.shape[1] + height * rng.uniform(0.15, 0.4)
                elif i and condition.touching:
                    last = strokes[-1]
                    x = last.x + _touch(rng, last.ink, digit, round(y - last.y), 0.04 * height)
                    pairs.append(len(strokes) - 1)
                else:
                    x += gap
                strokes.append(Stroke(digit, x, y, row))
                x += digit.shape[1]
    return strokes, pairs, pitch
