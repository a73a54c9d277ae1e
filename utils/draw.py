"""What was read, drawn: boxes and labels on the picture, and a picture of every step on the way there."""

import functools
import math

import cv2
import numpy as np

from utils.boxes import Box
from utils.page import Page
from utils.segment import Piece, paint

RED, GREEN, BLACK = (0, 0, 255), (0, 255, 0), (0, 0, 0)  # BGR
BLUE, ORANGE = (178, 114, 0), (0, 159, 230)  # Okabe and Ito's, distinct to every eye
LABEL = 0.4  # digit heights: height of a label...
SMALLEST = 11  # ...but at least this many pixels
SMALL = 200  # pixels: the longer side of a picture in which a label of SMALLEST pixels would hide a digit
FONT = cv2.FONT_HERSHEY_SIMPLEX
ACROSS = 16  # crops in a row of the sheet
CELL = 64, 76  # pixels: width and height of a crop and its caption on the sheet


def enlarge(image: np.ndarray, lines: list[list[Piece]]) -> tuple[np.ndarray, list[list[Piece]]]:
    """Repeat the pixels of a picture whose longer side has less than SMALL, so that labels have room; boxes follow.

    It takes what `annotate` takes, and returns it a whole number of times as large.
    """
    times = math.ceil(SMALL / max(image.shape[:2]))
    if times == 1:
        return image, lines
    larger = [[digit._replace(box=tuple(times * side for side in digit.box)) for digit in line] for line in lines]
    return image.repeat(times, axis=0).repeat(times, axis=1), larger


def annotate(image: np.ndarray, lines: list[list[Piece]]) -> np.ndarray:
    """Draw a red box around every digit and its value beside it in green.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8
    lines : digits with boxes (x, y, width, height) in pixels of this picture

    Returns
    -------
    (H, W, 3) uint8, BGR, a copy
    """
    image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    digits = [digit for line in lines for digit in line]
    if not digits:
        return image
    height = max(SMALLEST, round(LABEL * float(np.median([digit.height for digit in digits]))))
    taken = np.zeros(image.shape[:2], np.uint8)
    for x, y, w, h in (digit.box for digit in digits):
        cv2.rectangle(image, (x, y), (x + w - 1, y + h - 1), RED, max(1, height // 12))
        taken[y : y + h, x : x + w] = 1
    for digit in digits:
        for size in height, height // 2, height // 5:  # a label in its full size if there is room
            ink = stamp(str(digit.value), max(SMALLEST, size))
            x, y = label_place(digit.box, ink.shape, taken)
            under = np.s_[y : y + ink.shape[0], x : x + ink.shape[1]]
            if not taken[under].any():
                break
        taken[under] = 1
        part = image[under]
        ink = ink[: part.shape[0], : part.shape[1]]  # what does not fit into the picture is cut off
        part[ink == 1], part[ink == 2] = BLACK, GREEN
    return image


@functools.cache
def stamp(text: str, height: int) -> np.ndarray:
    """Draw a text of this height in pixels, and an outline: (h, w) uint8, 0 is clear, 1 the outline, 2 the text."""
    (wide, tall), below = cv2.getTextSize(text, FONT, 4, 8)
    ink = np.zeros((tall + below, wide), np.uint8)
    cv2.putText(ink, text, (0, tall), FONT, 4, 255, 8)
    x, y, w, h = cv2.boundingRect(ink)  # what getTextSize says differs between OpenCV 4 and 5
    size = max(1, round(w * height / h)), height
    ink = cv2.resize(ink[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA) > 127
    edge = max(1, height // 12)
    ink = np.pad(ink.astype(np.uint8), edge)
    return ink + cv2.dilate(ink, np.ones((2 * edge + 1, 2 * edge + 1), np.uint8))


def label_place(box: Box, label: tuple[int, int], taken: np.ndarray) -> tuple[int, int]:
    """Find the left top of a label: above, below, right or left of its box, inside the picture, where most is free.

    Parameters
    ----------
    box : (x, y, width, height) of its digit, pixels
    label : its height and width, pixels
    taken : (H, W) uint8, not 0 where digits and other labels are
    """
    (x, y, w, h), (tall, wide) = box, label
    lowest, rightmost = max(0, taken.shape[0] - tall), max(0, taken.shape[1] - wide)
    places = [(x, y - tall), (x, y + h), (x + w, y), (x - wide, y)]
    inside = [(min(max(0, left), rightmost), min(max(0, top), lowest)) for left, top in places]
    return min(inside, key=lambda place: taken[place[1] : place[1] + tall, place[0] : place[0] + wide].sum())


def draw_steps(page: Page) -> list[np.ndarray]:
    """Draw how a page was read.

    Returns
    -------
    A picture (h, w) or (h, w, 3) uint8, BGR, for each name in `utils.files.STEPS`, all but the crops in the size at
    which the page was read.
    """
    kept = paint(page.strokes, page.mask.shape)
    strokes = cv2.cvtColor(255 - kept, cv2.COLOR_GRAY2BGR)
    strokes[(page.mask > 0) & (kept == 0)] = ORANGE
    thickness = max(1, round(page.height / 40))
    pieces, course = (cv2.cvtColor(page.grey, cv2.COLOR_GRAY2BGR) for _ in range(2))
    for x, y, w, h in (piece.box for piece in page.pieces):
        cv2.rectangle(pieces, (x, y), (x + w - 1, y + h - 1), BLUE, thickness)
    for line in page.lines:
        middles = np.array([(x + w // 2, y + h // 2) for x, y, w, h in (digit.box for digit in line)])
        cv2.polylines(course, [middles], False, BLUE, 2 * thickness, cv2.LINE_AA)
    ink = 255 - cv2.convertScaleAbs(page.ink.clip(0, 1), alpha=255)
    return [ink, 255 - page.mask, strokes, pieces, annotate(course, page.lines), crop_sheet(page.lines)]


def crop_sheet(lines: list[list[Piece]]) -> np.ndarray:
    """Draw what the network saw of every digit, its answer and its confidence, line by line: (h, w) uint8."""
    rows = [line[start : start + ACROSS] for line in lines for start in range(0, len(line), ACROSS)]
    wide, tall = CELL
    sheet = np.full((tall * max(1, len(rows)), wide * max(map(len, rows), default=1)), 255, np.uint8)
    for top, row in zip(range(0, len(sheet), tall), rows):
        for left, digit in zip(range(0, sheet.shape[1], wide), row):
            sheet[top + 2 : top + 58, left + 4 : left + 60] = digit.crop.repeat(2, axis=0).repeat(2, axis=1)
            caption = f"{digit.value}  {digit.confidence:.0%}"
            cv2.putText(sheet, caption, (left + 4, top + 71), FONT, 0.45, 0, 1, cv2.LINE_AA)
    return sheet
