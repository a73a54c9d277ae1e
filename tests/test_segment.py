"""utils/segment.py: ink in a picture, boxes in reading order, and a box as MNIST would show it."""

import cv2
import numpy as np
import pytest

from utils.dataset import load_dataset
from utils.download import TEST_CSV
from utils.segment import (
    Piece,
    center_digit,
    clusters,
    digit_sized,
    find_lines,
    group_lines,
    ink_mask,
    join,
    pieces,
    stroke_width,
    weighted_median,
)

ODD_SHAPES = (1, 1), (1, 60), (60, 1), (2, 2), (2, 900)


def mask_of(*boxes, shape=(300, 500)):
    """Ink that fills the boxes (x, y, width, height)."""
    mask = np.zeros(shape, np.uint8)
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w] = 255
    return mask


def one(x, y, height=40):
    return x, y, 5, height


def piece(x, y, w, h):
    return Piece((x, y, w, h), np.full((h, w), 255, np.uint8), 2 * w * h / (2 * w + 2 * h))


def is_inside(lines, shape):
    return all(0 <= x < x + w <= shape[1] and 0 <= y < y + h <= shape[0] for line in lines for x, y, w, h in line)


PAGE = mask_of(one(100, 60), one(150, 60), (200, 60, 40, 5), (200, 95, 40, 5), shape=(160, 340))


@pytest.mark.parametrize(
    "colours", [(220, 50), (40, 230), ((210, 220, 230), (150, 60, 40)), ((40, 60, 50), (235, 240, 238))]
)
def test_ink_mask_of_either_polarity_in_grey_and_colour(colours):
    paper, ink = (np.array(colour, np.uint8) for colour in colours)
    picture = np.where(PAGE.reshape(PAGE.shape + (1,) * ink.ndim) > 0, ink, paper)
    mask = ink_mask(picture)
    assert mask.shape == (160, 340) and mask.dtype == np.uint8
    assert np.array_equal(mask, PAGE)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(50, 80), (50, 80, 3), *ODD_SHAPES])
def test_ink_mask_of_one_colour_is_empty(shape, level):
    mask = ink_mask(np.full(shape, level, np.uint8))
    assert mask.shape == shape[:2] and mask.dtype == np.uint8 and not mask.any()


@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_noise_of_any_shape_gives_a_mask_and_boxes_inside_it(shape):
    noise = np.random.default_rng(2).choice(np.uint8([0, 255]), shape)
    mask = ink_mask(noise)
    assert mask.shape == shape and set(np.unique(mask)) <= {0, 255}
    assert is_inside(find_lines(mask) + find_lines(noise), shape)


@pytest.mark.parametrize("shape", [(200, 300), *ODD_SHAPES])
def test_an_empty_mask_has_no_lines(shape):
    assert find_lines(np.zeros(shape, np.uint8)) == []


def test_lines_run_from_top_to_bottom_and_boxes_from_left_to_right():
    upper, lower = [one(x, 50) for x in (60, 120, 180)], [one(x, 150) for x in (40, 90, 200)]
    mask = mask_of(*lower[::-1], *upper[::-1])
    assert find_lines(mask) == [upper, lower]


def test_boxes_end_where_the_ink_and_the_picture_end():
    boxes = [one(0, 0), one(60, 0), one(145, 10)]
    assert find_lines(mask_of(*boxes, shape=(50, 150))) == [boxes]
    assert find_lines(mask_of(boxes[2], shape=(50, 150))) == [boxes[2:]]


@pytest.mark.parametrize("shape", [(1500, 3009), (2001, 2990), (20000, 3)])
def test_boxes_of_a_large_mask_end_in_it_too(shape):
    mask = mask_of(*((x, 0, 17, 133) for x in range(0, shape[1], 200)), shape=shape)
    lines = find_lines(mask) + find_lines(mask[::-1, ::-1].copy())
    assert lines and is_inside(lines, shape)


def test_specks_are_dropped():
    digits = [one(60, 50), one(120, 50)]
    assert find_lines(mask_of(*digits, (90, 70, 2, 2), (200, 60, 3, 3), (300, 200, 1, 1))) == [digits]


def test_rules_and_table_lines_are_no_digits():
    digits = [one(60, 50), one(120, 50), one(180, 50)]
    assert find_lines(mask_of(*digits, (10, 95, 400, 2))) == [digits]
    table = mask_of(*digits)
    for x in 40, 100, 160:
        cv2.rectangle(table, (x, 40), (x + 60, 100), 255, 1)
    assert find_lines(table) == [digits]


def test_a_broken_stroke_is_one_box():
    assert find_lines(mask_of(one(60, 50, 18), one(60, 71, 19), one(120, 50))) == [[one(60, 50), one(120, 50)]]


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


def test_staggered_digits_are_one_line():
    boxes = [(40 * i, 100 + (12 if i % 2 else -12), 25, 40) for i in range(8)]
    assert group_lines(boxes, 40) == [list(range(8))]


def test_lines_of_digits_that_nearly_touch_stay_apart():
    boxes = [(40 * i, 34 * row, 25, 33) for row in range(3) for i in range(6)]
    assert group_lines(boxes, 40) == [list(range(6)), list(range(6, 12)), list(range(12, 18))]


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


def test_pieces_are_the_connected_ink():
    mask = mask_of((10, 20, 30, 5), (100, 50, 4, 40))
    cv2.line(mask, (200, 100), (219, 119), 255)
    found = sorted(pieces(mask))
    assert [p.box for p in found] == [(10, 20, 30, 5), (100, 50, 4, 40), (200, 100, 20, 20)]
    assert all(p.ink.shape == p.box[3:1:-1] for p in found)
    assert np.array_equal(found[2].ink, 255 * np.eye(20, dtype=np.uint8))
    assert found[0].stroke == pytest.approx(2 * 150 / 66, rel=0.01)


def test_a_piece_has_no_ink_of_another_in_its_box():
    mask = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 25, 255, 3)
    mask[28:33, 28:33] = 255
    ring, dot = sorted(pieces(mask), key=lambda p: -p.size)
    assert dot.box == (28, 28, 5, 5) and dot.ink.all()
    assert not ring.ink[15:38, 15:38].any()


def test_joined_pieces_keep_their_places():
    whole = join([piece(10, 30, 4, 2), piece(12, 20, 1, 12)])
    assert whole.box == (10, 20, 4, 12)
    assert np.array_equal(whole.ink > 0, np.array([[0, 0, 1, 0]] * 10 + [[1, 1, 1, 1]] * 2))


def test_clusters_bridge_the_gaps_of_a_broken_stroke_only():
    mask = mask_of((50, 50, 6, 20), (50, 73, 6, 20), (150, 50, 6, 40))
    groups = clusters(pieces(mask), mask)
    assert sorted(sorted(p.box for p in group) for group in groups) == [
        [(50, 50, 6, 20), (50, 73, 6, 20)],
        [(150, 50, 6, 40)],
    ]
    assert clusters([], mask) == []


def test_digit_sized_drops_what_is_too_small_too_large_or_of_another_pen():
    digits = [piece(40 * i, 0, 5, 40) for i in range(6)]
    others = [piece(300, 0, 2, 2), piece(300, 50, 5, 200), piece(300, 300, 500, 5), piece(400, 0, 60, 60)]
    assert digit_sized(digits + others, 40) == digits
    assert digit_sized([], 40) == []


def test_a_pen_and_a_plate_beside_thin_digits_do_not_make_specks_of_them():
    digits = [piece(40 * i, 0, 3, 40) for i in range(6)]
    pen, plate = piece(300, 0, 30, 400), piece(400, 0, 100, 60)
    assert digit_sized([*digits, pen, plate], 40) == digits


@pytest.mark.parametrize(
    "values, weights, median",
    [([7], [0.1], 7), ([3, 1, 2], [1, 1, 1], 2), ([1, 2, 10], [1, 1, 5], 10), ([5, 1, 9], [0, 1, 0], 1)],
)
def test_weighted_median(values, weights, median):
    assert weighted_median(values, weights) == median


def stroke(width, height=40, wide=24):
    """A ring, its box `wide` x `height`, drawn with a pen `width` pixels wide."""
    ink = np.zeros((height, wide), np.uint8)
    return cv2.ellipse(
        ink, (wide // 2, height // 2), ((wide - width) // 2, (height - width) // 2), 0, 0, 360, 255, width
    )


@pytest.mark.parametrize("width", [2, 4, 8])
def test_stroke_width_of_a_bar(width):
    assert stroke_width(mask_of((20, 20, 200, width))) == pytest.approx(width, rel=0.15)
    assert stroke_width(np.zeros((9, 9), np.uint8)) == 0


def centre_of_mass(digit):
    moments = cv2.moments(digit)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


@pytest.fixture(scope="module")
def mnist_digits():
    if not TEST_CSV.exists():
        pytest.skip(f"{TEST_CSV} is not there yet")
    return load_dataset(TEST_CSV)[0][:500].reshape(-1, 28, 28)


def test_mnist_comes_back_nearly_the_same(mnist_digits):
    def difference(digits):
        return np.abs(digits.astype(float) - mnist_digits).mean(axis=(1, 2))

    centred = difference(np.array([center_digit(digit) for digit in mnist_digits]))
    shifted = difference(np.roll(mnist_digits, 1, axis=2))
    assert centred.mean() < 10 < 15 < shifted.mean()
    assert (centred < shifted).mean() > 0.95


def test_a_digit_comes_back_the_same_wherever_it_stood(mnist_digits):
    for digit in mnist_digits[:20]:
        elsewhere = np.zeros((60, 90), np.uint8)
        elsewhere[20:48, 50:78] = digit
        assert np.array_equal(center_digit(elsewhere), center_digit(digit))


@pytest.mark.parametrize("times", [2, 5, 12])
def test_the_size_of_a_digit_does_not_matter(times):
    small = stroke(8, 80, 56)
    large = cv2.resize(small, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    assert np.abs(center_digit(large).astype(float) - center_digit(small)).mean() < 2


@pytest.mark.parametrize("shape", [(40, 24), (100, 60), (30, 90), (200, 40)])
def test_the_longer_side_fills_twenty_pixels_and_the_aspect_stays(shape):
    digit = center_digit(stroke(max(shape) // 8, *shape))
    _, _, w, h = cv2.boundingRect((digit > 25).astype(np.uint8))
    assert digit.shape == (28, 28) and digit.dtype == np.uint8
    assert max(w, h) == pytest.approx(20, abs=1.5)
    assert min(w, h) == pytest.approx(20 * min(shape) / max(shape), abs=2)


def test_the_centre_of_mass_is_the_centre_of_the_frame(mnist_digits):
    heavy_left = mask_of((0, 0, 30, 100), (30, 45, 30, 10), shape=(100, 60))
    for ink in heavy_left, heavy_left[:, ::-1], heavy_left.T, *mnist_digits[:50]:
        assert centre_of_mass(center_digit(ink)) == pytest.approx((14, 14), abs=0.6)


def test_thin_strokes_are_thickened_and_thick_ones_are_left():
    thin, thick = center_digit(stroke(2, 200, 120)), center_digit(stroke(30, 200, 120))
    assert thin.sum(dtype=int) > 3 * stroke(2, 200, 120).sum(dtype=int) / 100
    assert stroke_width(thin) == pytest.approx(2.2, abs=0.6)
    assert stroke_width(thick) == pytest.approx(3, abs=0.8)


def test_faint_ink_is_made_black():
    digit = center_digit(stroke(10, 80, 50) // 5)
    assert digit.max() > 240 and digit[0, 0] == 0
    np.testing.assert_allclose(digit, center_digit(stroke(10, 80, 50)), atol=3)


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (3, 400), (0, 0)])
def test_no_ink_gives_an_empty_frame(shape):
    digit = center_digit(np.zeros(shape, np.uint8))
    assert digit.shape == (28, 28) and digit.dtype == np.uint8 and not digit.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (1, 20000), (2, 2), (500, 500)])
def test_ink_that_fills_its_box_is_centred(shape):
    digit = center_digit(np.full(shape, 255, np.uint8))
    assert digit.shape == (28, 28) and digit.max() > 200
    assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.6)
