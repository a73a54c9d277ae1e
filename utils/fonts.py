"""Print: digits for the network to learn as digits, and letters to learn as none.

It needs both. From printed letters alone it learns that whatever is printed is no digit.
"""

import functools
from pathlib import Path

import cv2
import numpy as np

from utils.frame import frame_many

CANVAS = 64  # px, side of the canvas on which signs are drawn
GLYPH = 44  # px: size of a font on the canvas
FOOTLESS, FOOT = 0.7, 0.2  # share of the 1s without a foot, as in most fonts without serifs; the foot's of their height
FONTS = (  # matplotlib's; its Computer Modern is left for the yardsticks
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
)
LINE_FONTS = (
    *(cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX),
    *(cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX),
)


def print_digits(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Print a digit for each label: (n, 28, 28) uint8 in MNIST's frame, 0 is paper and 255 is ink."""
    canvas = np.zeros((len(labels), CANVAS, CANVAS), np.uint8)
    for image, label in zip(canvas, labels):
        print_sign(image, str(label), rng)
        if label == 1 and rng.random() < FOOTLESS:
            take_foot_off(image, rng)
    return frame_many(canvas)


def take_foot_off(image: np.ndarray, rng: np.random.Generator) -> None:
    """Make a printed 1 one of a font without serifs: cut its foot off, or draw a stem and a flag, both straight."""
    if rng.random() < 0.5:
        rows = np.flatnonzero(image.any(axis=1))
        image[rows[-1] + 1 - round(FOOT * len(rows)) :] = 0
        return
    reach, hang = GLYPH * rng.uniform(0.18, 0.42), np.deg2rad(rng.uniform(20, 50))
    x, y = 40, 10
    stem_and_flag = [(x - reach, y + reach * np.tan(hang)), (x, y), (x, y + GLYPH)]
    image[:] = 0
    cv2.polylines(image, [np.int32(stem_and_flag)], False, 255, int(rng.integers(2, 10)), cv2.LINE_AA)


def print_sign(image: np.ndarray, sign: str, rng: np.random.Generator) -> None:
    """Print a letter or a digit on a canvas, in a printer's font, or in a plotter's in any weight."""
    if rng.random() < 0.5:
        image[:] = rng.choice(in_all_fonts(sign))
    else:
        font = LINE_FONTS[rng.integers(len(LINE_FONTS))]
        cv2.putText(image, sign, (12, 48), font, 1.4, 255, int(rng.integers(1, 7)), cv2.LINE_AA)


@functools.cache
def in_all_fonts(sign: str) -> np.ndarray:
    """Print a letter or a digit in each of FONTS: (fonts, CANVAS, CANVAS) uint8."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    printed = []
    for name in FONTS:
        image = Image.new("L", (CANVAS, CANVAS))
        font = ImageFont.truetype(str(folder / f"{name}.ttf"), GLYPH)
        ImageDraw.Draw(image).text((CANVAS // 2, CANVAS // 2), sign, 255, font, "mm")
        printed.append(np.asarray(image))
    return np.stack(printed)
