"""utils/lattice.py: touching digits are cut where a scripted network says, junk is dropped, digits are left whole."""

import cv2
import numpy as np
import pytest

from utils.frame import center_digit
from utils.lattice import (
    RUN,
    TRIED,
    Run,
    best_path,
    between,
    cut_digits,
    find_cuts,
    may_be_several,
    part_digits,
    propose,
    too_short,
)
from utils.segment import Piece, cut_pieces, join

HEIGHT = 40
APART = 3  # pixels
DOUBT = np.full(10, 0.1)


def answer(value, confidence):
    """Ten probabilities, the others all alike."""
    probabilities = np.full(10, (1 - confidence) / 9)
    probabilities[value] = confidence
    return probabilities


def script(known):
    """A network that knows the pieces given, {(value, confidence): piece}, and doubts everything else."""
    crops = [(answer(*name), center_digit(piece.ink).astype(float)) for name, piece in known.items()]

    def look(pieces):
        look.asked += len(pieces)
        return [piece._replace(answer=of(center_digit(piece.ink))) for piece in pieces]

    def of(crop):
        distances = [np.abs(crop - known).mean() for _, known in crops]
        return crops[int(np.argmin(distances))][0] if distances and min(distances) <= 8 else DOUBT

    look.asked = 0
    return look


def ring(mask, x, y=10, wide=28, height=HEIGHT):
    return cv2.ellipse(mask, (x + wide // 2, y + height // 2), (wide // 2 - 2, height // 2 - 2), 0, 0, 360, 255, 4)


def blank(width=200):
    return np.zeros((60, width), np.uint8)


def bar(x, y=10, w=6, h=HEIGHT):
    return Piece((x, y, w, h), np.full((h, w), 255, np.uint8), 2 * w * h / (2 * w + 2 * h), answer=DOUBT)


def only(mask):
    (piece,) = cut_pieces(mask)
    return piece._replace(answer=DOUBT)


ZERO = only(ring(blank(), 10))
PAIR = only(cv2.line(ring(ring(blank(), 10), 42), (37, 30), (44, 30), 255, 3))
BETWEEN = 27, 34  # columns of the pair
CROSS = only(cv2.line(cv2.line(blank(), (20, 12), (55, 48), 255, 4), (55, 12), (20, 48), 255, 4))


def read(piece, known):
    """The values and boxes of the digits in a piece."""
    look = script(known)
    (((_, digits),),) = part_digits([look([piece])], HEIGHT, look)
    return [(digit.value, digit.box) for digit in digits]


def upright(*columns, height=HEIGHT):
    """Upright cuts at these columns, as `find_cuts` gives them."""
    return np.repeat(np.float32(columns)[:, None], height, axis=1)


def slices(piece, *columns):
    """The slices of a piece that is cut upright at these columns."""
    edges = [-np.inf, *columns, np.inf]
    return [between(piece, *upright(left, right, height=piece.height)) for left, right in zip(edges, edges[1:])]


def test_a_cut_passes_between_two_touching_digits():
    cuts = find_cuts(PAIR.ink, APART)
    assert cuts.shape[1] == PAIR.height and cuts.dtype == np.float32
    inside = [cut for cut in cuts if BETWEEN[0] <= cut.min() and cut.max() <= BETWEEN[1]]
    crossed = [np.count_nonzero(PAIR.ink[np.arange(PAIR.height), cut.round().astype(int)]) for cut in inside]
    assert crossed and min(crossed) <= 5


def test_cuts_run_from_left_to_right_apart_from_each_other_and_from_the_ends():
    ink = np.full((40, 200), 255, np.uint8)
    ink[:, ::10] = 0
    means = find_cuts(ink, 15).mean(axis=1)
    assert len(means) == 12
    assert np.diff([0, *means, 200]).min() >= 12


@pytest.mark.parametrize("lean", [-0.4, -0.2, 0, 0.2, 0.4])
def test_a_cut_leans_as_the_gap_does(lean):
    columns, rows = np.meshgrid(np.arange(60), np.arange(40))
    gap = 29.5 + lean * (19.5 - rows)
    ink = np.where(np.abs(columns - gap) > 1, 255, 0).astype(np.uint8)
    crossed = [np.count_nonzero(ink[np.arange(40), cut.round().clip(0, 59).astype(int)]) for cut in find_cuts(ink, 3)]
    assert crossed[len(crossed) // 2] == 0 == min(crossed)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3), (500, 40)])
def test_cuts_of_any_shape(shape):
    cuts = find_cuts(np.full(shape, 255, np.uint8), 8)
    assert len(cuts) and cuts.shape[1:] == shape[:1] and np.isfinite(cuts).all()


def test_a_cut_is_offered_where_rounded_digits_touch_however_long_the_touch():
    mask = blank()
    for x in 10, 34, 58:
        ring(mask, x)
    cuts = find_cuts(only(mask).ink, APART)
    assert [touch for touch in (26, 50) if all(np.abs(cut - touch).max() > 2 for cut in cuts)] == []


@pytest.mark.parametrize("piece", [PAIR, ZERO, CROSS, bar(10)])
def test_what_lies_left_and_right_of_a_cut_is_all_ink_once(piece):
    side = np.full(piece.height, np.inf)
    for cut in find_cuts(piece.ink, 5):
        parts = between(piece, -side, cut), between(piece, cut, side)
        assert sum(cv2.countNonZero(part.ink) for part in parts) == cv2.countNonZero(piece.ink)
        whole = np.zeros_like(piece.ink)
        for part in parts:
            x, y, w, h = np.subtract(part.box, (*piece.box[:2], 0, 0))
            assert part.ink.shape == (h, w)
            whole[y : y + h, x : x + w] |= part.ink
        assert np.array_equal(whole, piece.ink)


def test_every_run_of_slices_is_offered_once_and_the_whole_piece_as_it_is():
    piece = bar(10, w=36)
    runs = propose(piece, upright(8, 17, 26))
    spans = sorted((run.first, run.last) for run in runs)
    assert spans == [(a, b) for a in range(4) for b in range(a + 1, 5)]
    assert [run.piece is piece for run in runs if (run.first, run.last) == (0, 4)] == [True]
    boxes = {(run.first, run.last): run.piece.box for run in runs}
    assert boxes[0, 1] == (10, 10, 9, HEIGHT) and boxes[1, 3] == (19, 10, 18, HEIGHT)


def test_no_run_is_longer_than_a_digit_is_wide():
    spans = {(run.first, run.last) for run in propose(bar(0, w=200), upright(*range(10, 200, 10)))}
    assert max(b - a for a, b in spans - {(0, 20)}) == RUN


def test_where_two_cuts_cross_there_may_be_no_ink_between_them():
    runs = propose(bar(0, w=30), np.array([np.full(HEIGHT, 20.0), np.full(HEIGHT, 10.0)]))
    assert sorted((run.first, run.last) for run in runs) == [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    "wide, high, confidence, expected",
    [
        (30, 40, 0.90, True),
        (30, 40, 0.99, False),  # known
        (18, 40, 0.30, False),  # narrow
        (50, 40, 0.99, True),  # wider than any digit
        (50, 18, 0.30, False),  # a dash
    ],
)
def test_what_may_be_several_digits_is_wide_or_doubtful(wide, high, confidence, expected):
    assert may_be_several(bar(0, 0, wide, high)._replace(answer=answer(3, confidence)), HEIGHT) == expected


def test_a_touching_pair_is_cut():
    (left, left_box), (right, right_box) = read(PAIR, {(0, 0.99): ZERO})
    assert (left, right) == (0, 0)
    assert left_box == pytest.approx(ZERO.box, abs=3)
    assert right_box == pytest.approx((42, *ZERO.box[1:]), abs=3)


def test_a_digit_that_the_network_knows_is_not_cut():
    assert read(ZERO, {(0, 0.97): ZERO}) == [(0, ZERO.box)]


def test_lines_and_their_pieces_keep_their_order_and_what_is_not_cut_is_itself():
    look = script({(0, 0.99): ZERO})
    small, pair, zero = look([bar(0), PAIR, ZERO])
    lines = part_digits([[small, pair], [], [zero]], HEIGHT, look)
    assert [[piece for piece, _ in line] for line in lines] == [[small, pair], [], [zero]]
    assert [[len(digits) for _, digits in line] for line in lines] == [[1, 2], [], [1]]
    assert lines[0][0][1][0] is small and lines[2][0][1][0] is zero
    assert part_digits([], HEIGHT, look) == []


def test_what_is_beyond_doubt_is_not_looked_at_again():
    look = script({(0, 0.99): ZERO})
    line = look([ZERO] * 50)
    part_digits([line], HEIGHT, look)
    assert look.asked == 50


@pytest.mark.parametrize("halves, cut", [(0.99999, TRIED + 1), (0.1, 0)])
def test_of_many_doubtful_pieces_some_are_tried_and_tell_whether_all_are_cut(halves, cut):
    shown = 0

    def look(pieces):
        nonlocal shown
        shown += len(pieces)
        return [piece._replace(answer=answer(0, halves if 26 < piece.box[2] < 34 else 0.1)) for piece in pieces]

    pairs = [PAIR._replace(box=(200 * i, *PAIR.box[1:])) for i in range(TRIED + 1)]
    (line,) = part_digits([pairs], HEIGHT, look)
    each = len(propose(PAIR, find_cuts(PAIR.ink, 0.08 * HEIGHT)))
    assert sum(len(digits) == 2 for _, digits in line) == cut
    assert (shown > TRIED * each) == (cut > 0)


def test_junk_has_no_digits():
    assert read(CROSS, {}) == []
    assert cut_digits([], HEIGHT, script({})) == {}


def path(answers, wide=40, high=40, height=HEIGHT, piece=None, at=None):
    """The values along the best path through a piece that is cut in two; the answers by (first, last) slice."""
    piece = piece or bar(0, 0, wide, high)
    halves = slices(piece, at or wide / 2)
    parts = {(0, 1): halves[0], (1, 2): halves[1], (0, 2): piece}
    runs = [Run(*span, part._replace(answer=answers.get(span, DOUBT))) for span, part in parts.items()]
    return [digit.value for digit in best_path(piece, 2, runs, height)]


@pytest.mark.parametrize(
    "halves, whole, expected",
    [
        (0.98, 0.3, [2, 4]),
        (0.98, 0.95, [8]),
        (0.9, 0.6, [8]),  # unsure halves are not worth the cut
        (0.99999, 0.999, [2, 4]),  # very sure tells from sure
        (0.999, 0.999, [8]),
    ],
)
def test_a_piece_is_cut_where_both_halves_are_much_surer_digits(halves, whole, expected):
    assert path({(0, 1): answer(2, halves), (1, 2): answer(4, halves), (0, 2): answer(8, whole)}) == expected


def test_in_a_long_row_of_touching_digits_a_cut_is_no_dearer_than_in_a_pair():
    piece = bar(0, 0, 120, 40)
    parts = slices(piece, 14, 44, 80)
    runs = [Run(i, i + 1, part._replace(answer=answer(i, 0.99999))) for i, part in enumerate(parts)]
    runs += [Run(0, 2, join(parts[:2])._replace(answer=answer(9, 0.99))), Run(0, 4, piece)]
    assert [digit.value for digit in best_path(piece, 4, runs, HEIGHT)] == [0, 1, 2, 3]


def test_doubt_which_digit_the_whole_is_does_not_make_it_several():
    halves = {(0, 1): answer(2, 0.999), (1, 2): answer(4, 0.999)}
    either = answer(8, 0.6)
    either[[6, *range(6), 7, 9]] = 0.396, *[0.0005] * 8
    assert path({**halves, (0, 2): either}) == [8]
    assert path({**halves, (0, 2): answer(8, 0.6)}) == [2, 4]


def test_a_half_alone_is_a_digit_only_where_the_whole_is_none():
    assert path({(1, 2): answer(4, 0.999), (0, 2): answer(8, 0.9)}) == [8]
    assert path({(1, 2): answer(4, 0.99999), (0, 2): answer(8, 0.15)}) == [4]
    assert path({}) == []


def test_the_arms_of_a_tick_are_no_1s_but_two_1s_that_lean_alike_are():
    def tick(*points):
        return cut_pieces(cv2.polylines(blank(60), [np.array(points)], False, 255, 3))[0]

    ones = {(0, 1): answer(1, 0.999), (1, 2): answer(1, 0.999)}
    assert path(ones) == [1, 1]
    assert path(ones, piece=tick((4, 10), (24, 50), (50, 10)), at=20) == []
    doubtful = {(0, 1): answer(8, 0.8), (1, 2): answer(1, 0.99999)}
    assert path(doubtful) == [8, 1]
    assert path(doubtful, piece=tick((4, 10), (24, 50), (50, 10)), at=20) == []
    assert path({(1, 2): answer(1, 0.99999)}, piece=tick((4, 35), (14, 50), (45, 10)), at=10) == []


def test_the_head_of_an_arrow_is_no_digit_though_a_half_may_be():
    head = {(1, 2): answer(3, 0.99999)}
    assert path(head, wide=60, at=20) == [3]
    assert path(head, wide=60, at=40) == []


def test_a_narrow_piece_is_seldom_two_digits():
    answers = {(0, 1): answer(2, 0.99), (1, 2): answer(4, 0.99), (0, 2): answer(8, 0.4)}
    assert path(answers, wide=40) == [2, 4]
    assert path(answers, wide=20) == [8]


def test_a_digit_is_seldom_much_wider_than_high():
    answers = {(0, 1): answer(2, 0.99), (1, 2): answer(4, 0.99), (0, 2): answer(8, 0.995)}
    assert path(answers, wide=40) == [8]
    assert path(answers, wide=80) == [2, 4]


def test_what_is_too_low_for_a_digit_must_be_all_the_surer():
    assert too_short(bar(0, h=20), HEIGHT) == 0 < too_short(bar(0, h=16), HEIGHT) < too_short(bar(0, h=8), HEIGHT)
    assert path({(0, 2): answer(8, 0.9)}, wide=20, high=20) == [8]
    assert path({(0, 2): answer(8, 0.9)}, wide=8, high=8) == []
