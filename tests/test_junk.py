"""utils/junk.py: what no network shall take for a digit, in MNIST's frame."""

import cv2
import numpy as np
import pytest

from utils import junk
from utils.fonts import CANVAS
from utils.frame import MOST_ROWS
from utils.junk import INK, KINDS, LETTERS, SIGNS, _touching, draw_junk


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def seven(lowered=0):
    image = np.zeros((28, 28), np.uint8)
    image[4:7, 8:20] = image[4:24, 17:20] = 255
    return np.roll(image, lowered, axis=0)


def bar(lowered=0):
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 13:16] = 255
    return np.roll(image, lowered, axis=0)


def pieces(image):
    """How many pieces of ink there are."""
    return cv2.connectedComponents((image > INK).astype(np.uint8))[0] - 1


def size(image):
    """Width and height of the ink."""
    return cv2.boundingRect((image > INK).astype(np.uint8))[2:]


def drawn(kind, rng, digits=None, **options):
    """One piece of junk on its canvas."""
    canvas = np.zeros((CANVAS, CANVAS), np.uint8)
    kind(canvas, seven()[None] if digits is None else digits, rng, **options)
    return canvas


@pytest.mark.parametrize("n", [0, 1, MOST_ROWS // CANVAS + 1])
def test_junk_is_in_mnists_frame_and_has_ink(n, rng):
    digits = np.stack([seven(), bar()])
    images = draw_junk(digits, n, rng)
    assert images.shape == (n, 28, 28) and images.dtype == np.uint8
    assert np.count_nonzero(images.max(axis=(1, 2)) > 100) >= 0.99 * n
    assert np.array_equal(digits, [seven(), bar()])


def test_junk_repeats_itself_with_the_same_seed():
    one, other, third = (draw_junk(seven()[None], 20, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one, other) and not np.array_equal(one, third)


def test_every_kind_has_a_share():
    assert sum(KINDS.values()) == pytest.approx(1) and min(KINDS.values()) > 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_junk_of_every_kind_lies_on_its_canvas_with_room_around_it_and_is_no_two_times_the_same(kind, rng):
    images = [drawn(kind, rng) for _ in range(40)]
    inked = [image for image in images if image.any()]
    assert len(inked) >= 39
    assert not any(image[[0, -1]].any() or image[:, [0, -1]].any() for image in inked)
    assert len({image.tobytes() for image in inked}) > 3


def test_no_letter_is_like_a_digit():
    assert not set(LETTERS) & set("0123456789OoIilZzSsBbGgqQy")


def test_signs_are_strokes_on_the_grid():
    for sign in SIGNS:
        for stroke in sign.split():
            assert len(stroke) in (2, 3) and set(stroke) <= set("ABCDEFGHIJKLMNOPQRSTUVWXY")


@pytest.mark.parametrize("sign, wide, high", [("KO", 1, 0), ("CW", 0, 1), ("AY EU", 1, 1), ("CC", 0, 0)])
def test_a_sign_is_as_wide_and_high_as_its_strokes(sign, wide, high, rng, monkeypatch):
    monkeypatch.setattr(junk, "SIGNS", [sign])
    sizes = np.array([size(drawn(junk.sign, rng)) for _ in range(20)])
    for sides, long in zip(sizes.T, (wide, high)):
        assert (sides > 18).all() if long else (sides < 18).all()


@pytest.mark.parametrize("lowered", [-2, 0, 3])
def test_digits_touch_where_they_are_said_to(lowered):
    one, other = seven(), bar(lowered)
    x = _touching(one, other)
    pair = np.pad(one, ((0, 0), (0, 32)))
    met, free = (np.maximum(pair, np.pad(other, ((0, 0), (at, 32 - at)))) for at in (x, x + 1))
    assert (pieces(met), pieces(free)) == (1, 2)


def test_digits_that_share_no_row_touch_nowhere():
    assert _touching(seven(), np.zeros((28, 28), np.uint8)) == 0


def block():
    """Ink 12 px wide and 20 px high."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 8:20] = 255
    return image


@pytest.mark.parametrize("share, width", [(1.0, 24), (0.5, 18)])
def test_a_pair_is_as_wide_as_both_digits_or_as_one_and_a_share_of_the_other(share, width, rng):
    sizes = np.array([size(drawn(junk.pair, rng, block()[None], share=share)) for _ in range(40)])
    assert sizes[:, 0].min() == width - 3 and sizes[:, 0].max() == width + 1  # they overlap, or all but touch
    assert sizes[:, 1].min() == 20 and sizes[:, 1].max() == 23


def test_ground_is_the_paper_around_a_digit(rng):
    inked = {np.count_nonzero(drawn(junk.ground, rng)) for _ in range(40)}
    assert inked == {(12 + 2 * rim) * (20 + 2 * rim) - np.count_nonzero(seven()) for rim in range(4)}


def test_a_piece_is_a_third_of_a_digit_and_what_is_left_of_a_stem_lies_on_its_side(rng):
    """Of a 7 there is the bar with a little stem, or the stem alone."""
    sizes = {size(drawn(junk.piece, rng)) for _ in range(40)}
    assert sizes <= {(w, h) for w in (5, 6, 7, 8) for h in (3,)} | {(12, h) for h in (5, 6, 7, 8)}
    assert {w for w, _ in sizes} >= {6, 12}


def test_a_patch_is_one_piece(rng):
    assert {pieces(drawn(junk.patch, rng)) for _ in range(20)} == {1}


def test_a_blot_is_filled_and_not_as_narrow_as_a_1(rng):
    for image in (drawn(junk.blot, rng) for _ in range(40)):
        outline = cv2.findContours((image > INK).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
        assert len(outline) == 1 and pieces(255 - image) == 1  # the paper around it, and no hole
        short, long = sorted(cv2.minAreaRect(outline[0])[1])
        assert short > 0.4 * long
