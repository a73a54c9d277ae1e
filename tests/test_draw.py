"""utils/draw.py: where boxes and labels come, on any picture; the pictures of the steps."""

import numpy as np
import pytest

from utils.draw import (
    ACROSS,
    BLUE,
    CELL,
    GREEN,
    RED,
    SMALL,
    annotate,
    crop_sheet,
    draw_steps,
    enlarge,
    label_place,
    stamp,
)
from utils.files import STEPS
from utils.page import Hypothesis, Page
from utils.segment import Piece


def digit(value, box):
    answer = np.where(np.arange(10) == value, 0.91, 0.01)
    return Piece(box, np.full(box[:1:-1], 255, np.uint8), 3.0, np.full((28, 28), 25 * value, np.uint8), answer)


def pixels(image, colour):
    """The (left, top, right, bottom) of all pixels of a colour, right and bottom within, or None."""
    rows, columns = np.nonzero((image == colour).all(axis=2))
    return (columns.min(), rows.min(), columns.max(), rows.max()) if len(rows) else None


def test_the_picture_itself_stays_as_it_is():
    image = np.full((60, 80, 3), 200, np.uint8)
    drawn = annotate(image, [[digit(7, (30, 30, 10, 20))]])
    assert (image == 200).all() and drawn.shape == image.shape and drawn.dtype == np.uint8
    assert (annotate(image, []) == image).all()


def test_a_red_box_and_a_green_label_above_it():
    drawn = annotate(np.full((100, 100, 3), 255, np.uint8), [[digit(7, (40, 50, 20, 30))]])
    assert pixels(drawn, RED) == (40, 50, 59, 79)
    left, top, right, bottom = pixels(drawn, GREEN)
    assert 40 <= left < right < 70 and 30 < top < bottom < 50


@pytest.mark.parametrize("shape", [(40, 30), (40, 30, 3)])
@pytest.mark.parametrize("box", [(0, 0, 12, 20), (18, 20, 12, 20), (0, 0, 30, 40), (0, 20, 30, 20)])
def test_a_label_is_inside_the_picture_wherever_its_digit_is(shape, box):
    drawn = annotate(np.full(shape, 255, np.uint8), [[digit(8, box)]])
    left, top, right, bottom = pixels(drawn, GREEN)
    assert drawn.shape == (40, 30, 3) and right - left >= 5 and bottom - top >= 8


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (8, 8)])
def test_a_picture_too_small_for_a_label_is_drawn_as_far_as_it_goes(shape):
    height, width = shape
    assert annotate(np.zeros(shape, np.uint8), [[digit(8, (0, 0, width, height))]]).shape == (*shape, 3)


@pytest.mark.parametrize("height", [10, 40, 1000])
def test_labels_grow_with_the_digits_and_stay_legible(height):
    box = (height, 2 * height, height // 2, height)
    drawn = annotate(np.full((4 * height, 4 * height), 255, np.uint8), [[digit(1, box)]])
    _, top, _, bottom = pixels(drawn, GREEN)
    assert bottom - top == pytest.approx(max(11, 0.4 * height), rel=0.15, abs=2)


def test_a_label_avoids_other_digits_and_labels():
    box, taken = (40, 50, 20, 30), np.zeros((200, 200), np.uint8)
    assert label_place(box, (12, 10), taken) == (40, 38)
    taken[30:45, 30:60] = 1
    assert label_place(box, (12, 10), taken) == (40, 80)
    taken[85:90] = 1
    assert label_place(box, (12, 10), taken) == (60, 50)
    taken[55:60, 60:] = 1
    assert label_place(box, (12, 10), taken) == (30, 50)


def test_a_label_without_room_is_smaller():
    fills = annotate(np.full((300, 240), 255, np.uint8), [[digit(3, (20, 25, 200, 250))]])
    _, top, _, bottom = pixels(fills, GREEN)
    assert 9 <= bottom - top <= 25 and bottom < 25


@pytest.mark.parametrize("side", [300, 3000])
def test_the_label_of_a_digit_that_fills_its_picture_can_be_seen_in_any_size(side):
    fills = annotate(np.full((side, side), 255, np.uint8), [[digit(3, (0, 0, side, side))]])
    _, top, _, bottom = pixels(fills, GREEN)
    assert side / 15 <= bottom - top <= side / 10


@pytest.mark.parametrize("box", [(4, 4, 20, 20), (9, 4, 10, 20)])
def test_digit_box_and_label_of_a_small_picture_can_all_be_seen(box):
    image = np.full((28, 28, 3), 255, np.uint8)
    x, y, w, h = box
    image[y : y + h, x : x + w] = 0
    large, lines = enlarge(image, [[digit(8, box)]])
    factor = len(large) // 28
    drawn = annotate(large, lines)
    assert len(drawn) == 28 * factor >= SMALL and (large[::factor, ::factor] == image).all()
    left, top, right, bottom = (factor * side for side in (x, y, x + w, y + h))
    assert pixels(drawn, RED) == pytest.approx((left, top, right, bottom), abs=3)  # half the box's thickness
    inside = drawn[top + factor : bottom - factor, left + factor : right - factor]
    assert (inside == 0).all()  # neither box nor label covers more than the rim of the digit
    assert (drawn == GREEN).all(axis=2).sum() in [(stamp("8", height) == 2).sum() for height in (64, 32, 11)]  # whole


def test_a_tight_crop_is_enlarged_until_its_label_covers_a_corner_only():
    drawn = annotate(*enlarge(np.full((20, 14), 255, np.uint8), [[digit(8, (0, 0, 14, 20))]]))
    assert (drawn[30:] != GREEN).any(axis=2).all() and drawn.shape == (200, 140, 3)


def test_a_large_picture_and_its_boxes_stay_as_they_are():
    image, lines = np.full((20, SMALL, 3), 255, np.uint8), [[digit(8, (4, 4, 10, 12))]]
    large, boxed = enlarge(image, lines)
    assert np.array_equal(large, image) and boxed[0][0].box == (4, 4, 10, 12)


def test_labels_of_narrow_neighbours_are_all_legible():
    digits = [digit(8, (20 + 12 * i, 40, 11, 50)) for i in range(4)]
    drawn = annotate(np.full((140, 100), 255, np.uint8), [digits])
    assert (drawn == GREEN).all(axis=2).sum() == 4 * (stamp("8", 20) == 2).sum()


def test_a_stamp_has_an_outline_all_around():
    ink = stamp("0", 20)
    assert set(np.unique(ink)) == {0, 1, 2}
    rows, columns = np.nonzero(ink == 2)
    assert np.ptp(rows) + 1 == 20
    assert all(ink[r, c] for row, col in zip(rows, columns) for r in (row - 1, row + 1) for c in (col - 1, col + 1))


def page():
    mask = np.zeros((60, 90), np.uint8)
    mask[10:40, 20:30] = mask[50:52] = 255
    one = digit(1, (20, 10, 10, 30))
    arrays = 255 - mask, mask / np.float32(255), mask
    return Page(Hypothesis(False, 240), mask.shape, 1.0, *arrays, [one], [one], 30.0, [[one]])


def test_steps_are_drawn_in_their_order_and_removed_lines_in_colour():
    steps = draw_steps(page())
    assert len(steps) == len(STEPS) and all(image.dtype == np.uint8 for image in steps)
    ink, mask, strokes, pieces, _, crops = steps
    assert (ink == 255 - page().mask).all() and (mask == ink).all() and (crops == crop_sheet(page().lines)).all()
    assert (pieces[10, 20:30] == BLUE).all() and not (pieces == RED).all(axis=2).any()
    assert (strokes[20, 25] == 0).all() and (strokes[0, 0] == 255).all()
    assert len(set(strokes[50, 5].tolist())) == 3


def test_steps_of_an_empty_page():
    blank = np.zeros((5, 7), np.uint8)
    steps = draw_steps(Page(Hypothesis(False, 240), (5, 7), 1.0, blank, blank.astype(np.float32), blank))
    assert all(image.shape[:2] == (5, 7) for image in steps[:-1]) and steps[-1].size


def test_the_sheet_shows_every_crop_line_by_line():
    sheet = crop_sheet([[digit(2, (0, 0, 1, 1))] * (ACROSS + 1), [digit(4, (0, 0, 1, 1))]])
    assert sheet.shape == (3 * CELL[1], ACROSS * CELL[0])
    crops = sheet.reshape(3, CELL[1], ACROSS, CELL[0])[:, 20, :, 20]
    assert (crops[0] == 50).all()
    assert crops[1].tolist() == [50] + [255] * (ACROSS - 1)
    assert crops[2].tolist() == [100] + [255] * (ACROSS - 1)
