"""utils/rules.py: printed lines and boxes go, the digits that cross or fill them stay."""

import cv2
import numpy as np
import pytest

from utils.rules import remove_frames, remove_rules

ODD_SHAPES = (1, 1), (1, 60), (60, 1), (2, 2), (2, 900), (900, 3)
LENGTH = 120  # pixels: three times the height of the digits below
DIGITS = {  # on a grid 4 wide and 10 high
    "0": "1 0,3 0,4 2,4 8,3 10,1 10,0 8,0 2,1 0",
    "1": "2 0,2 10",
    "4": "3 10,3 0,0 7,4 7",
    "5": "4 0,0 0,0 4,3 4,4 6,4 8,3 10,0 10",
    "7": "0 0,4 0,1 10",
    "8": "2 5,0 3,0 1,2 0,4 1,4 3,2 5,0 7,0 9,2 10,4 9,4 7,2 5",
}


def blank(height=400, width=400):
    return np.zeros((height, width), np.uint8)


def write(text, x=60, y=180):
    """Digits 40 pixels high, the left top of the first at (x, y)."""
    mask = blank()
    for i, digit in enumerate(text):
        points = np.array([point.split() for point in DIGITS[digit].split(",")], int) * 4 + (x + 36 * i, y)
        cv2.polylines(mask, [points], False, 255, 4)
    return mask


def line(start, end, thickness=2):
    return cv2.line(blank(), start, end, 255, thickness)


def frame(x=50, y=170, w=40, h=60, thickness=2):
    return cv2.rectangle(blank(), (x, y), (x + w, y + h), 255, thickness)


def share_left(after, before):
    return cv2.countNonZero(after & before) / cv2.countNonZero(before)


LINES = {
    "level": line((20, 195), (380, 195)),
    "level and thick": line((20, 195), (380, 195), 5),
    "falling by 5 degrees": line((20, 180), (380, 211)),
    "rising by 5 degrees": line((20, 211), (380, 180)),
    "upright": line((70, 20), (70, 380)),
    "leaning by 5 degrees": line((60, 20), (91, 380)),
}


@pytest.mark.parametrize("name", LINES)
def test_a_long_line_goes(name):
    assert share_left(remove_rules(LINES[name], LENGTH), LINES[name]) < 0.01


@pytest.mark.parametrize("name", LINES)
def test_a_digit_that_a_line_crosses_keeps_its_strokes(name):
    digits = write("8407")
    left = remove_rules(LINES[name] | digits, LENGTH)
    assert share_left(left, LINES[name] & ~digits) < 0.1
    assert share_left(left, digits) > 0.9


def test_a_black_stroke_along_a_faint_line_stays():
    rule, bar = line((20, 195), (380, 195)), line((100, 195), (140, 195), 2)
    ink = np.where(bar > 0, 0.8, np.where(rule > 0, 0.3, 0)).astype(np.float32)
    left = remove_rules(rule, LENGTH, ink)
    assert share_left(left, bar) > 0.95
    assert share_left(left, rule & ~bar) < 0.05


def test_lines_that_fan_out_in_perspective_go():
    fan = [line((20, 60 + 60 * k), (380, 40 + 66 * k)) for k in range(5)]
    assert share_left(remove_rules(np.maximum.reduce(fan), LENGTH), np.maximum.reduce(fan)) < 0.02


def test_squares_go():
    grid = np.maximum.reduce([line((5, k), (395, k), 1) | line((k, 5), (k, 395), 1) for k in range(25, 400, 50)])
    digits = write("8407")
    left = remove_rules(grid | digits, LENGTH)
    assert share_left(left, grid & ~digits) < 0.05
    assert share_left(left, digits) > 0.9


@pytest.mark.parametrize("text", ["1", "1111", "11111111", "777", "84075"])
def test_digits_alone_stay(text):
    assert np.array_equal(remove_rules(write(text), LENGTH), write(text))


def test_ones_stay_when_a_line_goes():
    ones, rule = write("1111"), line((20, 230), (380, 230))
    assert np.array_equal(remove_rules(ones, LENGTH), ones)
    assert share_left(remove_rules(ones | rule, LENGTH), ones) == 1


@pytest.mark.parametrize(
    "bar", [line((50, 100), (150, 100)), line((100, 50), (100, 150)), line((50, 100), (200, 100), 40)]
)
def test_a_short_bar_and_a_thick_one_stay(bar):
    assert share_left(remove_rules(bar, LENGTH), bar) > 0.99


def test_a_box_around_a_digit_goes():
    digit, box = write("5"), frame()
    left = remove_frames(box | digit)
    assert not (left & box).any()
    assert share_left(left, digit) == 1


def test_a_digit_that_crosses_its_box_keeps_its_strokes():
    digit, box = write("7"), frame(h=47)
    left = remove_frames(box | digit)
    assert (digit & box).any()
    assert share_left(left, box & ~digit) < 0.25
    assert share_left(left, digit) > 0.9


def test_an_empty_box_goes():
    assert not remove_frames(frame()).any()


def test_a_table_goes_and_its_digits_stay():
    table = np.maximum.reduce([frame(x, w=36) for x in (50, 86, 122, 158)])
    digits = write("5407")
    left = remove_frames(table | digits)
    assert share_left(left, table & ~digits) < 0.02
    assert share_left(left, digits) > 0.9


def test_boxes_side_by_side_that_touch_here_and_there_go():
    row = np.maximum.reduce([frame(x, w=60, h=90, thickness=4) for x in (50, 117, 184)])
    merged = cv2.morphologyEx(row, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    rows = np.arange(len(row)) % 5 < 2
    row[rows] = merged[rows]
    assert not remove_frames(row).any()


@pytest.mark.parametrize("text", ["0", "8", "5407"])
def test_digits_are_no_boxes(text):
    assert np.array_equal(remove_frames(write(text)), write(text))


def test_the_masks_given_are_not_changed():
    mask = LINES["level"] | frame() | write("5")
    copy = mask.copy()
    remove_rules(mask, LENGTH)
    remove_frames(mask)
    assert np.array_equal(mask, copy)


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("level", [0, 255])
def test_masks_of_a_pixel_or_a_row(shape, level):
    mask = np.full(shape, level, np.uint8)
    for left in remove_rules(mask, LENGTH), remove_rules(mask, 1), remove_frames(mask):
        assert left.shape == shape and left.dtype == np.uint8
        assert (left <= mask).all()
