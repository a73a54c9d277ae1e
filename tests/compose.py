"""Compose photo-like pages of handwriting from MNIST digits, with known truth.

    python -m tests.compose output/sample.jpg

writes the sample picture. The pages are a yardstick (`tests.score_pages`), never training data.
"""

import argparse
import dataclasses
import pathlib

import cv2
import numpy as np

from tests import scenery
from tests.conditions import CHALK, CONDITIONS, INKS, NOTE, Condition
from tests.handwriting import Stroke, arrange, draw_digit, write
from utils.dataset import load_dataset

SAMPLE_SEED = 9


@dataclasses.dataclass(frozen=True)
class Page:
    """A composed page.

    `image` is (H, W, 3) uint8 BGR; `lines` the digits as written, top to bottom; `boxes` the (x, y, width, height)
    of every digit in reading order; `pairs` the reading-order index of the left digit of each touching pair.
    """

    image: np.ndarray
    lines: list[str]
    boxes: list[tuple[int, int, int, int]]
    pairs: list[int]


def prepare_surface(rng, condition, shape, origin, height, pitch, slope, plan) -> np.ndarray:
    """Make the surface that the digits are written on; `origin` is the (x, y) of the first row's left top."""
    if condition.surface in ("board", "mass"):
        return scenery.board(rng, shape)
    sheet = scenery.paper(rng, shape)
    x, y = origin
    if condition.surface == "ruled":
        scenery.rule(rng, sheet, y + height * rng.uniform(1.0, 1.15) - x * slope, pitch, slope)
    elif condition.surface == "squared":
        scenery.square(rng, sheet, y + height * 1.05 - x * slope, pitch / rng.integers(1, 5), slope)
    elif condition.surface == "form":
        across, down, wide, high = 1.4 * height, pitch, 1.3 * height, 1.5 * height
        cells = max(len(row) for row in plan)
        scenery.form(
            rng,
            sheet,
            [
                (x + c * across, y + r * down + c * across * slope - 0.25 * height, wide, high)
                for r in range(len(plan))
                for c in range(cells)
            ],
        )
    return sheet


def photograph(
    rng: np.random.Generator,
    condition: Condition,
    plan: list,
    strokes: list[Stroke],
    height: float,
    pitch: float,
    slope: float,
) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Put strokes on a surface, light it and take its picture; returns the picture and the strokes' boxes in it."""
    low = np.min([(s.x, s.y) for s in strokes], axis=0)
    high = np.max([(s.x + s.ink.shape[1], s.y + s.ink.shape[0]) for s in strokes], axis=0)
    if condition.surface == "form":
        high[0] = max(high[0], 1.4 * height * max(len(row) for row in plan))
    margins = rng.uniform(*condition.margin, 4) * height
    offset = margins[:2] - low
    shape = tuple(int(n) for n in (high + offset + margins[2:])[::-1])

    ink, boxes = np.zeros(shape, np.float32), []
    for s in strokes:
        x, y = (int(round(v)) for v in (s.x + offset[0], s.y + offset[1]))
        h, w = s.ink.shape
        np.maximum(ink[y : y + h, x : x + w], s.ink, out=ink[y : y + h, x : x + w])
        boxes.append((x, y, w, h))

    sheet = prepare_surface(rng, condition, shape, offset, height, pitch, slope, plan)
    if condition.clutter:
        ink = scenery.strew(rng, ink, height, int(rng.integers(6, 16)))
    chalk = condition.surface in ("board", "mass")
    colour = CHALK if chalk else INKS[rng.choice(condition.inks)]
    pressure = 1 - np.abs(scenery.texture(rng, shape, (height / 6, height / 6))) * (0.12 if chalk else 0.06)
    if chalk and condition.surface == "board":
        pressure -= 0.15 * np.abs(scenery.texture(rng, shape, (1.5, 1.5)))
    cover = ink[..., None] * np.clip(pressure, 0, 1) * rng.uniform(*condition.contrast)
    sheet = sheet * (1 - cover) + np.float32(colour) * cover

    if condition.clutter:
        sheet, matrix = scenery.lay_on_desk(rng, sheet)
        boxes = [turned_box(box, matrix) for box in boxes]
    sheet *= scenery.shine(rng, sheet.shape[:2], rng.uniform(*condition.dark))
    if condition.shadow:
        sheet *= scenery.shade(rng, sheet.shape[:2])
    blur = rng.uniform(*condition.blur) * (height if condition.blur_heights else 1)
    return scenery.camera(rng, sheet, blur, rng.uniform(*condition.noise)), boxes


def turned_box(box: tuple[int, int, int, int], matrix: np.ndarray) -> tuple[int, int, int, int]:
    """Return the upright box around a box (x, y, width, height) taken through an affine `matrix` (2, 3)."""
    x, y, w, h = box
    corners = matrix @ np.array([[x, x + w, x + w, x], [y, y, y + h, y + h], [1, 1, 1, 1]])
    (left, top), (right, bottom) = np.floor(corners.min(axis=1)), np.ceil(corners.max(axis=1))
    return int(left), int(top), int(right - left), int(bottom - top)


def compose_page(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray, condition: str | Condition) -> Page:
    """Compose a page from digits drawn at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice: the same state gives the same page.
    digits : (N, 784) uint8
    labels : (N,) uint8
    condition : str or Condition
        A key of `CONDITIONS`, or one's own.

    Returns
    -------
    Page
    """
    condition = CONDITIONS[condition] if isinstance(condition, str) else condition
    height, weight = rng.uniform(*condition.height), rng.uniform(*condition.weight)
    slope = np.tan(np.radians(rng.uniform(*condition.slope)))
    plan = arrange(rng, condition.layouts[rng.integers(len(condition.layouts))], condition)
    chosen = rng.integers(0, len(digits), sum(count for row in plan for _, count in row))
    turn = -np.degrees(np.arctan(slope))
    inks = [
        draw_digit(pixels, height * rng.normal(1, 0.05), weight, turn + rng.normal(0, 2), rng.normal(0, 0.05))
        for pixels in digits[chosen].reshape(-1, 28, 28)
    ]
    strokes, pairs, pitch = write(rng, plan, inks, height, slope, condition)
    image, boxes = photograph(rng, condition, plan, strokes, height, pitch, slope)

    rows = [stroke.row for stroke in strokes]
    lines = ["".join(str(labels[i]) for i, r in zip(chosen, rows, strict=True) if r == row) for row in range(len(plan))]
    return Page(image, lines, boxes, pairs)


def compose_sample(digits: np.ndarray, labels: np.ndarray) -> Page:
    """Compose the sample picture: a note in blue ink, as someone would photograph it."""
    return compose_page(np.random.default_rng(SAMPLE_SEED), digits, labels, NOTE)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the sample picture and print what is written on it.")
    parser.add_argument("path", type=pathlib.Path, help="the picture to write, such as output/sample.jpg")
    parser.add_argument("--test", default="dataset/mnist_test.csv", help="CSV of the MNIST test digits (%(default)s)")
    args = parser.parse_args()
    page = compose_sample(*load_dataset(args.test))
    if not cv2.imwrite(str(args.path), page.image, [cv2.IMWRITE_JPEG_QUALITY, 88]):
        parser.error(f"{args.path}: cannot be written")
    print("\n".join(page.lines))


if __name__ == "__main__":
    main()
