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
    return frame_many(canvas)


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
