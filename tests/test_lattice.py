"""utils/lattice.py: touching digits cut, fragments joined, junk and words dropped, as a scripted network answers."""

import cv2
import numpy as np
import pytest

from utils.lattice import CUTS, Slice, best_path, classify, cut_line, find_seams, propose, read_lines, slice_piece
from utils.segment import Piece, center_digit, join, pieces

HEIGHT = 40
OTHER = np.full(10, 0.1, np.float32)  # a network in doubt


class Script:
    """A network that knows the pieces given, {(value, confidence): piece}, and doubts everything else."""

    def __init__(self, known):
        self.known = [(value, confidence, center_digit(piece.ink)) for (value, confidence), piece in known.items()]
        self.shown = 0

    def predict(self, crops):
        assert crops.dtype == np.uint8 and crops.shape[1:] == (28, 28)
        self.shown += len(crops)
        return np.array([self.answer(crop) for crop in crops], np.float32).reshape(-1, 10)

    def answer(self, crop):
        distances = [np.abs(crop.astype(float) - known).mean() for _, _, known in self.known]
        if not distances or min(distances) > 8:
            return OTHER
        value, confidence, _ = self.known[int(np.argmin(distances))]
        answer = np.full(10, (1 - confidence) / 9)
        answer[value] = confidence
        return answer


def ring(mask, x, y=10, wide=28, height=HEIGHT):
    cv2.ellipse(mask, (x + wide // 2, y + height // 2), (wide // 2 - 2, height // 2 - 2), 0, 0, 360, 255, 4)
    return mask


def blank(width=200):
    return np.zeros((60, width), np.uint8)


def bar(x, y=10, w=6, h=HEIGHT):
    return Piece((x, y, w, h), np.full((h, w), 255, np.uint8), 2 * w * h / (2 * w + 2 * h))


def only(mask):
    (piece,) = pieces(mask)
    return piece


ZERO = only(ring(blank(), 10))
PAIR = only(cv2.line(ring(ring(blank(), 10), 42), (37, 30), (44, 30), 255, 3))
BETWEEN = 27, 34  # columns of the pair
CROSS = only(cv2.line(cv2.line(blank(), (20, 12), (45, 48), 255, 4), (45, 12), (20, 48), 255, 4))


def read(line, known):
    (digits,) = read_lines([line], HEIGHT, Script(known))
    return digits


def test_what_the_network_knows_is_read_with_its_confidence_box_and_crop():
    (digit,) = read([ZERO], {(0, 0.97): ZERO})
    assert digit.value == 0 and digit.confidence == pytest.approx(0.97)
    assert digit.box == ZERO.box
    assert np.array_equal(digit.crop, center_digit(ZERO.ink))


def test_lines_keep_their_order_and_may_be_empty():
    line = [ZERO, bar(60), bar(100)]
    known = {(0, 0.97): ZERO, (1, 0.96): bar(60)}
    read = read_lines([line, [], [bar(30)]], HEIGHT, Script(known))
    assert [[digit.value for digit in digits] for digits in read] == [[0, 1, 1], [], [1]]
    assert [digit.box[0] for digit in read[0]] == [ZERO.box[0], 60, 100]
    assert read_lines([], HEIGHT, Script(known)) == []


def test_nothing_to_classify_is_no_trouble():
    crops, answers = classify([], Script({}))
    assert crops.shape == (0, 28, 28) and crops.dtype == np.uint8 and answers.shape == (0, 10)


def test_a_seam_passes_between_two_touching_digits():
    seams = find_seams(PAIR.ink, 0.22 * HEIGHT)
    assert all(seam.shape == (PAIR.height,) and seam.dtype == np.float32 for seam in seams)
    (between,) = [seam for seam in seams if BETWEEN[0] <= seam.min() and seam.max() <= BETWEEN[1]]
    crossed = PAIR.ink[np.arange(PAIR.height), between.astype(int)]
    assert np.count_nonzero(crossed) <= 5


def test_seams_run_from_left_to_right_apart_from_each_other_and_from_the_ends():
    ink = np.full((40, 200), 255, np.uint8)
    ink[:, ::10] = 0
    means = [float(seam.mean()) for seam in find_seams(ink, 15)]
    assert 2 <= len(means) <= CUTS
    assert np.diff([0, *means, 200]).min() >= 12


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3), (500, 40)])
def test_seams_of_any_shape(shape):
    for seam in find_seams(np.full(shape, 255, np.uint8), 8):
        assert seam.shape == shape[:1] and np.isfinite(seam).all()


@pytest.mark.parametrize("piece", [PAIR, ZERO, CROSS, bar(10)])
def test_slices_cover_all_ink_once(piece):
    slices = slice_piece(piece, find_seams(piece.ink, 5), 0)
    assert sum(cv2.countNonZero(part.ink) for part in slices) == cv2.countNonZero(piece.ink)
    whole = np.zeros_like(piece.ink)
    for part in slices:
        x, y, w, h = np.subtract(part.box, (*piece.box[:2], 0, 0))
        assert part.ink.shape == (h, w)
        assert not (whole[y : y + h, x : x + w] & part.ink).any()
        whole[y : y + h, x : x + w] |= part.ink
    assert np.array_equal(whole, piece.ink)


def test_shared_ink_goes_to_both_sides_of_a_seam():
    block = bar(0, 0, 40, 40)
    left, right = slice_piece(block, [np.full(40, 20.0)], 4)
    assert left.box[2] + right.box[2] == pytest.approx(48, abs=1)
    assert left.box[0] == 0 and right.box[0] + right.box[2] == 40


def test_a_touching_pair_is_cut():
    left, right = read([PAIR], {(0, 0.99): ZERO})
    assert (left.value, right.value) == (0, 0)
    assert left.box == pytest.approx(ZERO.box, abs=3)
    assert right.box == pytest.approx((42, *ZERO.box[1:]), abs=3)


def test_a_wide_digit_that_the_network_knows_is_not_cut():
    digits = read([CROSS], {(8, 0.95): CROSS})
    assert [(digit.value, digit.box) for digit in digits] == [(8, CROSS.box)]


def test_fragments_are_joined():
    upper, lower = bar(60, 10, 20, 5), bar(67, 19, 6, 31)
    seven = join([upper, lower])
    digits = read([ZERO, upper, lower], {(0, 0.99): ZERO, (7, 0.95): seven})
    assert [(digit.value, digit.box) for digit in digits] == [(0, ZERO.box), (7, seven.box)]


def test_what_stands_apart_is_not_joined():
    far = [bar(60), bar(100)]
    digits = read(far, {(1, 0.9): bar(0), (4, 0.999): join(far)})
    assert [digit.value for digit in digits] == [1, 1]


def test_a_cut_is_offered_where_rounded_digits_touch_however_long_the_touch(monkeypatch):
    mask = blank()
    for x in 10, 34, 58:
        ring(mask, x)
    touches = [26, 50]

    def missed():
        seams = find_seams(only(mask).ink, 0.08 * HEIGHT)
        return [x for x in touches if all(np.abs(seam - x).max() > 2 for seam in seams)]

    assert missed() == []
    monkeypatch.setattr("utils.lattice.ENTER", 0)
    monkeypatch.setattr("utils.lattice.INK", 1)
    assert missed() == touches


def test_junk_between_digits_is_skipped():
    digits = read([ZERO, CROSS._replace(box=(70, 10, *CROSS.box[2:])), bar(130)], {(0, 0.98): ZERO, (1, 0.98): bar(0)})
    assert [(digit.value, digit.box[0]) for digit in digits] == [(0, ZERO.box[0]), (1, 130)]


def test_junk_alone_is_no_line():
    assert read([CROSS], {}) == []


def test_a_word_is_dropped_and_a_number_is_not():
    line = [ZERO, bar(80), bar(130)]
    assert read(line, {(0, 0.5): ZERO, (1, 0.5): bar(0)}) == []
    assert len(read(line, {(0, 0.8): ZERO, (1, 0.8): bar(0)})) == 3


def test_a_dash_is_no_one():
    dash = bar(60, 28, 20, 5)
    digits = read([ZERO, dash], {(0, 0.98): ZERO, (1, 0.8): dash})
    assert [digit.value for digit in digits] == [0]


def test_the_network_sees_few_candidates():
    """Fifty digits that stand apart are each looked at a few times, not in every combination."""
    script = Script({(1, 0.99): bar(0)})
    (digits,) = read_lines([[bar(60 * i) for i in range(50)]], HEIGHT, script)
    assert len(digits) == 50 and script.shown <= 150


def test_every_slice_has_a_candidate_of_its_own():
    slices = cut_line([ZERO, PAIR], [0.99, 0.2], HEIGHT)
    candidates = propose(slices, HEIGHT)
    assert len(slices) > 2
    assert {(i, i + 1) for i in range(len(slices))} <= {(c.first, c.last) for c in candidates}
    assert (1, len(slices)) in {(c.first, c.last) for c in candidates}
    assert sum(s.share for s in slices) == pytest.approx(2)


def test_the_best_path_takes_the_more_probable_of_two_explanations():
    parts = [bar(60), bar(72)]
    slices = [Slice(p, p, i, 1.0, 2.0) for i, p in enumerate(parts)]
    candidates = propose(slices, HEIGHT)
    crops = np.zeros((len(candidates), 28, 28), np.uint8)

    def read_as(apart, together):
        answers = np.tile(OTHER, (len(candidates), 1))
        for answer, (first, last, _) in zip(answers, candidates, strict=True):
            answer[{1: 1, 2: 4}[last - first]] = {1: apart, 2: together}[last - first]
        return [digit.value for digit in best_path(slices, candidates, crops, answers, HEIGHT)]

    assert read_as(apart=0.95, together=0.5) == [1, 1]
    assert read_as(apart=0.5, together=0.95) == [4]


@pytest.mark.parametrize(
    ("value", "halves", "whole", "expected"),
    [
        (2, 0.98, 0.85, [2, 4]),
        (2, 0.98, 0.95, [8]),
        (2, 0.99999, 0.999, [2, 4]),  # very sure tells from sure
        (2, 0.999, 0.999, [8]),
        (None, 0.98, 0.45, [8]),  # what is cut off is seldom nothing
        (None, 0.98, 0.4, [4]),
    ],
)
def test_a_piece_is_cut_where_both_halves_are_much_surer_digits(value, halves, whole, expected):
    slices = [Slice(p, p, 0, 0.5, 1.4) for p in (bar(60), bar(72))]
    candidates = propose(slices, HEIGHT)
    answers = np.tile(OTHER, (len(candidates), 1))
    for answer, (first, last, _) in zip(answers, candidates, strict=True):
        if (first, last) == (0, 1) and value is None:
            continue
        answer[{(0, 1): value, (1, 2): 4, (0, 2): 8}[first, last]] = whole if last - first == 2 else halves
    crops = np.zeros((len(candidates), 28, 28), np.uint8)
    assert [digit.value for digit in best_path(slices, candidates, crops, answers, HEIGHT)] == expected
