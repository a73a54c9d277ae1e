"""utils/writing.py: words are told from numbers by what stands together; utils/spaces.py: numbers by their gaps."""

import numpy as np
import pytest

from utils.segment import Piece
from utils.spaces import space_numbers
from utils.writing import FAR, count_others, find_numbers, without_upright_words

HEIGHT = 40
NARROW = 6  # pixels: the width of a 1; all else is 24 wide
CONFUSED = 9, 7, 7, 5, 9, 3, 5, 1, 9, 4  # the digit for which hands make a 0, a 1, ... easily pass


def sign(value, confidence, high=HEIGHT, second=2 / 3, other=None):
    """What the network takes for this digit, so surely; where it stands is said by `row`.

    Of a doubtful digit's doubt two thirds are about one other digit: the median of held-out digits around 0.8.
    """
    other = CONFUSED[value] if other is None else other
    wide = NARROW if value == 1 else 24
    answer = np.full(10, (1 - second) * (1 - confidence) / 8)
    answer[value], answer[other] = confidence, second * (1 - confidence)
    return Piece((0, 0, wide, high), np.full((high, wide), 255, np.uint8), 4.0, answer=answer)


def digit(value):
    return sign(value, 0.9999)  # two thirds of MNIST are at least as sure


def letter(value=8, high=HEIGHT):
    """What the network takes for nothing: it might be any digit."""
    return sign(value, 0.2, high, second=1 / 9)


WORD = [letter(), digit(0), letter(), digit(1), letter()]  # such as "Rooms", of which two letters look like digits


def row(*groups, gap=8, apart=60):
    """Pieces from left to right, the groups farther apart than the pieces of one."""
    placed, x = [], 0
    for group in groups:
        for piece in group:
            placed.append(piece._replace(box=(x, 0, *piece.box[2:])))
            x += piece.box[2] + gap
        x += apart - gap
    return placed


def find(*lines):
    """The digits of each line as a text, and the number of letters."""
    digits, letters = find_numbers([[(piece, [piece]) for piece in line] for line in lines], HEIGHT)
    return [said(line) for line in digits], len(letters)


def spaced_out(parts):
    """The digits of lines whose pieces are cut, without the spaces between numbers."""
    return [said(line).replace(" ", "") for line in find_numbers(parts, HEIGHT)[0]]


def said(line):
    return "".join(" " * digit.is_spaced + str(digit.value) for digit in line)


def test_a_number_is_digits_from_left_to_right():
    assert find(row([digit(3), digit(1), digit(0)])) == (["310"], 0)


def test_the_letters_of_a_word_are_no_digits_although_some_look_like_one():
    assert find(row(WORD)) == ([""], 5)


def test_letters_that_look_like_a_0_or_a_1_speak_less_for_a_number_than_others():
    assert find(row([digit(1), digit(0), digit(1), digit(0), letter(), letter()])) == ([""], 6)
    assert find(row([digit(2), digit(3), digit(2), digit(3), letter(), letter()])) == (["2323"], 0)


@pytest.mark.parametrize("second, other, read", [(1, None, "17"), (1 / 9, None, ""), (1, 0, "")])
def test_doubt_between_two_digits_is_no_doubt_that_it_is_a_digit_if_hands_write_them_alike(second, other, read):
    doubtful = row([sign(1, 0.7, second=second, other=other), sign(7, 0.7, second=second, other=other)])
    assert find(doubtful, *[row(WORD)] * 2)[0][0] == read


@pytest.mark.parametrize("high, read", [(HEIGHT, "1255"), (0.6 * HEIGHT, "")])
def test_letters_that_look_like_digits_but_are_lower_hardly_speak_for_a_number(high, read):
    a, s, t = sign(2, 0.9999, round(high)), sign(5, 0.9999, round(high)), letter()
    assert find(row([t, digit(1), a, s, s, t]))[0] == [read]


def test_a_number_in_small_digits_stays():
    small = [sign(value, 0.9999, round(0.6 * HEIGHT)) for value in (3, 4, 5)]
    assert find(row([digit(7), digit(8)], small))[0] == ["78345"]


def test_a_number_in_small_digits_is_measured_by_its_own_line():
    large, small = row([digit(7), digit(8)]), [sign(value, 0.9999, 24) for value in (3, 4, 5, 6)]
    assert find(large, row([*small, letter(high=24)]))[0] == ["78", "3456"]
    assert find(large, row([*small, letter()]))[0] == ["78", ""]  # a letter is tall


@pytest.mark.parametrize("doubtful, read", [(1, "3527"), (4, "")])
def test_a_hand_that_the_network_is_unsure_of_is_read_where_most_of_the_page_looks_like_digits(doubtful, read):
    line = row([*(sign(value, 0.95) for value in (3, 5, 2, 7)), *doubtful * [letter()]])
    assert find(line, line, line)[0] == 3 * [read]


@pytest.mark.parametrize("confidence, read", [(0.994, "425"), (0.98, "")])
def test_digits_that_are_a_little_doubtful_as_in_print_speak_for_neither(confidence, read):
    assert find(row(WORD), row([sign(value, confidence) for value in (4, 2, 5)]))[0] == ["", read]


def test_a_number_beside_a_word_stays():
    assert find(row(WORD, [digit(4), digit(2)], WORD)) == (["42"], 10)


def test_lines_keep_their_places_and_may_turn_out_to_have_no_number():
    assert find(row(WORD), [], row([digit(4), digit(2)])) == (["", "", "42"], 5)
    assert find() == ([], 0)


def test_one_doubtful_sign_between_two_digits_does_not_spoil_them_and_ends_the_first_number():
    assert find(row([digit(7), letter(), digit(4)])) == (["7 4"], 0)
    assert find(row([digit(7), digit(5), letter(), digit(4), digit(2)])) == (["75 42"], 0)


@pytest.mark.parametrize("high, read", [(HEIGHT, "4 8 2"), (0.6 * HEIGHT, "")])
def test_a_sign_stands_beside_less_sure_digits_too_unless_they_are_as_low_as_letters(high, read):
    less_sure = sign(8, 0.96, round(high))
    assert find(row([digit(4), letter(), less_sure, letter(), digit(2)]))[0] == [read]


@pytest.mark.parametrize("wide, high, read", [(24, 20, "5 7"), (24, 6, "5 7"), (6, 6, "57")])
def test_a_sign_that_stands_apart_ends_a_number_too_but_a_speck_does_not(wide, high, read):
    five, sign, seven = row([digit(5)], [letter(high=high)], [digit(7)])
    sign = sign._replace(box=(sign.box[0], HEIGHT // 2, wide, high), ink=sign.ink[:, :wide])
    assert find([five, sign, seven])[0] == [read]


def test_a_word_ends_a_number():
    assert find(row([digit(5)], WORD, [digit(7)]))[0] == ["5 7"]


def test_a_sign_before_or_behind_a_number_separates_nothing():
    assert find(row([letter(), *map(digit, [7, 5, 3, 2]), letter()])) == (["7532"], 0)


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("beside, top, high, read", [
    (7, 8, 24, "777"), (7, 4, 32, "777"), (7, 0, 24, ""), (7, 16, 24, ""), (1, 8, 24, "177"), (0, 8, 24, "077")
])  # fmt: skip
def test_what_is_clear_of_the_head_and_foot_of_the_digit_beside_it_is_a_sign_and_no_letter(
    beside, top, high, read, behind
):
    low = letter(high=high)
    pieces = [low, digit(beside), digit(7), digit(7)]
    placed = row(pieces[::-1] if behind else pieces)
    placed = [one._replace(box=(one.box[0], top, *one.box[2:])) if one.height == high else one for one in placed]
    assert find(placed, *14 * [row(WORD)])[0] == [read[::-1] if behind else read, *14 * [""]]


@pytest.mark.parametrize("top, read", [(8, "77 4"), (16, "")])
def test_what_is_a_sign_beside_one_digit_is_one_whatever_stands_on_its_other_side(top, read):
    low = letter(high=24)
    placed = row([digit(7), digit(7), low, sign(4, 0.6)])
    placed = [one._replace(box=(one.box[0], top, *one.box[2:])) if one.height == 24 else one for one in placed]
    assert find(placed, row(WORD))[0] == [read, ""]


@pytest.mark.parametrize("value, read", [(1, "12"), (7, "")])
def test_what_may_be_a_1_speaks_for_no_word_beside_a_digit_as_a_printed_1_is_doubtful(value, read):
    doubtful = row([sign(value, 0.7, second=1 / 9), digit(2)])
    assert find(doubtful, *[row(WORD)] * 3)[0][0] == read


@pytest.mark.parametrize("above, below, read", [(8, 8, "74 2"), (8, 0, "7412"), (0, 8, "7412"), (3, 3, "7412")])
def test_what_sticks_out_above_and_below_is_a_slash_and_no_1(above, below, read):
    bar = sign(1, 0.9999, HEIGHT + above + below)
    seven, four, slash, two = row([digit(7), digit(4), bar, digit(2)], gap=12)
    slash = slash._replace(box=(slash.box[0], -above, NARROW, HEIGHT + above + below))
    assert find([seven, four, slash, two])[0] == [read]


def test_a_1_that_sticks_out_of_the_letters_beside_it_is_no_slash():
    low = [sign(value, 0.9999, round(0.6 * HEIGHT)) for value in (0, 2, 5)]
    word = row([letter(), *low, letter(), letter()])
    word = [piece._replace(box=(piece.box[0], 8, *piece.box[2:])) for piece in word]
    one, eight = (piece._replace(box=(piece.box[0] + 250, *piece.box[1:])) for piece in row([digit(1), digit(8)]))
    assert find([*word, one, eight])[0] == ["18"]


def bent(left, right):
    """What looks like a 1: an upright stroke whose edges are so many pixels off to the right in the middle."""
    t = np.linspace(-1, 1, HEIGHT + 4)[:, None]
    x = np.arange(24)
    ink = 255 * ((x > 9 + left * (1 - t * t)) & (x < 14 + right * (1 - t * t))).astype(np.uint8)
    return sign(1, 0.9999)._replace(box=(0, 0, 24, HEIGHT + 4), ink=ink)


@pytest.mark.parametrize("left, right, read", [(5, 5, "74 2"), (-5, -5, "74 2"), (5, 0, "7412"), (-5, 5, "7412")])
def test_what_sticks_out_less_but_is_bowed_is_a_bracket_and_no_1(left, right, read):
    """A flag bows only one edge, a foot either to its own side."""
    seven, four, bar, two = row([digit(7), digit(4), bent(left, right), digit(2)])
    bar = bar._replace(box=(bar.box[0], -2, 24, HEIGHT + 4))
    assert find([seven, four, bar, two])[0] == [read]


SEVEN, THREE, TALL = [digit(7), digit(4)], [digit(3), digit(8)], [sign(1, 0.9999, HEIGHT + 16)]


@pytest.mark.parametrize(
    "groups, apart, read",
    [
        ([SEVEN, TALL, THREE], 10, "7438"),
        ([SEVEN, TALL, THREE], 30, "74138"),
        ([TALL, SEVEN, THREE], 10, "17438"),
        ([SEVEN, THREE, TALL], 10, "74381"),
    ],
)
def test_a_1_that_is_first_or_last_or_stands_apart_may_stick_out_as_far_as_it_likes(groups, apart, read):
    line = [
        piece._replace(box=(x, (HEIGHT - h) // 2, w, h))
        for piece in row(*groups, apart=apart)
        for x, _, w, h in [piece.box]
    ]
    assert find(line)[0][0].replace(" ", "") == read


@pytest.mark.parametrize(
    "bowed, first, read", [(-5, True, "742"), (5, True, "1742"), (5, False, "742"), (-5, False, "7421")]
)
def test_a_bracket_opens_before_a_number_and_closes_behind_it(bowed, first, read):
    numbers = row([*map(digit, [7, 4, 2])])
    bracket = bent(bowed, bowed)._replace(box=(-32 if first else 104, -2, 24, HEIGHT + 4))
    assert find([bracket, *numbers] if first else [*numbers, bracket])[0] == [read]


def leaning(degrees, thick=4, high=HEIGHT):
    """What looks like a 1: a straight stroke that leans to the right."""
    y, x = np.mgrid[:high, : 2 * high]
    middle = high - np.tan(np.radians(degrees)) * (y - high / 2)
    ink = np.where(abs(x - middle) <= thick / 2, 255, 0).astype(np.uint8)
    ink = np.ascontiguousarray(ink[:, ink.any(axis=0)])
    return sign(1, 0.9999)._replace(box=(0, 0, ink.shape[1], high), ink=ink)


DATE = [*map(digit, [2, 3]), "/", *map(digit, [4, 5]), "/", *map(digit, [6, 7, 8, 9])]  # upright blocks


def date(*slashes):
    return row([next(strokes) if piece == "/" else piece for strokes in [iter(slashes)] for piece in DATE])


@pytest.mark.parametrize(
    "slashes, read",
    [
        ((leaning(25), leaning(25)), "23 45 6789"),  # as high as digits, but they lean
        ((leaning(0), leaning(0)), "2314516789"),
        ((leaning(12), leaning(13)), "23 45 6789"),  # two that lean a little, but alike
        ((leaning(12), leaning(0)), "2314516789"),
        ((leaning(25), leaning(0)), "23 4516789"),
        ((leaning(25, high=20), leaning(25, high=20)), "2314516789"),  # lower than the digits
    ],
)
def test_what_leans_as_no_other_digit_is_a_slash_and_no_1(slashes, read):
    assert find(date(*slashes))[0] == [read]


def test_1s_lean_where_other_digits_do():
    y, x = np.mgrid[:HEIGHT, : 2 * HEIGHT]
    ink = np.where(abs(x - HEIGHT + np.tan(np.radians(25)) * (y - HEIGHT / 2)) <= 12, 255, 0).astype(np.uint8)
    block = digit(7)._replace(ink=ink, box=(0, 0, ink.shape[1], HEIGHT))
    line = row([block, block, leaning(25), block, block, leaning(25), block, block])
    assert find(line)[0] == ["77177177"]


def test_what_is_cut_into_digits_is_no_slash_and_no_bracket():
    taller = sign(1, 0.9999, high=2 * HEIGHT)
    for piece, y in (leaning(40), 0), (taller, -HEIGHT // 2):
        line = row([*map(digit, [2, 3, 4]), piece, *map(digit, [5, 6, 7])])
        whole = [(one, [one]) for one in line]
        x = line[3].box[0]
        whole[3] = line[3]._replace(box=(x, y, *line[3].box[2:])), [digit(8), digit(9)]
        assert spaced_out([whole]) == ["23489567"]
        whole[3] = whole[3][0], [whole[3][0]]
        assert spaced_out([whole]) == ["234567"]


def test_neither_the_first_nor_the_last_is_a_slash_nor_are_two_neighbours():
    upright = list(map(digit, [2, 3, 4, 5, 6, 7]))
    assert find(row([leaning(40), *upright, leaning(40)]))[0] == ["12345671"]
    assert find(row([*upright[:3], leaning(12), leaning(12), *upright[3:]]))[0] == ["23411567"]


def test_too_few_digits_do_not_tell_how_their_writer_leans():
    assert find(row([digit(3), digit(2), leaning(25), digit(4)]))[0] == ["3214"]


@pytest.mark.parametrize("words", [2, 40])
def test_many_words_outvote_a_doubtful_number_but_no_sure_one(words):
    page = [row(3 * WORD) for _ in range(words)]
    assert find(*page, row(WORD, [digit(4), digit(2)]))[0][-1] == "42"
    assert find(*page, row(WORD, [sign(4, 0.9), sign(2, 0.9)]))[0][-1] == ""


def moved(pieces, by):
    return [piece._replace(box=(piece.box[0] + by, *piece.box[1:])) for piece in pieces]


@pytest.mark.parametrize("aligned, read", [(True, "42"), (False, "")])
def test_a_column_of_numbers_keeps_a_doubtful_one_in_a_list_of_names(aligned, read):
    numbers = [moved([digit(7)], 600 if aligned else 1000 + 100 * i) for i in range(6)]
    rows = [row(WORD) + number for number in numbers]
    doubtful = moved(row([sign(4, 0.97), sign(2, 0.97)]), 600)
    assert find(*rows, row(WORD) + doubtful) == ([*6 * ["7"], read], 7 * len(WORD))


@pytest.mark.parametrize("lines", [5, 60])
def test_many_numbers_do_not_outvote_what_is_no_digit(lines):
    numbers = [row([digit(7), digit(4)]) for _ in range(lines)]
    label = row([sign(5, 0.5), sign(8, 0.5)], [digit(7), digit(4)])
    assert find(*numbers, label)[0] == (lines + 1) * ["74"]


def test_others_in_the_same_line_or_column_count_full_and_those_elsewhere_a_tenth():
    line, left = np.array([0, 0, 1, 1, 2]), np.array([0, 50, 10, 80, 200])
    some = np.array([True, False, True, True, True])
    counted = count_others(some, line, left, left + 20)
    assert counted == pytest.approx([1 + 2 * FAR, 1 + 3 * FAR, 2 + FAR, 1 + 2 * FAR, 3 * FAR])


@pytest.mark.parametrize(
    "x, tops, read", [((30, 30), (6, 26), "7 4"), ((27, 40), (6, 26), "7 4"), ((30, 30), (0, 28), "")]
)
def test_the_dots_of_a_colon_are_signs_however_broad_the_pen(x, tops, read):
    """They are clear of the digits' heads and feet, also if they stand side by side."""
    dots = [letter(high=12)._replace(box=(left, top, 12, 12)) for left, top in zip(x, tops)]
    four = digit(4)._replace(box=(55, 0, 24, HEIGHT))
    assert find([digit(7), *dots, four])[0] == [read]


def test_a_high_1_among_1s_stays():
    assert find(row([digit(1), sign(1, 0.9999, 2 * HEIGHT), digit(1)]))[0] == ["111"]


@pytest.mark.parametrize("room, read", [(16, "74"), (24, "7 4")])
def test_a_fragment_between_digits_is_a_sign_only_where_they_leave_it_room(room, read):
    speck = letter(high=10)._replace(box=(24 + room // 2 - 2, 15, 4, 10))
    right = digit(4)._replace(box=(24 + room, 0, 24, HEIGHT))
    assert find([digit(7), speck, right])[0] == [read]


@pytest.mark.parametrize("signs, read", [(1, "77"), (2, "")])
def test_one_sign_that_is_as_high_as_digits_makes_no_word_of_a_number(signs, read):
    assert find(row([*signs * [letter()], digit(7), digit(7)]), row(WORD))[0] == [read, ""]


def test_several_doubtful_signs_make_a_word_of_it():
    assert find(row([digit(7), letter(), letter(), digit(4)])) == ([""], 4)


def test_letters_of_a_small_label_are_letters():
    label = [letter(high=10), sign(0, 0.9999, 10), letter(high=10), sign(5, 0.9999, 10), letter(high=10)]
    label = [piece._replace(box=(14 * i, 0, 10, 10)) for i, piece in enumerate(label)]
    assert find(label, row([digit(4), digit(2)])) == (["", "42"], 5)


@pytest.mark.parametrize("wide, high", [(7, 7), (24, 12)])
def test_a_dot_and_a_dash_are_no_letters(wide, high):
    mark = letter(high=high)._replace(box=(26, 20, wide, high))
    assert find([digit(7), mark, digit(4)._replace(box=(28 + max(wide, 20), 0, 24, HEIGHT))]) == (["7 4"], 0)
    assert find([digit(7), *3 * [mark]]) == (["7"], 0)


def test_dashes_and_dots_alone_are_no_numbers_and_make_no_others_likelier():
    dash = sign(9, 0.6, 8)
    assert find([dash], [dash], [dash], row([digit(4), digit(2)]))[0] == ["", "", "", "42"]


@pytest.mark.parametrize(("high", "read"), [(0.4, "2 3"), (0.5, "213")])
def test_what_looks_like_a_1_but_is_as_low_as_a_comma_is_none(high, read):
    assert find(row([digit(2), sign(1, 0.9999, round(high * HEIGHT)), digit(3)]))[0] == [read]


def test_a_dash_is_no_digit_and_no_letter():
    dash = sign(1, 0.3, high=5)
    assert find(row([dash, digit(4), dash])) == (["4"], 0)


def test_a_doubtful_digit_alone_is_one_if_there_is_nothing_else():
    assert find(row([sign(4, 0.8)])) == (["4"], 0)
    assert find(row([letter()])) == ([""], 0)


@pytest.mark.parametrize("gap, read", [(12, "42"), (7, "")])
def test_a_number_is_parted_from_a_word_by_a_gap_that_is_clearly_wider_than_those_of_its_letters(gap, read):
    assert find(row([letter()] * 5, [digit(4), digit(2)], gap=3, apart=gap))[0] == [read]


def test_a_word_whose_letters_are_as_far_apart_is_not_parted_from_what_follows():
    assert find(row([letter()] * 5, [digit(4), digit(2)], gap=9, apart=12))[0] == [""]


@pytest.mark.parametrize("space, read", [(17, "155"), (30, "55")])
def test_a_gap_in_a_word_that_is_much_narrower_than_the_spaces_of_its_line_parts_nothing(space, read):
    """It is 12 pixels: 17 are not one and a half times that, but 30 are."""
    word = row([letter()] * 5, [digit(1)], gap=3, apart=12)
    number = row([digit(5), digit(5)])
    end = word[-1].box[0] + NARROW + space
    assert find(word + [piece._replace(box=(end + piece.box[0], *piece.box[1:])) for piece in number])[0] == [read]


@pytest.mark.parametrize("letters, read", [(2, ""), (3, "42")])
def test_what_is_parted_from_a_number_has_the_letters_of_a_word(letters, read):
    assert find(row([letter()] * letters, [digit(4), digit(2)], gap=3, apart=12))[0] == [read]


@pytest.mark.parametrize("words, read", [(3, "8"), (9, "")])
def test_words_in_its_column_outvote_a_digit_if_they_are_more_than_the_labels_of_a_list(words, read):
    assert find(row(WORD, [sign(8, 0.9997)]), *[row(WORD, WORD)] * words)[0][0] == read


def test_the_other_numbers_and_words_of_the_page_decide_about_a_doubtful_one():
    doubtful = row([sign(4, 0.8), sign(2, 0.8)])
    numbers, words = [row([digit(5), digit(6)])] * 9, [row(WORD)] * 3
    assert find(doubtful, *numbers)[0][0] == "42"
    assert find(doubtful, *words)[0][0] == ""
    assert find(row([digit(5), digit(6)]), *words)[0][0] == "56"


def test_a_doubtful_piece_alone_in_its_line_is_no_number_for_the_others_sake():
    numbers = [row([digit(5), digit(6)])] * 9
    assert find(row([sign(4, 0.9)]), *numbers)[0][0] == ""
    assert find(row([sign(4, 0.9)], [digit(7)]), *numbers)[0][0] == "47"
    assert find(row([digit(4)]), *numbers)[0][0] == "4"


def test_a_page_of_nothing_but_likely_digits_is_read():
    four, two, nine = (sign(value, 0.95, second=1 / 9) for value in (4, 2, 9))  # or no digits
    likely = row([digit(5), four, two, nine])
    assert find(likely, likely) == (["5429", "5429"], 0)
    assert find(likely, likely, *[row(WORD)] * 3)[0] == [""] * 5


@pytest.mark.parametrize("letters, told", [(2, 0), (3, 3)])
def test_a_word_has_three_letters(letters, told):
    assert find(row([letter()] * letters)) == ([""], told)


def cut(*digits):
    """A doubtful piece that was cut into these digits."""
    (placed,) = (row(digits, gap=0),)
    return letter()._replace(box=(0, 0, sum(digit.box[2] for digit in digits), HEIGHT)), placed


def test_digits_that_were_cut_apart_count_as_a_number_if_all_are_sure():
    for others in ([], [row(WORD)] * 3):
        lines = [[cut(digit(4), digit(2))], *([(piece, [piece]) for piece in line] for line in others)]
        assert said(find_numbers(lines, HEIGHT)[0][0]) == "42"
    unsure = [[cut(digit(4), sign(2, 0.9))], *[[(piece, [piece]) for piece in row(WORD)]] * 3]
    assert said(find_numbers(unsure, HEIGHT)[0][0]) == ""


def test_a_piece_in_which_no_digit_was_found_leaves_its_neighbours():
    left, middle, right = row([digit(7), letter(), digit(4)])
    ((digits,), letters) = find_numbers([[(left, [left]), (middle, []), (right, [right])]], HEIGHT)
    assert said(digits) == "7 4" and letters == []


def spaced(*lines):
    """Lines of digits as texts, with a space where another number begins."""
    return [said(line) for line in space_numbers(lines)]


def numbers(text, gap=8, apart=40):
    """The digits of a text, its numbers this many pixels apart."""
    return row(*([digit(int(letter)) for letter in number] for number in text.split()), gap=gap, apart=apart)


@pytest.mark.parametrize("text", ["10 10 8", "7 12", "123 456", "11 11 11", "5 55", "2026"])
def test_numbers_are_told_by_wider_gaps(text):
    assert spaced(numbers(text)) == [text]


@pytest.mark.parametrize("gap", [0, 8, 20, 60, 200])
def test_even_gaps_are_no_spaces(gap):
    assert spaced(numbers("314159", gap)) == ["314159"]


def test_even_cells_with_narrow_digits_in_them_are_no_spaces():
    line = [
        digit(value)._replace(box=(40 * i + (40 - wide) // 2, 0, wide, HEIGHT))
        for i, (value, wide) in enumerate([(3, 34), (5, 34), (1, 6), (1, 6), (4, 34), (1, 6)])
    ]
    assert spaced(line) == ["351141"]


def test_a_gap_is_a_space_only_where_it_is_wide_and_wider_than_others():
    assert spaced(numbers("12 34", gap=0, apart=16)) == ["1234"]  # less than half a digit
    assert spaced(numbers("12 34", gap=0, apart=24)) == ["12 34"]
    assert spaced(numbers("12 34", gap=20, apart=28)) == ["1234"]  # less than one and a half times the others


@pytest.mark.parametrize("apart", [60, 240])
def test_however_wide_one_gap_is_a_narrower_one_stays_a_space(apart):
    first, second = numbers("24 53"), numbers("78")
    right = first[-1].box[0] + first[-1].box[2]
    second = [one._replace(box=(one.box[0] - second[0].box[0] + right + apart, *one.box[1:])) for one in second]
    assert spaced([*first, *second]) == ["24 53 78"]


def test_two_digits_alone_are_measured_by_the_gaps_of_the_page():
    apart, close = numbers("4 2"), numbers("42")
    assert spaced(apart, numbers("135")) == ["4 2", "135"]
    assert spaced(close, numbers("135")) == ["42", "135"]
    assert spaced(apart, apart, close) == ["4 2", "4 2", "42"]
    assert spaced(apart) == ["42"]


def test_a_space_between_narrow_digits_is_seen_beside_wide_ones():
    line, x = [], 0
    for value, wide, gap in (8, 36, 0), (8, 36, 8), (1, 6, 8), (1, 6, 8), (1, 6, 40):
        x += gap
        line.append(digit(value)._replace(box=(x, 0, wide, HEIGHT)))
        x += wide
    assert spaced(line) == ["8811 1"]


def test_what_already_is_spaced_stays_so_but_for_the_first_digit():
    line = [digit._replace(is_spaced=i in (0, 2)) for i, digit in enumerate(numbers("1234"))]
    assert spaced(line) == ["12 34"]


def test_empty_lines_and_single_digits():
    assert spaced([], numbers("7"), []) == ["", "7", ""]
    assert spaced() == []


def column(pieces, gap=8):
    """Pieces one below the other."""
    return [piece._replace(box=(0, i * (HEIGHT + gap), *piece.box[2:])) for i, piece in enumerate(pieces)]


def test_words_that_run_up_the_page_are_dropped_with_the_letters_that_look_like_digits():
    word, number = column([*WORD, letter(), letter()]), [digit(5)._replace(box=(300, 0, 24, HEIGHT))]
    assert without_upright_words(word + number, HEIGHT) == number


def test_in_a_line_of_small_print_a_word_and_a_number_are_as_far_apart_as_their_size_says():
    word, number = [letter(high=12)] * 5, [digit(value)._replace(ink=np.full((12, 8), 255)) for value in (4, 5, 6)]
    line = [
        piece._replace(box=(12 * i + 8 * (i > 4), 0, 8, 12)) for i, piece in enumerate([*word, *number])
    ]  # 12 pixels apart, which is much less than the width of a large digit
    assert find(line, row([digit(7), digit(8)])) == (["456", "78"], 5)


def test_lines_of_small_letters_one_below_the_other_are_no_word_that_runs_up_the_page():
    ink = np.full((12, 12), 255, np.uint8)
    small = [letter()._replace(box=(10 * i, 50 * k, 12, 12), ink=ink) for k in range(3) for i in range(7)]
    numbers = [digit(5)._replace(box=(140, 50 * k - 10, 24, HEIGHT)) for k in range(3)]
    assert without_upright_words(small + numbers, HEIGHT) == small + numbers


def test_columns_of_digits_and_fractions_stay():
    for pieces in column([digit(1)] * 9), column([letter(), digit(3), letter(), letter()]), column(WORD + WORD, gap=30):
        assert without_upright_words(pieces, HEIGHT) == pieces
