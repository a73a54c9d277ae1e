"""utils/rules.py, straight.py and ticks.py: printed lines and boxes go, the digits that cross or fill them stay."""

import cv2
import numpy as np
import pytest
from conftest import answer

from utils.frame import center_digit
from utils.rules import (
    BOX_THICK,
    THICK,
    around_known,
    erase_lines,
    peel,
    split_known,
    without,
    without_frames,
    without_surroundings,
)
from utils.segment import Piece, cut_pieces, paint
from utils.straight import Course, find_lines, quantiles, rule_slopes, run_lengths
from utils.ticks import between, find_ticks

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


def fence(top, bottom, *posts):
    """Two level lines across the picture, and upright ones between them."""
    rails = line((0, top), (399, top)) | line((0, bottom), (399, bottom))
    return np.maximum.reduce([rails, *(line((x, top), (x, bottom)) for x in posts)])


def squares(pitch):
    """Squared paper."""
    at = range(pitch // 2, 400, pitch)
    return np.maximum.reduce([line((0, k), (399, k), 1) | line((k, 0), (k, 399), 1) for k in at])


CROPS = {digit: center_digit(write(digit)).astype(float) for digit in DIGITS}


def look(pieces):
    """Answer as a network that knows DIGITS and doubts everything else."""
    seen = []
    for piece in pieces:
        crop = center_digit(piece.ink)
        digit = min(CROPS, key=lambda name: np.abs(crop - CROPS[name]).mean())
        close = np.abs(crop - CROPS[digit]).mean() < 12
        seen.append(piece._replace(answer=answer(int(digit), 0.99 if close else 0.1)))
    return seen


def ink_of(mask):
    return (mask / 255).astype(np.float32)


def lines_in(mask, length=LENGTH, thick=THICK, stops=None):
    """The lines in a mask, as another mask."""
    return np.where(find_lines(ink_of(mask), length, thick, stops), 255, 0).astype(np.uint8)


def erased(mask):
    """What is left of a mask, and the values of the digits known in it, sorted."""
    pieces = erase_lines(look(cut_pieces(mask)), ink_of(mask), look)
    known = sorted(str(piece.value) for piece in pieces if piece.confidence > 0.9)
    return paint(pieces, mask.shape), "".join(known)


def share(part, whole):
    return cv2.countNonZero(part & whole) / cv2.countNonZero(whole)


NET = line((20, 120), (380, 120)) | line((60, 40), (60, 380))
LINES = {
    "level": line((20, 195), (380, 195)),
    "level and thick": line((20, 195), (380, 195), 5),
    "falling by 5 degrees": line((20, 180), (380, 211)),
    "rising by 5 degrees": line((20, 211), (380, 180)),
    "falling by 20 degrees": line((20, 130), (380, 261)),
    "upright": line((70, 20), (70, 380)),
    "leaning by 5 degrees": line((60, 20), (91, 380)),
    "dotted": line((20, 195), (380, 195)) & np.where(np.arange(400) % 8 < 7, 255, 0).astype(np.uint8),
}


@pytest.mark.parametrize("name", LINES)
def test_a_long_line_is_found(name):
    assert share(lines_in(LINES[name]), LINES[name]) > 0.99


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_found_but_for_the_strokes_that_cross_it(name):
    digits = write("8407")
    found = lines_in(LINES[name] | digits)
    assert share(found, LINES[name] & ~digits) > 0.95
    assert share(found, digits) < 0.05


def test_a_black_stroke_along_a_faint_line_stays():
    rule, bar = line((20, 195), (380, 195)), line((100, 195), (140, 195), 2)
    ink = np.where(bar > 0, 0.8, np.where(rule > 0, 0.3, 0)).astype(np.float32)
    found = np.where(find_lines(ink, LENGTH, THICK), 255, 0).astype(np.uint8)
    assert share(found, bar) < 0.05
    assert share(found, rule & ~bar) > 0.95


@pytest.mark.parametrize("text", ["1", "1111", "11111111", "777", "84075"])
def test_digits_alone_have_no_lines(text):
    assert not lines_in(write(text)).any()


@pytest.mark.parametrize(
    "bar", [line((50, 100), (150, 100)), line((100, 50), (100, 150)), line((50, 100), (200, 100), 40)]
)
def test_a_short_bar_and_a_thick_one_are_no_lines(bar):
    assert not lines_in(bar).any()


def test_a_shorter_line_is_one_where_it_hangs_between_others():
    rails, bar = line((60, 40), (60, 300)) | line((200, 40), (200, 300)), line((60, 100), (200, 100))
    assert share(lines_in(bar, 50, BOX_THICK, rails > 0), bar & ~rails) > 0.99
    one_rail = line((60, 40), (60, 300))
    assert not lines_in(bar, 50, BOX_THICK, one_rail > 0).any()
    to_the_edge = line((60, 100), (399, 100))
    assert share(lines_in(to_the_edge, 50, BOX_THICK, one_rail > 0), to_the_edge) > 0.99


@pytest.mark.parametrize("gap, hangs", [(3, True), (10, False)])
def test_a_pen_s_stroke_that_nearly_fills_its_cell_does_not_hang_in_it(gap, hangs):
    rails, stroke = line((60, 40), (60, 300)) | line((200, 40), (200, 300)), blank()
    stroke[100:106, 61 + gap : 199 - gap] = 255
    assert lines_in(stroke, 50, BOX_THICK, rails > 0).any() == hangs


def test_what_lies_along_a_line_does_not_hang_from_it():
    rule, stroke = line((0, 200), (399, 200)), line((60, 204), (120, 204))
    assert not lines_in(stroke, 50, BOX_THICK, rule > 0).any()


@pytest.mark.parametrize("start", [0, 100])
@pytest.mark.parametrize("length", [LENGTH - 8, LENGTH + 8])
def test_a_line_is_as_long_as_it_is_asked_for(start, length):
    assert lines_in(line((start, 195), (start + length, 195))).any() == (length > LENGTH)


def test_the_slopes_of_lines_are_found_along_and_across():
    along, across = rule_slopes(ink_of(LINES["falling by 5 degrees"]), LENGTH)
    assert along and along == pytest.approx([0.086] * len(along), abs=0.03)
    assert across == [-slope for slope in along]
    assert rule_slopes(ink_of(write("0")), LENGTH) == [[], []]


@pytest.mark.parametrize("shape", ODD_SHAPES)
@pytest.mark.parametrize("level", [0, 1])
def test_pictures_of_a_pixel_or_a_row_have_lines_of_that_shape(shape, level):
    found = find_lines(np.full(shape, level, np.float32), 1, THICK)
    assert found.shape == shape and found.dtype == bool
    assert not (found & (level == 0)).any()


def comb(*at, height=20):
    """The ticks of a comb that stand on a line at row 300, without the line."""
    return np.maximum.reduce([line((x, 299 - height), (x, 297)) for x in at])


def ticks_in(ink, black=1.0):
    return find_ticks(ink_of(ink), line((0, 299), (399, 299)) > 0, 12, black)


def test_ticks_are_found_where_they_stand_on_a_line_at_one_pitch():
    even = comb(60, 110, 160, 210, 260)
    assert share(ticks_in(even), even) > 0.95
    assert share(ticks_in(even | comb(330)), comb(330)) == 0  # it is off the pitch
    assert not ticks_in(comb(60, 110, 160)).any()  # too few
    assert not ticks_in(comb(60, 100, 160, 190, 260)).any()  # not regular
    assert not ticks_in(np.roll(even, -40, axis=0)).any()  # on no line
    across = np.roll(even, 10, axis=0)  # as on a number line
    assert share(ticks_in(across), across) > 0.95
    assert not ticks_in(even, 0.5).any()  # blacker than the line


def test_a_tick_that_writing_hides_is_found_between_the_others():
    hidden = comb(160)
    hidden[285:290] = 0  # its pieces are too short to be ticks
    assert not ticks_in(hidden).any()
    assert share(ticks_in(comb(60, 110, 210, 260) | hidden), hidden) > 0.8


def test_lines_between_two_run_where_both_would():
    one, other = (
        Course(np.full(30, row), start, 2, 1, start + 10, start + 19) for row, start in ((50.0, 20), (80.0, 25))
    )
    (first, second) = between(one, other, 3)
    assert (first.first, first.last, second.level) == (30, 44, 70)
    assert first.rows.tolist() == [60] * 15
    assert between(one, other._replace(start=60, first=70, last=79), 3) == []


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_quantiles_are_those_of_each_group(share):
    rng = np.random.default_rng(4)
    of, values = np.repeat(np.arange(6), [1, 2, 3, 8, 9, 50]), rng.integers(0, 20, 73)
    order = rng.permutation(len(of))
    expected = [np.quantile(values[of == group], share) for group in range(6)]
    assert quantiles(values[order], of[order], share) == pytest.approx(expected)


def test_run_lengths_are_those_of_the_columns():
    mask = np.uint8([[1, 0, 1], [1, 1, 0], [0, 1, 1], [0, 1, 1]])
    assert run_lengths(mask).tolist() == [[2, 0, 1], [2, 3, 0], [0, 3, 2], [0, 3, 2]]


def test_rests_of_a_line_go_with_it_but_not_what_is_known():
    rule, crumb, digit = line((0, 100), (399, 100)), frame(200, 102, 4, 2, -1), write("4", 60, 103)
    (left,) = without(look(cut_pieces(rule | crumb | digit)), rule > 0, look)
    assert left.value == 4 and left.box == cv2.boundingRect(digit & ~rule)


def test_what_is_known_is_no_rest_although_it_lies_along_a_line():
    digit = write("4")
    along = cv2.dilate(digit, np.ones((3, 3), np.uint8)) & ~digit
    (left,) = without(look(cut_pieces(digit)), along > 0, look)
    assert left.value == 4 and left.box == cv2.boundingRect(digit)


def test_nothing_is_cut_where_there_are_no_lines():
    pieces = look(cut_pieces(write("84")))
    assert without(pieces, np.zeros((400, 400), bool), look) == pieces


def block(x, y, w, h, confidence=0.99):
    return Piece((x, y, w, h), np.full((h, w), 255, np.uint8), 4.0, answer=answer(7, confidence))


@pytest.mark.parametrize("turn", [0, 3])
@pytest.mark.parametrize("thickness", [1, 2, 5])
def test_a_frame_is_peeled_off_the_digit_that_touches_it(thickness, turn):
    box, digit = frame(50, 172, 60, 60, thickness), write("5", 72, 182)
    around = cv2.getRotationMatrix2D((80, 200), turn, 1)
    box, digit = (cv2.warpAffine(mask, around, (400, 400), flags=cv2.INTER_NEAREST) for mask in (box, digit))
    stroke = line((70, 200), (109, 200), 3)
    (piece,) = cut_pieces(box | digit | stroke)
    left = paint([piece._replace(ink=peel(piece.ink))], box.shape)
    assert share(left, digit) > 0.98 and share(left, box & ~digit & ~stroke) < 0.05


@pytest.mark.parametrize("digit", "0478")
def test_a_digit_has_no_frame(digit):
    (piece,) = cut_pieces(write(digit))
    assert peel(piece.ink) is None
    assert peel(np.full((1, 1), 255, np.uint8)) is None


def test_a_frame_goes_unless_it_is_known_as_a_digit_and_nothing_in_it_is():
    (box,) = cut_pieces(frame())
    assert without_frames([box._replace(answer=answer(7, 0.5))], look) == []
    known = [box._replace(answer=answer(7, 0.99))]
    assert without_frames(known, look) == known


def test_a_circle_around_a_known_digit_goes_and_a_speck_in_a_0_takes_nothing():
    circle, digit = cv2.ellipse(blank(), (200, 200), (60, 90), 0, 0, 360, 255, 4), write("5", 192, 180)
    speck = line((200, 195), (200, 205))
    answers = {180: 0, 40: 5, 10: 8}  # by height

    def know(mask):
        pieces = cut_pieces(mask)
        return [
            piece._replace(answer=answer(answers[min(answers, key=lambda h: abs(h - piece.height))], 0.99))
            for piece in pieces
        ]

    large = cv2.resize(digit[175:230, 185:215], None, fx=2, fy=2)
    inside = blank()
    inside[145:255, 170:230] = large
    assert [piece.value for piece in without_surroundings(know(circle | inside))] == [5]
    assert [piece.value for piece in without_surroundings(know(circle | speck))] == [0, 8]


@pytest.mark.parametrize("value", [0, 7])
def test_what_surrounds_a_much_smaller_digit_is_none_whatever_it_looks_like(value):
    bubble, digit = cv2.ellipse(blank(), (200, 200), (60, 90), 0, 0, 360, 255, 4), write("5", 192, 180)

    def know(mask):
        return [piece._replace(answer=answer(value if piece.height > 100 else 5, 0.99)) for piece in cut_pieces(mask)]

    assert cv2.boundingRect(digit)[3] < 180 / 3
    assert [piece.value for piece in without_surroundings(know(bubble | digit))] == [5]


@pytest.mark.parametrize("number, confidence, left", [(3, 0.9999, "555"), (3, 0.99, "7555"), (2, 0.9999, "755")])
def test_what_surrounds_several_sure_digits_however_small_is_the_desk_around_a_sheet(number, confidence, left):
    """One or two may be specks in a large digit."""
    around, *digits = sorted(cut_pieces(frame(1, 1, 397, 397) | write(number * "5")), key=lambda piece: -piece.height)
    pieces = [piece._replace(answer=answer(5, confidence)) for piece in digits]
    assert len(pieces) == number
    kept = without_surroundings([around._replace(answer=answer(7, 0.99)), *pieces])
    assert "".join(str(piece.value) for piece in kept) == left


def test_a_digit_that_is_known_with_its_box_loses_it_if_it_is_known_without():
    box, digit = frame(50, 172, 41, 60), write("5", 72, 182)
    (both,) = cut_pieces(box | digit)
    left = paint(without_frames([both._replace(answer=answer(5, 0.99))], look), digit.shape)
    assert share(left, box & ~digit) < 0.1 and share(left, digit) > 0.9


def test_what_is_twice_as_high_as_other_known_digits_is_none():
    digits, net, doubtful = (
        [block(50 * i, 0, 20, 40) for i in range(3)],
        block(0, 100, 90, 90),
        block(0, 300, 9, 9, 0.4),
    )
    assert split_known([*digits, net, doubtful]) == (digits, [net, doubtful])
    assert split_known([]) == ([], [])


@pytest.mark.parametrize("known_without", [True, False])
def test_a_net_that_looks_like_a_digit_loses_its_lines_to_a_digit_that_is_known_without(known_without):
    digits, alone, lines = write("55", 100, 100), write("5", 200, 300), NET
    mask = digits | alone | lines

    def look(pieces):
        return [piece._replace(answer=answer(5, 0.99 if known_without else 0.5)) for piece in pieces]

    known = [piece._replace(answer=answer(5, 0.99)) for piece in cut_pieces(mask)]
    left = around_known(known, np.zeros(mask.shape, bool), mask.astype(np.float32) / 255, look)
    gone = share(paint(left, mask.shape), lines & ~digits) < 0.1
    assert len(known) == 2 and gone == known_without


@pytest.mark.parametrize("name", LINES)
def test_a_line_through_digits_is_erased_and_they_keep_their_strokes(name):
    digits = write("4407") | write("85", x=300, y=300)
    left, known = erased(LINES[name] | digits)
    assert share(left, LINES[name] & ~digits) < 0.1
    assert share(left, digits) > 0.95
    assert known == "044578"


def test_a_line_through_all_digits_of_a_page_is_erased():
    rule, digits = LINES["rising by 5 degrees"], write("8407")
    left, known = erased(rule | digits)
    assert share(left, rule & ~digits) < 0.05 and share(left, digits) > 0.95
    assert known == "0478"


def test_lines_that_fan_out_in_perspective_are_erased():
    fan = np.maximum.reduce([line((0, 60 + 60 * k), (399, 40 + 66 * k)) for k in range(5)])
    left, known = erased(fan | write("8407"))
    assert share(left, fan & ~write("8407")) < 0.05
    assert known == "0478"


@pytest.mark.parametrize("pitch", [20, 50])
def test_squared_paper_is_erased_from_digits_that_touch_its_lines(pitch):
    digits = write("8407")
    left, known = erased(squares(pitch) | digits)
    assert share(left, squares(pitch) & ~digits) < 0.01
    assert share(left, digits) > 0.98
    assert known == "0478"


@pytest.mark.parametrize("text", ["1111", "84075", "0"])
def test_digits_alone_are_left_as_they_are(text):
    left, known = erased(write(text))
    assert np.array_equal(left, write(text)) and known == "".join(sorted(text))


def test_ones_stay_when_a_line_under_them_goes():
    rule, digits = line((0, 220), (399, 220)), write("1111")
    left, known = erased(rule | digits)
    assert share(left, digits) == 1 and share(left, rule & ~digits) < 0.02
    assert known == "1111"


def test_a_box_around_a_digit_is_dropped_and_an_empty_one_is_no_digit():
    left, known = erased(frame() | write("5") | frame(200, 170))
    assert share(left, write("5")) == 1 and not (left & frame()).any()
    assert known == "5"


def test_a_row_of_boxes_is_no_digit():
    boxes = np.maximum.reduce([frame(50 + 36 * i, 160, w=36, h=80) for i in range(4)])
    left, known = erased(boxes | write("5407"))
    assert share(left, write("5407")) == 1 and known == "0457"


def test_the_cells_of_a_table_go_and_their_digits_stay_though_they_touch_lines():
    levels = [line((10, y), (370, y)) for y in range(60, 400, 60)]
    table = np.maximum.reduce([*levels, *(line((x, 60), (x, 360)) for x in range(10, 400, 60))])
    digits = write("4", 35, 90) | write("0", 95, 150) | write("8", 155, 210) | write("7", 275, 140)
    left, known = erased(table | digits)
    assert share(left, table & ~digits) < 0.01 and share(left, digits) > 0.95
    assert known == "0478"


def test_the_sides_of_cells_go_with_the_lines_that_they_hang_between():
    """They are too short to be printed lines, and a stroke that hangs nowhere is as long."""
    cells, digits, stroke = fence(140, 260, *range(52, 400, 36)), write("5407"), line((60, 40), (60, 110))
    left, known = erased(cells | digits | stroke)
    assert not (left & cells & ~digits).any() and share(left, digits) == 1
    assert share(left, stroke) == 1 and known == "01457"


@pytest.mark.parametrize("height", [15, 30, 70])
def test_a_comb_goes_and_its_digits_stay(height):
    ticks, digits = np.roll(comb(*range(52, 400, 36), height=height), -72, axis=0), write("5407")
    rule = line((0, 227), (399, 227))
    left, known = erased(rule | ticks | digits)
    assert not (left & (rule | ticks) & ~digits).any() and known == "0457"


@pytest.mark.parametrize("height", [52, 60, 80])
def test_the_sides_of_low_cells_go_although_they_are_hardly_higher_than_digits(height):
    cells, digits = fence(200 - height // 2, 200 + height // 2, *range(52, 400, 36)), write("5407")
    left, known = erased(cells | digits)
    assert not (left & cells & ~digits).any() and known == "0457"


def test_nothing_to_erase():
    assert erase_lines([], np.zeros((50, 60), np.float32), look) == []
    assert not erased(blank())[0].any()
