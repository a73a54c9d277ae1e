"""utils/clutter.py: what is beside the writing goes, the writing stays."""

import cv2
import numpy as np
import pytest
from conftest import answer, digit

from utils.clutter import is_gap, on_paper, same_pen, without_desk, without_edges
from utils.segment import cut_pieces


def sheet(light=200, dark=60):
    """A sheet whose upper left corner is at (100, 100), on a desk."""
    grey = np.full((400, 600), dark, np.uint8)
    grey[100:300, 100:500] = light
    return grey


WRITING = [digit(200, 180), digit(260, 180), digit(320, 180, confidence=0.3)]
GRAIN = [digit(x, 20, 60, 8, confidence=0.1) for x in range(40, 500, 80)]


def test_what_lies_on_the_desk_goes_with_what_looks_like_a_digit_there():
    grain = [*GRAIN, digit(20, 340, confidence=0.95)]
    assert without_desk([*grain, *WRITING], sheet()) == WRITING
    assert without_desk([*grain, *WRITING], sheet(60, 200)) == WRITING  # a board on a white wall


def test_numbers_on_both_sides_of_a_step_stay():
    shaded = [digit(40, 180), digit(20, 340), digit(60, 340)]
    assert without_desk([*WRITING, *shaded], sheet()) == [*WRITING, *shaded]


def test_a_doubtful_digit_in_a_dark_box_of_its_own_stays():
    doubtful = [digit(40, 180, confidence=0.4), digit(20, 340, confidence=0.4)]
    assert without_desk([*WRITING, *doubtful], sheet()) == [*WRITING, *doubtful]


@pytest.mark.parametrize("grey", [sheet(200, 170), np.tile(np.linspace(60, 200, 600).astype(np.uint8), (400, 1))])
def test_where_brightness_makes_no_step_all_lies_on_one_surface(grey):
    assert without_desk([*GRAIN, *WRITING], grey) == [*GRAIN, *WRITING]


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1)])
def test_no_picture_is_too_small_to_have_a_desk(shape):
    grey = np.zeros(shape, np.uint8)
    grey[shape[0] // 2 :, shape[1] // 2 :] = 200
    pieces = [digit(0, 0, 1, 1), digit(shape[1] - 1, shape[0] - 1, 1, 1)]
    assert without_desk(pieces, grey) == pieces


def test_a_digit_has_paper_around_it():
    ink = np.zeros((100, 100), np.float32)
    ink[30:70, 40:60] = 0.8
    assert on_paper(digit(40, 30), ink, 4.0)
    crowded = ink.copy()
    crowded[::2], crowded[30:70, 40:60] = 0.7, 0.8
    crowded[1::2, ::2] = 0.7
    assert not on_paper(digit(40, 30), crowded, 4.0)


def test_light_ink_on_a_dark_tile_has_paper_around_it_but_an_edge_has_not():
    ink = np.full((100, 100), -0.9, np.float32)  # taken for much darker than paper, which is light beyond the tile
    ink[30:70, 40:60] = 0.8
    assert on_paper(digit(40, 30, value=7), ink, 4.0)
    assert not on_paper(digit(40, 30, value=1), ink, 4.0)


@pytest.mark.parametrize("page, tile", [(255, 0), (30, 200)])
def test_a_gap_between_two_tiles_is_no_1_but_a_1_on_a_tile_is(page, tile):
    grey = np.full((120, 160), page, np.uint8)
    grey[30:90, 20:75] = grey[30:90, 85:140] = tile
    assert is_gap(digit(75, 30, 10, 60, value=1), grey, 6.0, False)
    assert not is_gap(digit(75, 30, 10, 60, value=7), grey, 6.0, False)
    grey[40:80, 45:50] = page
    assert not is_gap(digit(45, 40, 5, 40, value=1), grey, 5.0, False)
    grey[80:82, 20:75] = page  # it stands on a line
    assert not is_gap(digit(45, 40, 5, 40, value=1), grey, 5.0, False)


def test_what_reaches_two_edges_is_a_gap_on_a_sheet_but_a_1_in_a_picture_that_is_cropped_tight():
    grey = np.zeros((60, 100), np.uint8)
    grey[:, 45:55] = 255
    stroke = digit(45, 0, 10, 60, value=1)
    assert is_gap(stroke, grey, 8.0, True)
    assert not is_gap(stroke, grey, 8.0, False)
    assert not is_gap(digit(0, 0, 100, 60, value=1), grey, 8.0, True)  # nothing is beside it
    assert not is_gap(digit(45, 20, 10, 40, value=1), np.where(np.arange(60)[:, None] < 20, 0, grey), 8.0, True)


def test_what_stands_on_the_side_of_a_sheet_that_was_cut_out_is_that_side():
    grey = np.full((100, 100), 200, np.uint8)
    for x, is_side in (0, True), (90, True), (40, False):
        stroke = digit(x, 10, 10, 60, value=1)
        grey[10:70, x : x + 10] = 60
        assert is_gap(stroke, grey, 4.0, True) == is_side
        assert not is_gap(stroke, grey, 4.0, False)
        assert not is_gap(stroke._replace(answer=answer(7, 0.99)), grey, 4.0, True)


def test_a_faint_texture_around_a_black_digit_is_paper_too():
    ink = np.full((100, 100), 0.3, np.float32)
    ink[30:70, 40:60] = 0.8
    assert on_paper(digit(40, 30), ink, 4.0)
    ink[30:70, 40:60] = 0.4
    assert not on_paper(digit(40, 30), ink, 4.0)


def test_what_is_far_thinner_and_fainter_or_fatter_and_blacker_than_the_known_digits_was_not_written_with_them():
    ink = np.full((100, 300), 0.8, np.float32)
    ink[:, 160:180], ink[:, 200:] = 1.0, 0.3
    pieces = [digit(0, 0), digit(40, 0), digit(80, 0, confidence=0.5)]
    thin, faint, both = (
        digit(x, 0, confidence=0.5, stroke=stroke) for x, stroke in ((120, 2.0), (210, 4.0), (250, 2.0))
    )
    height = pieces[0].height
    assert same_pen([*pieces, thin, faint, both], ink, height) == [*pieces, thin, faint]
    black = digit(160, 0, 20, 40, 1, stroke=14.0)  # 0.35 of its size: no blot
    assert same_pen([*pieces, black], ink, height) == pieces
    assert same_pen([pieces[2], black], ink, height) == [pieces[2], black]  # none is known
    assert same_pen([pieces[2], both], ink, height) == [pieces[2], both]  # none is known
    assert same_pen([], ink, height) == []


def test_digits_that_touch_are_as_wide_as_all_of_them_together_and_of_the_same_pen():
    pieces = [digit(0, 0), digit(40, 0), digit(80, 0, 120, 40, confidence=0.1)]
    assert same_pen(pieces, np.full((40, 200), 0.8, np.float32), 40) == pieces


def test_the_surest_digits_tell_the_pen_where_remnants_of_faint_lines_look_like_many_digits():
    ink = np.full((100, 900), 0.1, np.float32)
    ink[:, :80] = 0.8
    sure, known = digit(0, 0, confidence=0.9999), digit(40, 0, confidence=0.95)
    remnants = [digit(x, 0, confidence=0.95, stroke=2.0) for x in range(80, 880, 40)]
    assert same_pen([sure, known, *remnants], ink, sure.height) == [sure, known]
    assert same_pen([known, *remnants], ink, sure.height) == [known, *remnants]  # which of them is writing?


def test_holes_and_bullets_are_blots_and_no_digit_is():
    disc = cv2.circle(np.zeros((40, 40), np.uint8), (20, 20), 15, 255, -1)
    fat = cv2.line(np.zeros((40, 40), np.uint8), (20, 8), (20, 32), 255, 9)  # a fat 1
    ring = cv2.circle(np.zeros((40, 40), np.uint8), (20, 20), 12, 255, 8)  # a fat 0
    pieces = [piece._replace(answer=answer(0, 0.99)) for mask in (disc, fat, ring) for piece in cut_pieces(mask)]
    assert same_pen(pieces, np.full((40, 40), 0.8, np.float32), 30) == pieces[1:]


def test_beyond_the_edge_of_the_picture_all_may_be_paper():
    ink = np.full((40, 20), 0.8, np.float32)
    assert on_paper(digit(0, 0), ink, 4.0)


def test_what_the_edge_cuts_is_dropped_unless_it_is_known_or_like_the_known_digits():
    shape = 200, 400
    inside = [digit(60, 100), digit(100, 100)]
    cut, known = digit(380, 100, 20, 40, confidence=0.6), digit(0, 100)
    like, one = digit(380, 100, confidence=0.95, value=1), digit(199, 160, 5, 40, 1, 0.5)
    assert without_edges([[*inside, cut], [one]], shape) == [inside, []]
    assert without_edges([[known, *inside]], shape) == [[known, *inside]]
    assert without_edges([[*inside, like]], shape) == [[*inside, like]]
    short, thick = digit(380, 100, 20, 20, 1, 0.95), digit(380, 100, 20, 40, 1, 0.95, stroke=9.0)
    assert without_edges([[*inside, short]], shape) == without_edges([[*inside, thick]], shape) == [inside]


@pytest.mark.parametrize("below, stays", [(10, True), (50, False)])
@pytest.mark.parametrize("turn", [False, True])
def test_what_alone_of_its_line_is_cut_off_above_or_below_is_a_pen_and_no_1(below, stays, turn):
    high = 60 + 40 + below  # pixels, of the picture
    line = [digit(60, 60), digit(100, 60), digit(140, high - 40, value=1)]
    if turn:
        line = [one._replace(box=(x, high - y - h, w, h)) for one in line for x, y, w, h in [one.box]]
    assert without_edges([line], (high, 400)) == [line if stays else line[:2]]


def test_what_is_known_at_the_edge_goes_if_another_pen_wrote_it_than_the_digits_inside():
    inside, shape = [digit(100, 100), digit(140, 100)], (200, 400)
    for stroke, stays in (4.0, True), (11.0, True), (13.0, False), (1.4, True), (1.2, False):
        wood = digit(380, 100, stroke=stroke)
        assert without_edges([[*inside, wood]], shape) == [[*inside, wood] if stays else inside]
        assert without_edges([[wood]], shape) == [[wood]]  # as a digit that fills its picture


def test_without_a_known_digit_nothing_is_dropped_at_the_edge():
    lines = [[digit(0, 100, confidence=0.6)], [digit(100, 100, value=1)]]
    assert without_edges(lines, (200, 400)) == lines
