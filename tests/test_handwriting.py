"""utils/handwriting.py: digits written anew stay digits in MNIST's frame, and no two epochs see the same."""

import argparse
import contextlib
import time

import cv2
import numpy as np
import pytest

from utils import handwriting as module
from utils.course import Feed
from utils.dataset import to_input
from utils.handwriting import (
    AT_ONCE,
    JUNK,
    LATE_PLAIN,
    MELTED,
    PART,
    PLAIN,
    PRINTED,
    SIDE,
    bend,
    distort,
    epoch_size,
    handwriting,
    melt,
    plot_distortions,
    stain,
    thicken,
    tone,
)
from utils.styles import restyle


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def bars(n, width=3):
    """Upright bars, 20 px high: what MNIST writes for 1."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 4:24, 13 : 13 + width] = 255
    return images


def sevens(n):
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 4:7, 8:20] = images[:, 4:24, 17:20] = 255
    return images


def box(image):
    """Height and width of the ink."""
    return [int(np.ptp(np.flatnonzero((image > 60).any(axis=axis)))) + 1 for axis in (1, 0)]


def among(images, others):
    """Which images are one of the others."""
    return [(image == others).all(axis=(1, 2)).any() for image in images]


@pytest.mark.parametrize("n", [0, 1, AT_ONCE, AT_ONCE + 1])
def test_distort_keeps_shape_and_type_and_input(n, rng):
    digits = bars(n)
    distorted = distort(digits, rng)
    assert distorted.shape == (n, 28, 28) and distorted.dtype == np.uint8
    assert np.array_equal(digits, bars(n))
    assert not any(among(distorted, digits))


def test_distort_repeats_itself_with_the_same_seed():
    one, other, third = (distort(sevens(20), np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(one, other) and not np.array_equal(one, third)


def test_distorted_digits_are_in_mnists_frame_and_have_ink(rng):
    distorted = distort(sevens(1000), rng)
    long_sides = [max(box(image)) for image in distorted]
    assert 18 <= np.median(long_sides) <= 21 and min(long_sides) >= 10
    assert (distorted.max(axis=(1, 2)) > 100).all()
    middles = np.array([(m["m10"] / m["m00"], m["m01"] / m["m00"]) for m in map(cv2.moments, distorted)])
    assert middles.mean(axis=0) == pytest.approx((14, 14), abs=0.1)


def test_neighbours_in_the_stack_do_not_touch(rng):
    digits = sevens(100)
    digits[1::2] = 0
    assert not bend(digits, rng)[1::2].any()


@pytest.mark.parametrize("level", [0, 255])
def test_one_grey_level_goes_through(level, rng):
    digits = np.full((10, 28, 28), level, np.uint8)
    assert np.array_equal(restyle(digits, np.arange(10), rng).any(axis=(1, 2)), digits.any(axis=(1, 2)))
    assert distort(digits, rng).shape == digits.shape


def test_bent_digits_lean_both_ways_and_upright_on_the_whole(rng):
    """How far the lower half of a bar stands to the right of its upper half, in pixels of both."""
    bent = bend(bars(500), rng).astype(float)
    assert bent.shape == (500, SIDE, SIDE)
    upper, lower = (half.sum(axis=1) @ np.arange(SIDE) / half.sum(axis=(1, 2)) for half in np.split(bent, 2, axis=1))
    lean = lower - upper
    assert lean.min() < -3 < 3 < lean.max() and abs(lean.mean()) < 1


def test_strokes_become_thinner_and_wider(rng):
    bent = bend(bars(500), rng)
    ink = (thicken(bent, rng).sum(axis=(1, 2)) + 1.0) / (bent.sum(axis=(1, 2)) + 1.0)
    assert np.quantile(ink, 0.05) < 0.8 and np.quantile(ink, 0.95) > 1.3
    assert 0.1 < (ink == 1).mean() < 0.4


def test_some_digits_get_a_speck_and_some_a_gap_and_most_neither(rng):
    digits = np.pad(bars(1000), ((0, 0), (2, 2), (2, 2)))
    stained = digits.copy()
    stain(stained, rng)
    more, less = ((stained > digits).any(axis=(1, 2)).mean(), (stained < digits).any(axis=(1, 2)).mean())
    assert 0.03 < more < 0.1 and 0.06 < less < 0.15


def test_some_digits_melt_so_that_small_holes_fill_and_edges_stay_sharp(rng):
    rings = np.zeros((1000, SIDE, SIDE), np.uint8)
    rings[:, 8:24, 8:24] = 255
    rings[:, 14:16, 14:16] = 0
    melted = rings.copy()
    melt(melted, rng)
    changed = (melted != rings).any(axis=(1, 2))
    assert changed.mean() == pytest.approx(MELTED, abs=0.04)
    assert (melted[changed, 14, 14] > 128).mean() > 0.9 and (melted[changed, 18, 11:21] == 255).all()
    assert ((melted[changed] > 0) & (melted[changed] < 255)).mean() < 0.1
    assert (melted[:, 8, 8] < 128)[changed].all()  # corners go round


def test_a_thin_stroke_melts_but_does_not_vanish_and_paper_stays_blank(rng):
    lines = np.zeros((500, SIDE, SIDE), np.uint8)
    lines[::2, 6:26, 16] = 100
    melt(lines, rng)
    assert (lines[::2].max(axis=(1, 2)) >= 100).all() and not lines[1::2].any()


def test_ink_is_of_all_blacknesses_but_never_faint(rng):
    blackest = tone(sevens(500), rng).max(axis=(1, 2))
    assert blackest.min() >= 170 and blackest.max() == 255 and (blackest < 230).mean() > 0.2


def test_restyle_changes_a_share_of_1_7_9_0_alone(rng):
    digits, labels = sevens(1000), np.repeat(np.arange(10), 100)
    changed = (restyle(digits, labels, rng) != digits).any(axis=(1, 2)).reshape(10, 100).mean(axis=1)
    assert changed[[2, 3, 4, 5, 6, 8]].max() == 0
    assert changed[1] > 0.4 and changed[7] > 0.2 and changed[9] > 0.15 and 0 < changed[0] < 0.3
    assert np.array_equal(digits, sevens(1000))


def test_a_1_gets_a_flag_to_its_left_or_a_foot(rng):
    ones = restyle(bars(200), np.ones(200), rng)
    changed = ones[(ones != bars(200)).any(axis=(1, 2))]
    left = changed[:, :, :11].max(axis=(1, 2)) > 128
    foot = changed[:, 20:, 18:].max(axis=(1, 2)) > 128
    assert len(changed) > 120 and left.mean() > 0.7 and 0.2 < foot.mean() < 0.7


def test_a_7_gets_a_bar_across_its_stem(rng):
    crossed = restyle(sevens(200), np.full(200, 7), rng)
    changed = crossed[(crossed != sevens(200)).any(axis=(1, 2))]
    assert len(changed) > 40
    assert (changed[:, 10:20, 21:].max(axis=(1, 2)) > 128).mean() > 0.7


def test_handwriting_shuffles_all_digits_and_adds_print_and_junk():
    n = PART - 500
    digits, labels = sevens(n), np.arange(n) % 10
    parts = list(handwriting(digits, labels, seed=3, epoch=0, epochs=2))
    prints, junk = round(PRINTED * n), round(JUNK * n)
    assert [len(written) for written, _ in parts] == [PART, prints + junk - 500]
    targets = np.concatenate([wanted for _, wanted in parts])
    assert targets.shape == (epoch_size(n), 10) and targets.dtype == np.float32
    assert targets.sum(axis=1) == pytest.approx(np.ones(epoch_size(n)))
    is_junk = targets.max(axis=1) < 0.5
    assert is_junk.sum() == junk and (targets[is_junk] == np.float32(0.1)).all()
    counts = np.bincount(targets[~is_junk].argmax(axis=1))
    assert (counts >= n // 10).all() and counts.sum() == n + prints
    assert is_junk[:PART].mean() == pytest.approx(JUNK / (1 + PRINTED + JUNK), abs=0.02)  # they are not the last
    assert np.array_equal(digits, sevens(n))


def test_ink_does_not_pass_from_one_digit_to_the_next(monkeypatch, rng):
    monkeypatch.setattr(module, "SPECK", 0)
    digits = np.zeros((1000, 28, 28), np.uint8)
    digits[::2, 1:27, 1:27] = 255
    assert not distort(digits, rng)[1::2].any()


def test_some_digits_are_printed_and_keep_their_labels(monkeypatch):
    """Among blank digits without specks only junk, and what is printed, has ink."""
    monkeypatch.setattr(module, "SPECK", 0)
    labels = np.arange(PART) % 2
    written, targets = next(handwriting(np.zeros((PART, 28, 28), np.uint8), labels, seed=3, epoch=0, epochs=2))
    printed = written.any(axis=(1, 2)) & (targets.max(axis=1) == 1)
    assert printed.mean() == pytest.approx(PRINTED / (1 + PRINTED + JUNK), abs=0.01)
    hollow = [(written[printed & (targets[:, digit] == 1), 9:19, 14] < 100).all(axis=1).mean() for digit in (0, 1)]
    assert hollow[0] > hollow[1] + 0.15


def test_each_epoch_is_fresh_and_repeats_itself():
    digits, labels = sevens(40), np.arange(40) % 10
    (first, one), (again, same), (second, _) = (
        next(handwriting(digits, labels, 3, epoch, epochs=2)) for epoch in (0, 0, 1)
    )
    assert np.array_equal(first, again) and np.array_equal(one, same)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("epochs, late", [(1, 1), (2, 1), (3, 1), (12, 3), (25, 7)])
def test_the_last_epochs_leave_more_digits_as_they_are_but_keep_junk(epochs, late):
    digits, labels = np.concatenate([sevens(150), bars(150)]), np.repeat([7, 1], 150)
    for epoch in range(epochs):
        written, targets = next(handwriting(digits, labels, 3, epoch, epochs))
        ours = targets.max(axis=1) == 1
        expected = LATE_PLAIN if epoch >= epochs - late else PLAIN
        assert np.mean(among(written[ours], digits[[0, -1]])) == pytest.approx(expected, abs=0.12)
        assert not ours.all()


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1), (1, 28, 28)])
def test_the_feed_gives_each_epochs_handwriting_in_batches(shape):
    digits, labels = sevens(50), np.arange(50) % 10
    options = argparse.Namespace(augment=True, seed=3, epochs=4, batch_size=20)
    with contextlib.closing(Feed((digits.reshape(-1, 784), labels), shape, options)) as feed:
        for epoch in 1, 2, 3:
            feed.on_epoch_begin(epoch)
            inputs, targets = zip(*feed.batches().as_numpy_iterator())
            assert [batch.shape for batch in inputs] == [(n, *shape) for n in (20, 20, 20, epoch_size(50) - 60)]
            assert inputs[0].dtype == targets[0].dtype == np.float32
            written, wanted = next(handwriting(digits, labels, 3, epoch, 4))
            assert np.array_equal(np.concatenate(inputs), to_input(written, shape))
            assert np.array_equal(np.concatenate(targets), wanted)


def test_a_stopped_feed_does_not_write_on():
    start = time.perf_counter()
    digits, labels = sevens(60_000), np.arange(60_000) % 10
    options = argparse.Namespace(augment=True, seed=3, epochs=2, batch_size=100)
    with contextlib.closing(Feed((digits.reshape(-1, 784), labels), (784,), options)) as feed:
        feed.ahead = feed.thread.submit(feed.gather, 0)
    assert feed.ahead.done() and time.perf_counter() - start < 3


def test_60000_digits_in_seconds(rng):
    """3 s on an idle core; 4,000 digits in 1 s of it leave room for a busy one."""
    digits = sevens(4000)
    distort(digits[:AT_ONCE], rng)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    start = time.process_time()
    distort(digits, rng)
    spent = time.process_time() - start
    cv2.setNumThreads(threads)
    assert spent < 1


def test_the_picture_is_drawn(tmp_path):
    plot_distortions(sevens(20), np.arange(20) % 10, tmp_path / "distortions.png")
    drawn = cv2.imread(str(tmp_path / "distortions.png"))
    assert drawn.shape[2] == 3 and np.ptp(drawn) == 255


def test_digits_without_one_of_ten_cannot_be_drawn(tmp_path, monkeypatch):
    few = tmp_path / "few.csv"
    few.write_text("\n".join(",".join(["1", *["0"] * 784]) for _ in range(3)))
    monkeypatch.setattr(module, "TRAIN_CSV", few)
    monkeypatch.setattr("sys.argv", ["handwriting"])
    with pytest.raises(ValueError, match=r"few.csv: no digit 0 in 3 rows, expected all ten digits"):
        module.main()
