"""utils/lines.py: boxes in reading order."""

import numpy as np
import pytest

from utils.lines import group_lines, line_slope


@pytest.mark.parametrize("degrees", [-8, -4, 4, 8])
def test_sloping_lines(degrees):
    rise = np.tan(np.radians(degrees))
    rows = [[(x, round(100 + 70 * row + rise * x), 20, 40) for x in range(0, 500, 40)] for row in range(4)]
    flat = [box for row in rows for box in row]
    shuffled = np.random.default_rng(4).permutation(len(flat))
    lines = group_lines([flat[i] for i in shuffled], 40)
    assert [[flat[shuffled[i]] for i in line] for line in lines] == rows


@pytest.mark.parametrize("rise", [-0.14, 0.14])
def test_a_sloping_table(rise):
    rows = [[(x, round(100 + 60 * row + rise * x), 25, 40) for x in (0, 35, 70, 400, 435, 470)] for row in range(4)]
    lines = group_lines([box for row in rows for box in row], 40)
    assert lines == [list(range(6 * row, 6 * row + 6)) for row in range(4)]


@pytest.mark.parametrize("slope", [-0.3, -0.05, 0.0, 0.14])
def test_the_slope_of_lines_with_wide_gaps_is_found(slope):
    middle = np.array([0, 40, 300, 0, 260, 300, 40, 260, 300], float)
    level = np.repeat([0, 60, 120], 3) + slope * middle
    assert line_slope(middle, level, 40) == pytest.approx(slope, abs=0.02)
    assert line_slope(middle[:0], level[:0], 40) == 0


def test_staggered_digits_have_no_slope():
    assert line_slope(np.array([28.0, 96, 152, 188, 244]), np.array([75.0, 97, 48, 92, 68]), 40) == 0


def test_staggered_digits_are_one_line():
    boxes = [(40 * i, 100 + (12 if i % 2 else -12), 25, 40) for i in range(8)]
    assert group_lines(boxes, 40) == [list(range(8))]


def test_lines_of_digits_that_nearly_touch_stay_apart():
    boxes = [(40 * i, 34 * row, 25, 33) for row in range(3) for i in range(6)]
    assert group_lines(boxes, 40) == [list(range(6)), list(range(6, 12)), list(range(12, 18))]


def test_the_letters_of_a_label_are_a_line_of_their_own():
    label, digits = [(12 * i, 74, 8, 10) for i in range(5)], [(40 * i, 90, 25, 40) for i in range(5)]
    assert group_lines(label + digits, 40) == [list(range(5)), list(range(5, 10))]
    comma, dash = (68, 124, 6, 12), (107, 108, 10, 4)
    assert group_lines([*digits, comma, dash], 40) == [[0, 1, 5, 2, 6, 3, 4]]


def test_lines_of_print_much_smaller_than_the_digits_stay_apart():
    print_ = [(16 * i, 20 * row, 10, 13) for row in range(3) for i in range(5)]
    digits = [(60 * i, 80, 35, 60) for i in range(4)]
    assert group_lines(print_ + digits, 60) == [[*range(5)], [*range(5, 10)], [*range(10, 15)], [*range(15, 19)]]


def test_the_best_aligned_neighbours_are_linked_first():
    boxes = [(0, 100, 25, 40), (80, 100, 25, 40), (40, 130, 25, 40), (80, 130, 25, 40)]
    assert group_lines(boxes, 40) == [[0, 1], [2, 3]]


def test_the_columns_of_a_table_are_one_line():
    boxes = [(x, y, 25, 40) for y in (0, 90) for x in (0, 35, 500, 535, 1000)]
    assert group_lines(boxes, 40) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_a_wide_gap_does_not_break_a_line():
    assert group_lines([(900, 104, 25, 40), (0, 100, 25, 40)], 40) == [[1, 0]]


def test_digits_one_below_the_other_are_lines_of_their_own():
    assert group_lines([(100, 200, 25, 40), (102, 20, 25, 40), (98, 110, 25, 40)], 40) == [[1], [2], [0]]


def test_no_box_and_one_box():
    assert group_lines([], 40) == []
    assert group_lines([(5, 5, 1, 1)], 40) == [[0]]
