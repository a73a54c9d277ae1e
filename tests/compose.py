"""Compose photo-like pages of handwriting from MNIST digits, with known truth.

    python -m tests.compose output/sample.jpg

writes the sample picture. The pages are a yardstick (`tests.score_pages`), never training data.
"""

import argparse
import pathlib
import sys

import cv2
import numpy as np

from tests import scenery
from tests.canvases import CANVASES
from tests.conditions import CHALK, CONDITIONS, INKS, NOTE, Condition
from tests.handwriting import Stroke, arrange, draw_digit, write
from tests.page import Page
from tests.signs import FONTS, WORDS, print_words
from utils import run
from utils.dataset import load_dataset

SAMPLE_SEED = 9
KINDS = (*CANVASES, *CONDITIONS)


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
    elif condition.surface == "squares":
        side, pen = height * rng.uniform(0.4, 1.6), max(1, round(height * rng.uniform(0.0, 0.06)))
        scenery.square(rng, sheet, y + rng.uniform(0, side), side, slope, pen, rng.uniform(0.3, 1))
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
    elif condition.surface == "table":
        scenery.table(rng, sheet, origin, height, pitch, slope, plan)
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
        if s.is_digit:
            boxes.append((x, y, w, h))

    sheet = prepare_surface(rng, condition, shape, offset, height, pitch, slope, plan)
    if condition.clutter:
        ink = scenery.strew(rng, ink, height, int(rng.integers(*condition.marks)))
    chalk = condition.surface in ("board", "mass")
    colour = CHALK if chalk else INKS[rng.choice(condition.inks)]
    pressure = 1 - np.abs(scenery.texture(rng, shape, (height / 6, height / 6))) * (0.12 if chalk else 0.06)
    if chalk and condition.surface == "board":
        pressure -= 0.15 * np.abs(scenery.texture(rng, shape, (1.5, 1.5)))
    cover = ink[..., None] * np.clip(pressure, 0, 1) * rng.uniform(*condition.contrast)
    sheet = sheet * (1 - cover) + np.float32(colour) * cover
    if condition.header:
        first = [(s.y + offset[1], s.y + offset[1] + s.ink.shape[0]) for s in strokes if s.row == 0]
        top, bottom = min(first)[0] - 0.4 * height, max(low for _, low in first) + 0.4 * height
        band = slice(max(0, int(top)), int(bottom))
        sheet[band] = 1 - sheet[band]

    if condition.things:
        scenery.put_things(rng, sheet, ink, height, condition.things)
    if condition.clutter:
        sheet, matrix = scenery.lay_on_desk(rng, sheet, condition.grain, condition.desk, condition.is_round)
        boxes = [turned_box(box, matrix) for box in boxes]
    if condition.askew:
        sheet, matrix = scenery.tilt(sheet, rng.choice([-1, 1]) * rng.uniform(*condition.askew))
        boxes = [turned_box(box, matrix) for box in boxes]
    sheet *= scenery.shine(rng, sheet.shape[:2], rng.uniform(*condition.dark))
    if condition.shadow:
        sheet *= scenery.shade(rng, sheet.shape[:2])
    blur = rng.uniform(*condition.blur) * (height if condition.blur_heights else 1)
    image = scenery.camera(rng, sheet, blur, rng.uniform(*condition.noise))
    for _ in range(condition.turn):
        quarter = np.array([[0, 1, 0], [-1, 0, image.shape[1]]])
        image, boxes = np.ascontiguousarray(np.rot90(image)), [turned_box(box, quarter) for box in boxes]
    return image, boxes


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
        A key of `KINDS`, or a condition of one's own.

    Returns
    -------
    Page
    """
    if condition in CANVASES:
        return CANVASES[condition](rng, digits, labels)
    condition = CONDITIONS[condition] if isinstance(condition, str) else condition
    if condition.surface == "text":
        return compose_text(rng, condition)
    if condition.surface == "printed list":
        return compose_list(rng, condition)
    height, weight = rng.uniform(*condition.height), rng.uniform(*condition.weight)
    slope = np.tan(np.radians(rng.uniform(*condition.slope)))
    plan = arrange(rng, condition.layouts[rng.integers(len(condition.layouts))], condition)
    chosen = rng.integers(0, len(digits), sum(count for row in plan for _, count in row))
    turn = -np.degrees(np.arctan(slope))
    lean = rng.uniform(-0.05, 0.25) if condition.one_hand else 0
    inks = [
        draw_digit(pixels, height * rng.normal(1, 0.05), weight, turn + rng.normal(0, 2), rng.normal(0, 0.05) + more)
        for pixels in digits[chosen].reshape(-1, 28, 28)
        for more in [lean - slant(pixels) if condition.one_hand else 0]
    ]
    strokes, pairs, pitch = write(rng, plan, inks, height, slope, condition)
    if condition.side_print:
        words = " ".join(WORDS[k].upper() for k in rng.integers(len(WORDS), size=4))
        printed = np.rot90(print_words(rng, words, height * rng.uniform(0.4, 0.7)), rng.choice([-1, 1]))
        strokes.append(Stroke(printed, -1.5 * height - printed.shape[1], 0.0, 0, is_digit=False))
    image, boxes = photograph(rng, condition, plan, strokes, height, pitch, slope)

    rows = [stroke.row for stroke in strokes if stroke.is_digit]
    lines = ["".join(str(labels[i]) for i, r in zip(chosen, rows, strict=True) if r == row) for row in range(len(plan))]
    return Page(image, lines, boxes, pairs)


def slant(pixels: np.ndarray) -> float:
    """How far a digit leans to the right, as the shift per unit of height, by its moments."""
    moments = cv2.moments(pixels)
    return -moments["mu11"] / moments["mu02"]


def compose_text(rng: np.random.Generator, condition: Condition) -> Page:
    """Compose a page of printed words, without a digit."""
    height = rng.uniform(*condition.height)
    words = [WORDS[k] for k in rng.integers(len(WORDS), size=int(rng.integers(60, 200)))]
    words = [word.capitalize() if rng.random() < 0.2 else word for word in words]
    per_line = int(rng.integers(4, 9))
    name = FONTS[rng.integers(len(FONTS))]
    lines = [" ".join(words[k : k + per_line]) for k in range(0, len(words), per_line)]
    return Page(print_lines(rng, condition, lines, height, name), [], letters=sum(map(len, words)))


def compose_list(rng: np.random.Generator, condition: Condition) -> Page:
    """Compose a list of printed words, each with a number of one to three printed digits behind it."""
    rows = int(rng.integers(condition.rows[0], condition.rows[1] + 1))
    words = [WORDS[k].capitalize() for k in rng.integers(len(WORDS), size=rows)]
    numbers = [str(rng.integers(10 ** int(rng.integers(1, 4)))) for _ in words]
    lines = [f"{word} {number}" for word, number in zip(words, numbers, strict=True)]
    name = FONTS[rng.integers(len(FONTS))]
    return Page(print_lines(rng, condition, lines, rng.uniform(*condition.height), name), numbers)


def print_lines(
    rng: np.random.Generator, condition: Condition, lines: list[str], height: float, name: str
) -> np.ndarray:
    """Print lines in a font: the picture."""
    strokes = [
        Stroke(print_words(rng, line, height, name), 0.0, 2 * height * row, row, is_digit=False)
        for row, line in enumerate(lines)
    ]
    return photograph(rng, condition, [], strokes, height, 2 * height, 0.0)[0]


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
    sys.exit(run(main))
