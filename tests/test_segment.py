"""utils/segment.py: pieces of ink, what they say as digits; hollow ones filled, broken ones mended."""

import cv2
import numpy as np
import pytest
from conftest import answer

from utils.boxes import overlap
from utils.segment import (
    BAR,
    Piece,
    clusters,
    cut_pieces,
    digit_sized,
    fill_outlines,
    join,
    logit,
    mend,
    paint,
    spans_rows,
    typical_height,
    typical_stroke,
    weighted_median,
    without_holes,
)

SHAPE = 300, 500


def mask_of(*boxes, shape=SHAPE):
    """Ink that fills the boxes (x, y, width, height)."""
    mask = np.zeros(shape, np.uint8)
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w] = 255
    return mask


def piece(x, y, w, h, value=7, confidence=0.5):
    """A block that the network has seen."""
    ink = np.full((h, w), 255, np.uint8)
    return Piece((x, y, w, h), ink, 2 * w * h / (2 * w + 2 * h), answer=answer(value, confidence))


def boxes_of(pieces):
    return sorted(piece.box for piece in pieces)


def test_overlap_is_1_for_the_same_box_and_0_for_one_beside_it():
    others = np.array([(10, 20, 30, 40), (10, 20, 30, 20), (25, 20, 30, 40), (40, 20, 30, 40), (90, 90, 5, 5)])
    assert overlap((10, 20, 30, 40), others).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 0, 0])
    assert overlap((10, 20, 30, 40), others[:0]).shape == (0,)


def test_a_sure_digit_is_no_speck_however_small_it_is_beside_others():
    large, small = piece(10, 20, 60, 200, confidence=0.99), piece(200, 20, 6, 12, confidence=0.9999)
    assert boxes_of(digit_sized([large, small, piece(250, 20, 6, 12, confidence=0.99)])) == [large.box, small.box]


def test_what_makes_a_word_with_a_small_sure_digit_stays_lest_a_letter_pass_for_a_number():
    large, sure = piece(10, 20, 60, 200, confidence=0.99), piece(200, 22, 8, 12, value=0, confidence=0.9999)
    letters = [piece(189, 20, 8, 14), piece(178, 22, 8, 12), piece(211, 22, 8, 12)]  # both sides, and the next but one
    others = [piece(230, 22, 8, 12), piece(200, 40, 8, 12), piece(209, 31, 2, 3)]  # apart, below, and a dot
    kept = boxes_of(digit_sized([large, sure, *letters, *others]))
    assert kept == boxes_of([large, sure, *letters])
    assert digit_sized([large, *letters, *others]) == [large]


def test_pieces_are_the_connected_ink():
    mask = mask_of((10, 20, 30, 5), (100, 50, 4, 40))
    cv2.line(mask, (200, 100), (219, 119), 255)
    found = sorted(cut_pieces(mask))
    assert [piece.box for piece in found] == [(10, 20, 30, 5), (100, 50, 4, 40), (200, 100, 20, 20)]
    assert all(piece.ink.shape == piece.box[3:1:-1] for piece in found)
    assert np.array_equal(found[2].ink, 255 * np.eye(20, dtype=np.uint8))
    assert found[0].stroke == pytest.approx(2 * 150 / 66, rel=0.01)


def test_a_piece_has_no_ink_of_another_in_its_box():
    mask = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 25, 255, 3)
    mask[28:33, 28:33] = 255
    ring, dot = sorted(cut_pieces(mask), key=lambda piece: -piece.size)
    assert dot.box == (28, 28, 5, 5) and dot.ink.all()
    assert not ring.ink[15:38, 15:38].any()


def test_a_single_pixel_is_no_piece():
    assert boxes_of(cut_pieces(mask_of((3, 3, 1, 1), (9, 3, 2, 1), (14, 3, 1, 2)))) == [(9, 3, 2, 1), (14, 3, 1, 2)]


@pytest.mark.parametrize("shape", [(200, 300), (1, 1), (1, 60), (60, 1), (2, 900)])
def test_blank_and_full_masks_of_any_shape(shape):
    assert cut_pieces(np.zeros(shape, np.uint8)) == []
    full = cut_pieces(np.full(shape, 255, np.uint8))
    assert boxes_of(full) == [(0, 0, *shape[::-1])] * (max(shape) > 1)


def test_pieces_are_painted_into_the_mask_that_they_were_cut_from():
    mask = cv2.circle(mask_of((10, 20, 30, 5), (250, 148, 5, 5)), (252, 150), 25, 255, 3)
    assert np.array_equal(paint(cut_pieces(mask), mask.shape), mask)
    assert not paint([], (3, 4)).any() and paint([], (3, 4)).shape == (3, 4)


def test_joined_pieces_keep_their_places():
    whole = join([piece(10, 30, 4, 2), piece(12, 20, 1, 12)])
    assert whole.box == (10, 20, 4, 12)
    assert np.array_equal(whole.ink > 0, np.array([[0, 0, 1, 0]] * 10 + [[1, 1, 1, 1]] * 2))
    assert whole.answer is None and whole.stroke == piece(12, 20, 1, 12).stroke


def test_a_piece_says_what_the_network_answered():
    seven, one = piece(5, 6, 20, 40, 7, 0.95), piece(5, 6, 60, 40, 1, 0.95)
    assert (seven.value, seven.confidence, seven.height, seven.size) == (7, 0.95, 40, 40)
    assert (one.value, one.confidence, one.height, one.size) == (1, 0.95, 40, 60)


@pytest.mark.parametrize("value, confidence, known", [(7, 0.95, True), (7, 0.85, False), (1, 0.9999, False)])
def test_a_sure_digit_is_known_but_a_1_never(value, confidence, known):
    assert piece(0, 0, 20, 40, value, confidence).known == known


def test_evidence_is_the_log_odds_by_the_size_and_a_1_speaks_less():
    assert piece(0, 0, 20, 40, 7, 0.9).evidence == pytest.approx(40 * np.log(9))
    assert piece(0, 0, 60, 40, 7, 0.9).evidence == pytest.approx(60 * np.log(9))
    assert piece(0, 0, 20, 40, 1, 0.9).evidence == pytest.approx(BAR * 40 * np.log(9))
    assert piece(0, 0, 20, 40, 7, 0.4).evidence == 0


def test_log_odds_of_certainty_are_finite():
    assert [logit(0.1), logit(0.5), logit(0.9)] == pytest.approx([-np.log(9), 0, np.log(9)])
    assert np.isfinite([logit(0), logit(1)]).all() and logit(0) < logit(0.1) < logit(0.99) < logit(1)


@pytest.mark.parametrize(
    "values, weights, median",
    [([7], [0.1], 7), ([3, 1, 2], [1, 1, 1], 2), ([1, 2, 10], [1, 1, 5], 10), ([5, 1, 9], [0, 1, 0], 1)],
)
def test_weighted_median(values, weights, median):
    assert weighted_median(values, weights) == median


def test_the_typical_height_is_that_of_known_digits_and_without_any_of_the_surest():
    letters = [piece(50 * i, 0, 20, 90, confidence=0.3) for i in range(9)]
    doubtful = [letter._replace(answer=answer(7, 0.85)) for letter in letters]
    assert typical_height([*doubtful, piece(0, 200, 20, 40, confidence=0.99)]) == 40
    assert typical_height([*letters, piece(0, 200, 20, 40, value=1, confidence=0.99)]) == 40
    assert typical_height(letters) == 90


def test_the_typical_stroke_is_that_of_long_strokes():
    specks = [piece(30 * i, 0, 2, 2) for i in range(9)]
    assert typical_stroke([*specks, piece(0, 100, 10, 80), piece(40, 100, 10, 80)]) == piece(0, 100, 10, 80).stroke


def test_a_finger_on_the_page_has_no_typical_stroke():
    digits, finger = [piece(40 * i, 0, 4, 40, confidence=0.99) for i in range(2)], piece(200, 100, 60, 150)
    assert typical_stroke([*digits, finger]) == digits[0].stroke
    strange = [digit._replace(answer=answer(7, 0.5)) for digit in digits]
    assert typical_stroke([*strange, finger]) == finger.stroke
    thick = piece(200, 100, 60, 150, confidence=0.99)
    assert typical_stroke([*[piece(9 * i, 0, 4, 40) for i in range(50)], thick]) == digits[0].stroke  # in pieces


def test_what_is_too_small_or_too_large_for_a_digit_is_dropped():
    digits = [piece(40 * i, 0, 5, 40, confidence=0.99) for i in range(6)]
    others = [piece(300, 0, 2, 2), piece(300, 50, 5, 200), piece(0, 300, 500, 5), piece(300, 80, 5, 5)]
    assert digit_sized(digits + others) == digits
    assert digit_sized([]) == []


def test_a_pen_and_a_plate_beside_thin_digits_do_not_make_specks_of_them():
    digits = [piece(40 * i, 0, 3, 40, confidence=0.99) for i in range(6)]
    pen, plate = piece(300, 0, 30, 400, confidence=0.3), piece(400, 0, 330, 60, confidence=0.3)
    assert digit_sized([*digits, pen, plate]) == digits


def test_a_digit_that_fills_its_picture_has_its_size():
    assert digit_sized(alone := [piece(0, 0, 200, 300)]) == alone


def test_clusters_bridge_the_gaps_of_a_broken_stroke_only():
    mask = mask_of((50, 50, 6, 20), (50, 73, 6, 20), (150, 50, 6, 40))
    groups = clusters(cut_pieces(mask), mask.shape)
    assert sorted(boxes_of(group) for group in groups) == [
        [(50, 50, 6, 20), (50, 73, 6, 20)],
        [(150, 50, 6, 40)],
    ]
    assert clusters([], mask.shape) == []


# A 7 whose bar and stem have come apart, and another digit beside it.
BAR_OF_7, STEM, OTHER = (50, 50, 30, 6), (74, 60, 6, 34), (150, 50, 6, 44)


def mended(look_at_whole, parts=(0.4, 0.4), boxes=(BAR_OF_7, STEM), value=7):
    """The boxes after mending pieces in these boxes, which the network knows so surely, and their whole."""

    def look(wholes):
        return [whole._replace(answer=answer(7, look_at_whole)) for whole in wholes]

    pieces = [piece(*box, value=value, confidence=confidence) for box, confidence in zip(boxes, parts)]
    return boxes_of(mend([*pieces, piece(*OTHER, value=4, confidence=0.99)], SHAPE, look))


def test_a_broken_digit_is_mended_where_the_network_is_surer_of_the_whole():
    assert mended(0.95) == [(50, 50, 30, 44), OTHER]
    assert mended(0.8, parts=(0.88, 0.88)) == [BAR_OF_7, STEM, OTHER]


def test_fragments_that_look_like_1s_are_joined_to_what_is_known():
    assert mended(0.95, parts=(0.99, 0.99), value=1) == [(50, 50, 30, 44), OTHER]
    assert mended(0.85, parts=(0.99, 0.99), value=1) == [BAR_OF_7, STEM, OTHER]


def test_fragments_that_make_nothing_are_not_joined():
    assert mended(0.55) == [BAR_OF_7, STEM, OTHER]


def test_a_known_digit_takes_up_a_fragment_but_two_known_digits_are_never_joined():
    assert mended(0.99, parts=(0.2, 0.95)) == [(50, 50, 30, 44), OTHER]
    assert mended(0.94, parts=(0.2, 0.95)) == [BAR_OF_7, STEM, OTHER]
    assert mended(0.99999, parts=(0.92, 0.92)) == [BAR_OF_7, STEM, OTHER]


def test_a_sure_digit_takes_no_fragment_in_that_makes_no_other_digit_of_it():
    upper, lower = (50, 50, 30, 24), (74, 76, 6, 24)
    assert mended(0.95, (0.92, 0.2), (upper, lower)) == [(50, 50, 30, 50), OTHER]
    assert mended(0.95, (0.9998, 0.2), (upper, lower)) == [upper, lower, OTHER]
    assert mended(0.95, (0.9998, 0.2), (upper, lower), value=0) == [(50, 50, 30, 50), OTHER]


def test_mending_drops_specks_but_joins_those_in_a_gap():
    speck, far = (52, 58, 3, 2), (300, 200, 3, 2)
    boxes, parts = (BAR_OF_7, STEM, speck, far), (0.4, 0.4, 0.1, 0.1)
    assert mended(0.95, parts, boxes) == [(50, 50, 30, 44), OTHER]
    assert mended(0.3, parts, boxes) == [BAR_OF_7, STEM, OTHER]


def test_a_digit_is_mended_however_many_dots_it_is_in():
    dots = [(50 + 9 * i, 50, 7, 7) for i in range(7)] + [(104, 59 + 9 * i, 7, 7) for i in range(24)]
    assert mended(0.99, [0.1] * len(dots), dots) == [(50, 50, 61, 223), OTHER]
    assert mended(0.5, [0.1] * len(dots), dots) == sorted([*dots, OTHER])


def test_fragments_that_reach_from_one_line_to_the_next_are_not_joined():
    upper, lower = (50, 50, 30, 44), (50, 96, 30, 44)
    assert mended(0.95, boxes=(upper, lower)) == [(50, 50, 30, 90), OTHER]
    beside = (100, 50, 30, 44), (100, 96, 30, 44)
    boxes, parts = (upper, lower, *beside), (0.4, 0.4, 0.99, 0.99)
    assert mended(0.95, parts, boxes) == sorted([*boxes, OTHER])


def test_a_digit_that_fills_the_picture_is_mended_whatever_its_height():
    upper, lower = (50, 10, 80, 160), (50, 173, 80, 110)

    def look(wholes):
        return [whole._replace(answer=answer(8, 0.95)) for whole in wholes]

    for confidence in 0.4, 0.92:  # even if the network knows one of its fragments, as a lower digit
        pieces = [piece(*upper, confidence=0.4), piece(*lower, confidence=confidence)]
        assert boxes_of(mend(pieces, SHAPE, look)) == [(50, 10, 80, 273)]


@pytest.mark.parametrize(
    "others, spans",
    [
        ([(40, 0, 20, 40), (40, 50, 20, 40)], True),
        ([(-30, 0, 20, 40), (40, 50, 20, 40)], True),  # on either side
        ([(40, 0, 20, 40)], False),  # beside its upper half alone
        ([(40, 0, 20, 40), (140, 50, 20, 40)], False),  # far away
        ([(5, 0, 20, 40), (5, 50, 20, 40)], False),  # not beside it
        ([(40, 10, 20, 70), (40, 50, 20, 70)], False),  # as high as it is
        ([], False),
    ],
)
def test_what_spans_two_lines_has_writing_on_both_beside_it(others, spans):
    others = np.array(others).reshape(-1, 4)
    assert spans_rows((0, 0, 30, 90), others, 40) is spans
    assert not spans_rows((0, 0, 30, 55), others, 40)


def test_the_dashes_of_an_equals_sign_are_no_digit():
    upper, lower = (50, 50, 30, 6), (50, 60, 30, 6)
    assert mended(0.95, boxes=(upper, lower)) == [upper, lower, OTHER]
    assert mended(0.95, boxes=(upper, (50, 60, 10, 6))) == [(50, 50, 30, 16), OTHER]


def test_nothing_is_mended_where_there_is_nothing():
    assert mend([], SHAPE, lambda wholes: list(wholes)) == []


def ring(x, y, w, h, value=0, confidence=0.5):
    """The outline of a box, 2 pixels wide, that the network has seen."""
    return piece(x, y, w, h, value, confidence)._replace(
        ink=255 - mask_of((2, 2, w - 4, h - 4), shape=(h, w)), stroke=2
    )


def filled(pieces, *confidences, value=5):
    """The pieces after filling, and their ink; what is filled is known so surely, from left to right."""

    def look(wholes):
        ordered = sorted(wholes, key=lambda whole: whole.box)
        return [whole._replace(answer=answer(value, sure)) for whole, sure in zip(ordered, confidences, strict=True)]

    return fill_outlines(pieces, paint(pieces, SHAPE) / np.float32(510), look)


def test_an_outline_is_filled_if_what_it_encloses_is_rather_a_digit_and_what_lies_in_it_stays_paper():
    outline, hole, beside = ring(20, 20, 40, 60), ring(30, 30, 20, 10, confidence=0.95), piece(200, 20, 5, 60)
    pieces, ink = filled([outline, hole, beside], 0.999)
    assert boxes_of(pieces) == [outline.box, beside.box]
    solid = mask_of((20, 20, 40, 60)) - mask_of((30, 30, 20, 10))
    assert (paint(pieces, SHAPE) == solid + mask_of(beside.box)).all()
    assert (ink[solid > 0] == 0.5).all() and not ink[32:38, 32:48].any()  # all but the hole
    kept, same = filled([outline, hole, beside], 0.8)
    assert kept == [outline, hole, beside] and (same == paint(kept, SHAPE) / np.float32(510)).all()


def test_all_outlines_are_filled_or_none():
    outlines = [ring(20, 20, 40, 60), ring(80, 20, 40, 60), ring(140, 20, 40, 60)]
    assert [piece.confidence for piece in filled(outlines, 0.99, 0.99, 0.4)[0]] == pytest.approx([0.99, 0.99, 0.4])
    assert filled(outlines, 0.99, 0.4, 0.4)[0] == outlines
    assert filled(outlines, 0.99, 0.99, 0.99, value=1)[0] == outlines  # cells, rather


def test_an_outline_that_is_surer_itself_or_has_a_known_digit_in_it_is_not_filled():
    sure = ring(20, 20, 40, 60, confidence=0.9999)
    assert filled([sure], 0.99)[0] == [sure]
    box = [ring(20, 20, 40, 60), piece(30, 30, 20, 40, value=4, confidence=0.95)]
    assert filled(box)[0] == box
    thick = [piece(20, 20, 40, 60)]
    assert filled(thick)[0] == thick


def test_a_0_inside_a_known_digit_is_its_hole_but_others_stay():
    """A 1 inside is none, nor is a 0 that is doubtful, in a doubtful digit, or not inside on every side."""
    whole = piece(10, 10, 100, 200, 8, 0.99)
    holes = [piece(40, y, 30, 40, 0, 0.99) for y in (40, 120)]
    others = [piece(85, 40, 10, 40, 1, 0.99), piece(40, 90, 30, 20, 0, 0.8), piece(90, 120, 30, 40, 0, 0.99)]
    doubtful = [piece(200, 10, 100, 200, 8, 0.8), piece(230, 40, 30, 40, 0, 0.99)]
    kept = [whole, *others, *doubtful]
    assert boxes_of(without_holes([*kept, *holes])) == boxes_of(kept)
    assert without_holes([]) == []
