"""utils/fonts.py: letters and digits in print."""

import numpy as np
import pytest

from utils.fonts import CANVAS, FONTS, LINE_FONTS, in_all_fonts, print_digits, print_sign
from utils.frame import frame_many
from utils.junk import LETTERS


@pytest.fixture
def rng():
    return np.random.default_rng(1)


@pytest.mark.parametrize("signs", ["0123456789", LETTERS])
def test_signs_are_in_every_font_whole(signs):
    images = np.concatenate([in_all_fonts(sign) for sign in signs])
    assert images.shape == (len(FONTS) * len(signs), CANVAS, CANVAS)
    assert images.max(axis=(1, 2)).min() == 255
    assert not images[:, [0, -1]].any() and not images[:, :, [0, -1]].any()


@pytest.mark.parametrize("sign", "0123456789")
def test_every_digit_is_printed_in_printers_and_in_plotters_fonts(sign, rng):
    canvas = np.zeros((200, CANVAS, CANVAS), np.uint8)
    for image in canvas:
        print_sign(image, sign, rng)
    assert not canvas[:, [0, -1]].any() and not canvas[:, :, [0, -1]].any()
    printers = {image.tobytes() for image in in_all_fonts(sign)}
    seen = {image.tobytes() for image in canvas}
    assert seen >= printers and len(seen - printers) > len(LINE_FONTS)


@pytest.mark.parametrize("n", [0, 1, 30])
def test_printed_digits_are_in_mnists_frame(n, rng):
    digits = print_digits(rng.integers(10, size=n), rng)
    assert digits.shape == (n, 28, 28) and digits.dtype == np.uint8
    assert (digits.max(axis=(1, 2)) > 200).all()
    assert not digits[:, :2].any() and not digits[:, :, -2:].any()


def test_a_printed_digit_is_the_one_that_its_label_says(rng):
    """The ones are the narrowest; each has the height of MNIST's."""
    labels = np.repeat([0, 1], 40)
    digits = print_digits(labels, rng) > 100
    assert (digits.any(axis=2).sum(axis=1) >= 18).all()
    zeros, ones = digits[labels == 0], digits[labels == 1]
    assert np.median(zeros.any(axis=1).sum(axis=1)) > np.median(ones.any(axis=1).sum(axis=1))
    assert zeros[:, 12:16, 12:16].mean() < 0.5 < ones[:, 12:16, 12:16].mean()


def test_half_of_the_printed_ones_have_no_foot(rng):
    ones = print_digits(np.ones(400, int), rng) > 100
    widths = np.array([rows[rows > 0] for rows in [one.sum(axis=1) for one in ones]], object)
    footless = np.mean([rows[-2] <= np.median(rows) + 1 for rows in widths])
    assert 0.4 < footless < 0.8  # those of some plotters have none anyway


def test_no_other_digit_loses_its_lower_part(rng):
    state = rng.bit_generator.state
    printed = print_digits(np.repeat([0, *range(2, 10)], 20), rng)
    rng.bit_generator.state = state
    canvas = np.zeros((180, CANVAS, CANVAS), np.uint8)
    for image, digit in zip(canvas, np.repeat([*"023456789"], 20)):
        print_sign(image, digit, rng)
    assert np.array_equal(printed, frame_many(canvas))
