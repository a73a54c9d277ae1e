"""What stands beside digits: signs drawn by hand, and printed words."""

import functools
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

# strokes of a sign, their points (x, y) in a square of a digit's height, or above and below it; one point is a dot
SIGNS = {
    "plus": [[(0.5, 0.15), (0.5, 0.85)], [(0.15, 0.5), (0.85, 0.5)]],
    "minus": [[(0.15, 0.5), (0.85, 0.5)]],
    "times": [[(0.2, 0.2), (0.8, 0.8)], [(0.8, 0.2), (0.2, 0.8)]],
    "divided": [[(0.15, 0.5), (0.85, 0.5)], [(0.5, 0.2)], [(0.5, 0.8)]],
    "equals": [[(0.15, 0.35), (0.85, 0.35)], [(0.15, 0.65), (0.85, 0.65)]],
    "slash": [[(0.7, -0.25), (0.3, 1.25)]],
    "short slash": [[(0.8, -0.1), (0.2, 1.2)]],  # about as high as digits
    "open": [[(0.6, -0.2), (0.25, 0.5), (0.6, 1.2)]],
    "close": [[(0.4, -0.2), (0.75, 0.5), (0.4, 1.2)]],
    "tick": [[(0.1, 0.55), (0.35, 0.95)], [(0.35, 0.95), (0.95, -0.1)]],
}
OPERATORS, BRACKETS = ("plus", "minus", "times", "divided", "equals"), ("slash", "open", "close")
TICKS = ("tick",)
FONTS = "cmr10", "cmss10", "cmtt10", "cmti10", "cmb10"  # none that the networks learn letters from
WORDS = [
    "total", "name", "marks", "date", "number", "score", "room", "page", "table", "points", "price", "length",
    "answer", "question", "value", "level", "group", "station", "student", "weight", "time", "amount", "result",
    "paper", "order", "account", "phone", "count", "minutes", "class", "section", "maximum", "year", "theory",
    "practice", "signature", "remarks", "subject", "roll", "code", "mean", "width", "street", "place",
]  # fmt: skip


def draw_sign(rng: np.random.Generator, name: str, height: float, stroke: float) -> np.ndarray:
    """Draw a sign as a hand does, digits being this high: (h, w) float32, ink in [0, 1]."""
    tall = max(y for points in SIGNS[name] for _, y in points) - min(y for points in SIGNS[name] for _, y in points)
    side = round(1.2 * height * max(1, tall))
    ink = np.zeros((side, side), np.uint8)
    size = height * rng.uniform(0.65, 1.0)
    pen = max(1, round(stroke))
    for points in SIGNS[name]:
        at = (np.array(points) - 0.5) * size + rng.normal(0, 0.03 * height, (len(points), 2)) + side / 2
        if len(at) == 1:
            cv2.circle(ink, at[0].round().astype(int).tolist(), max(1, round(0.7 * pen)), 255, -1, cv2.LINE_AA)
            continue
        bow = (at[1] if len(at) == 3 else at.mean(axis=0)) + rng.normal(0, 0.03 * height, 2)
        t = np.linspace(0, 1, 9)[:, None]
        curve = (1 - t) ** 2 * at[0] + 2 * t * (1 - t) * bow + t**2 * at[-1]
        cv2.polylines(ink, [np.round(16 * curve).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)
    x, y, w, h = cv2.boundingRect(ink)
    return ink[y : y + h, x : x + w].astype(np.float32) / 255


@functools.cache
def font(name: str, pixels: int) -> ImageFont.FreeTypeFont:
    """One of matplotlib's fonts."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts/ttf", f"{name}.ttf")), pixels)


def print_words(rng: np.random.Generator, text: str, height: float, name: str | None = None) -> np.ndarray:
    """Print a text whose capitals are this high in pixels: (h, w) float32, ink in [0, 1]."""
    face = font(name or FONTS[rng.integers(len(FONTS))], max(6, round(height / 0.68)))
    left, top, right, bottom = face.getbbox(text)
    image = Image.new("L", (max(1, right - left + 2), max(1, bottom - top + 2)))
    ImageDraw.Draw(image).text((1 - left, 1 - top), text, 255, face)
    return np.asarray(image, np.float32) / 255
