"""utils/frame.py: MNIST's frame, in which its digits stay as they are and all others come to lie alike."""

import cv2
import numpy as np
import pytest

from utils.frame import AT_ONCE, MOST_ROWS, center_digit, center_digits, frame_images, frame_many, warp
from utils.ink import stroke_width


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist[1][0][:500].reshape(-1, 28, 28)


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def bar(wide, high, shape=(60, 60)):
    """An upright or a level bar in the left top of a picture."""
    ink = np.zeros(shape, np.uint8)
    ink[5 : 5 + high, 3 : 3 + wide] = 255
    return ink


def ring(pen, height=200, wide=120):
    """A ring, its box `wide` x `height`, drawn with a pen this many pixels wide."""
    ink = np.zeros((height, wide), np.uint8)
    axes = (wide - pen) // 2, (height - pen) // 2
    return cv2.ellipse(ink, (wide // 2, height // 2), axes, 0, 0, 360, 255, pen)


def heavy(side):
    """A block with a thin arm that points away from this side of the picture."""
    ink = np.zeros((100, 60), np.uint8)
    ink[:, :30] = ink[45:55, 30:] = 255
    return {"left": ink, "right": ink[:, ::-1], "top": ink.T, "bottom": ink.T[::-1]}[side]


def box(picture):
    """Width and height of the ink that is at least half black."""
    return cv2.boundingRect((picture > 127).astype(np.uint8))[2:]


def centre_of_mass(picture):
    """Its x and y, in pixels; whole numbers are the middles of pixels."""
    moments = cv2.moments(picture)
    return moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_the_centre_of_mass_lies_on_the_middle_of_pixel_14_14(side):
    digit = center_digit(heavy(side))
    assert digit.shape == (28, 28) and digit.dtype == np.uint8
    assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.05)


def test_every_digit_of_mnist_is_centred(digits):
    for digit in center_digits(digits):
        assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.05)


@pytest.mark.parametrize("wide, high", [(4, 40), (40, 4), (20, 40), (40, 40), (3, 6)])
def test_the_longer_side_fills_twenty_pixels_and_the_aspect_stays(wide, high):
    long = max(wide, high)
    assert box(center_digit(bar(wide, high))) == pytest.approx((20 * wide / long, 20 * high / long), abs=1)


@pytest.mark.parametrize("pen", [2, 4, 8, 16])
def test_thin_strokes_are_thickened(pen):
    digit = center_digit(ring(pen))
    assert stroke_width(digit > 127) == pytest.approx(2.1, abs=0.2)
    assert box(digit) == pytest.approx((12, 20), abs=1)


def test_thick_strokes_are_left():
    assert stroke_width(center_digit(ring(40))) == pytest.approx(4, abs=0.6)


def test_mnist_comes_back_nearly_the_same(digits):
    def difference(others):
        return np.abs(others.astype(float) - digits).mean(axis=(1, 2))

    centred, shifted = difference(center_digits(digits)), difference(np.roll(digits, 1, axis=2))
    assert centred.mean() < 10 < 15 < shifted.mean()
    assert (centred < shifted).mean() > 0.95


def test_a_digit_comes_back_the_same_wherever_it_stood(digits):
    for digit in digits[:20]:
        elsewhere = np.zeros((60, 90), np.uint8)
        elsewhere[20:48, 50:78] = digit
        assert np.array_equal(center_digit(elsewhere), center_digit(digit))


@pytest.mark.parametrize("times", [2, 5, 12])
def test_the_size_of_a_digit_does_not_matter(times):
    small = ring(8, 80, 56)
    large = cv2.resize(small, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    assert np.abs(center_digit(large).astype(float) - center_digit(small)).mean() < 2


def test_faint_ink_is_made_black():
    digit = center_digit(ring(20) // 5)
    assert digit.max() > 240 and digit[0, 0] == 0
    np.testing.assert_allclose(digit, center_digit(ring(20)), atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (1, 20000), (2, 2), (500, 500)])
def test_ink_that_fills_its_picture_is_centred(shape):
    digit = center_digit(np.full(shape, 255, np.uint8))
    assert digit.max() > 200
    assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.05)


@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (3, 400), (0, 0)])
def test_a_blank_stays_blank(shape):
    digit = center_digit(np.zeros(shape, np.uint8))
    assert digit.shape == (28, 28) and digit.dtype == np.uint8 and not digit.any()


def test_many_digits_are_centred_as_each_alone(digits):
    inks = [*digits[:AT_ONCE], np.zeros((5, 5), np.uint8), ring(4), bar(4, 40), digits[0]]
    many = center_digits(inks)
    assert np.array_equal(many, [center_digit(ink) for ink in inks])
    assert not many[AT_ONCE].any() and np.array_equal(many[0], many[-1])


def test_no_digits():
    assert center_digits([]).shape == (0, 28, 28) and center_digits([]).dtype == np.uint8


@pytest.mark.parametrize("wide, high", [(4, 40), (40, 4), (20, 40), (3, 6)])
def test_images_of_one_size_are_framed_alike(wide, high):
    """The long side is 20 px, the aspect stays, the mass is centred; the strokes keep their width."""
    framed = frame_images(np.stack([bar(wide, high), bar(wide, high).T, bar(wide, high)[::-1]]))
    assert framed.shape == (3, 28, 28) and framed.dtype == np.uint8
    want = np.array([wide, high]) * 20 / max(wide, high)
    assert [box(image) for image in framed] == [pytest.approx(size, abs=1) for size in (want, want[::-1], want)]
    assert [centre_of_mass(image) for image in framed] == [pytest.approx((14, 14), abs=0.4)] * 3


def test_a_blank_among_images_stays_blank():
    framed = frame_images(np.stack([bar(20, 40), np.zeros((60, 60), np.uint8), bar(20, 40)]))
    assert not framed[1].any() and np.array_equal(framed[0], framed[2]) and framed[0].any()


def test_more_images_than_opencv_warps_at_once_are_framed_as_few_are():
    images = np.repeat(bar(20, 40)[None], MOST_ROWS // len(bar(20, 40)) + 2, axis=0)
    framed = frame_many(images)
    assert np.array_equal(framed, np.repeat(frame_images(images[:1]), len(images), axis=0))
    assert frame_many(images[:0]).shape == (0, 28, 28)


def test_mnist_is_framed_as_it_was(digits):
    assert np.abs(frame_images(digits).astype(float) - digits).mean() < 8


def test_random_numbers_give_size_and_place_small_errors(rng):
    images = np.repeat(bar(20, 40)[None], 400, axis=0)
    framed = frame_images(images, rng)
    assert np.array_equal(framed, frame_images(images, np.random.default_rng(1)))
    middles = np.array([centre_of_mass(image) for image in framed])
    assert middles.mean(axis=0) == pytest.approx((14, 14), abs=0.2)
    assert middles.std(axis=0) == pytest.approx((0.6, 0.6), abs=0.15)
    heights = [box(image)[1] for image in framed]
    assert np.mean(heights) == pytest.approx(20, abs=0.5) and 0.5 < np.std(heights) < 1.5


def test_warp_fetches_by_x_and_y():
    images = np.arange(2 * 16, dtype=np.uint8).reshape(2, 4, 4)
    fetched = warp(images, np.array([[[1, 2]]] * 2), np.array([[[1], [2]]] * 2))
    assert fetched.tolist() == [[[5, 6], [9, 10]], [[21, 22], [25, 26]]]


def test_warp_fetches_between_pixels():
    image = np.zeros((1, 5, 5), np.uint8)
    image[0, 2, 2], image[0, 2, 3] = 100, 200
    assert warp(image, np.array([[[2.5]]]), np.array([[[2.0]]])).item() == 150


def test_warp_finds_nothing_outside_an_image_nor_in_its_neighbours():
    images = np.full((3, 8, 8), 255, np.uint8)
    images[1] = 0
    everywhere = np.arange(-20, 29)
    fetched = warp(images, everywhere[None, None, :], everywhere[None, :, None].repeat(3, axis=0))
    inside = (everywhere >= 1) & (everywhere <= 6)
    want = np.where(np.outer(inside, inside), 255, 0)
    np.testing.assert_allclose(fetched, [want, 0 * want, want], atol=3)


def test_warp_leaves_its_images_as_they_were():
    images = np.full((2, 4, 4), 9, np.uint8)
    warp(images, np.zeros((2, 1, 4)), np.zeros((2, 4, 1)))
    assert (images == 9).all()
