"""Handwriting that MNIST's writers did not hand in: every epoch sees other digits than the last.

python -m utils.handwriting    draws what the networks see, output/distortions.png
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from utils import run, whole_file
from utils.dataset import encode, load_dataset
from utils.download import TRAIN_CSV, ensure_dataset
from utils.fonts import print_digits
from utils.frame import frame_images, warp
from utils.junk import draw_junk
from utils.styles import restyle

PICTURE = Path("output/distortions.png")
PART = 5000  # digits that are written at a time
AT_ONCE = 500  # of them in one picture: OpenCV warps no more than 32,767 rows
PLAIN, LATE_PLAIN = 0.3, 0.7  # share of the digits that stay as MNIST has them, and in the last quarter of the epochs
JUNK, PRINTED = 0.2, 0.05  # times the digits: what is shown besides; in place of digits it cost held-out accuracy

# What differs from hand to hand: a normal deviation, and limits beyond which digits pass for others.
TURN = 7, 15  # degrees
SLANT, UPRIGHT = (0.2, 0.5), -0.05  # run over rise; Europeans write a little more upright than MNIST's Americans
STRETCH = 0.1, 0.25  # logarithm of the width, and of the height the other way
BEND = 1.5  # px: the most that parts of a stroke are displaced
PEN, SPREAD, THINNEST, THICKEST = 3.2, 0.35, 1.3, 5.3  # px and log px: from a sharp pencil's strokes to a marker's
OTHER_PEN = 0.75  # share of the digits that get another pen
SPECK, GAP = 0.06, 0.1  # share of the digits with a speck beside them, and with a gap in a stroke
MELTED, BLURS = 0.2, (2, 6)  # share of the digits that are cut from a blurred picture, and how often they are blurred
SOFT = 0.25  # share of the digits that are blurred
BLACK = 0.7, 1.05  # blackness of a digit
FALL = -0.5, 0.7  # how its strokes fall off to their edges: sharply or softly

SIDE = 32  # px of the canvas on which digits are bent and thickened
REACH = 14.1  # MNIST's px from the centre of the canvas to its edge: there is room for thicker strokes
KNOTS = 6  # along a side of the elastic displacement field
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def handwriting(
    digits: np.ndarray, labels: np.ndarray, seed: int, epoch: int, epochs: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield one epoch of shuffled digits in fresh handwriting, in parts: all digits, some print, and some junk.

    In the last quarter of the epochs most stay: that makes up for what distortion costs on MNIST's own. If all did, the
    network would forget how others write.

    Parameters
    ----------
    digits : (N, 28, 28) uint8, 0 is paper and 255 is ink
    labels : (N,) ints
    epoch : counted from 0; each has its own random numbers, so a resumed run sees what it would have seen
    epochs : how many there are

    Yields
    ------
    (n, 28, 28) uint8 digits and (n, 10) float32 targets, n at most `PART`
    """
    rng = np.random.default_rng([seed, epoch])
    plain = LATE_PLAIN if epoch + 1 > 0.75 * epochs else PLAIN
    n, first_junk = len(digits), len(digits) + round(PRINTED * len(digits))
    chosen = np.append(np.arange(n), rng.integers(n, size=epoch_size(n) - n))
    order = rng.permutation(len(chosen))
    for start in range(0, len(order), PART):
        place = order[start : start + PART]
        part, junk, printed = chosen[place], place >= first_junk, (place >= n) & (place < first_junk)
        written, targets = digits[part], encode(labels[part])
        anew = rng.random(len(part)) >= plain
        written[anew] = restyle(written[anew], labels[part][anew], rng)
        written[printed] = print_digits(labels[part][printed], rng)
        written[junk], targets[junk] = draw_junk(digits, junk.sum(), rng), 1 / targets.shape[1]
        anew |= printed | junk
        written[anew] = distort(written[anew], rng)
        yield written, targets


def epoch_size(n: int) -> int:
    """Count what an epoch of n digits shows, print and junk included."""
    return n + round(PRINTED * n) + round(JUNK * n)


def distort(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Write digits (N, 28, 28) uint8, 255 is ink, anew: bent, with other pens and ink, stained, in MNIST's frame."""
    distorted = np.empty_like(digits)
    for start in range(0, len(digits), AT_ONCE):
        ink = thicken(bend(digits[start : start + AT_ONCE], rng), rng)
        stain(ink, rng)
        melt(ink, rng)
        distorted[start : start + AT_ONCE] = tone(frame_images(ink, rng), rng)
    return distorted


def bend(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn, slant and stretch each digit, and displace its parts (Simard, Steinkraus, Platt 2003).

    The map of an image, where each pixel comes from, is a sum of products of few functions of y and few of x: a
    constant and a slope for the affine part, Gaussians with random weights for the elastic part. So two products with
    small matrices make the maps of all images.

    Returns
    -------
    (n, SIDE, SIDE) uint8
    """
    n, side, _ = digits.shape
    t = np.linspace(-1, 1, SIDE)[:, None]
    knots, gap = np.linspace(-1, 1, KNOTS, retstep=True)
    basis = np.hstack([np.ones_like(t), t, np.exp(-0.5 * ((t - knots) / (0.9 * gap)) ** 2)]).astype(np.float32)

    angle = np.deg2rad(_normal(rng, n, *TURN))
    slant = UPRIGHT + _normal(rng, n, *SLANT)
    stretch = np.exp(_normal(rng, n, *STRETCH))
    terms = np.zeros((2, n, 2 + KNOTS, 2 + KNOTS), np.float32)  # [x or y, image, function of y, function of x], px
    terms[:, :, 0, 0] = (side - 1) / 2
    terms[0, :, 0, 1] = REACH * np.cos(angle) * stretch
    terms[0, :, 1, 0] = REACH * (slant - np.sin(angle))
    terms[1, :, 0, 1] = REACH * np.sin(angle)
    terms[1, :, 1, 0] = REACH * np.cos(angle) / stretch
    strength = rng.uniform(-BEND / 3, BEND, (n, 1, 1)).clip(0).astype(np.float32)  # a quarter is not bent
    terms[:, :, 2:, 2:] = strength * rng.standard_normal((2, n, KNOTS, KNOTS), np.float32)
    x, y = basis @ (terms @ basis.T)
    return warp(digits, x, y)


def _normal(rng: np.random.Generator, n: int, deviation: float, limit: float) -> np.ndarray:
    return rng.normal(0, deviation, n).clip(-limit, limit)


def thicken(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bring the strokes of most digits to a random width."""
    ink = ink.copy()
    wide, thin = _morph(cv2.dilate, ink, CROSS), _morph(cv2.erode, ink, CROSS)
    area, rim = (image.sum(axis=(1, 2), dtype=np.float32) for image in (ink, wide - thin))
    width = 4 * area / np.maximum(rim, 1)  # the rim is two edges, each 2 px wide, along the stroke
    wanted = np.exp(rng.normal(np.log(PEN), SPREAD, len(ink))).clip(THINNEST, THICKEST)
    steps = ((wanted - width) / 2).clip(-0.8, 2.5) * (rng.random(len(ink)) < OTHER_PEN)  # a step: 1 px on either side
    thinner = steps < 0
    ink[thinner] = _mix(ink[thinner], thin[thinner], -steps[thinner])
    for done, kernel in enumerate((CROSS, SQUARE, CROSS)):
        wider = steps > done
        ink[wider] = _mix(ink[wider], _morph(cv2.dilate, ink[wider], kernel), (steps[wider] - done).clip(0, 1))
    return ink


def _morph(operation, images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Dilate or erode all images in one call."""
    return operation(_one_below_the_other(images), kernel).reshape(images.shape) if len(images) else images


def _mix(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share[:, None, None].astype(np.float32)
    return (one + share * (other.astype(np.float32) - one)).astype(np.uint8)


def stain(ink: np.ndarray, rng: np.random.Generator) -> None:
    """Put a speck beside some digits, and a gap into the stroke of others, in place."""
    for i in np.flatnonzero(rng.random(len(ink)) < SPECK):
        cv2.circle(ink[i], rng.integers(4, SIDE - 4, 2).tolist(), int(rng.integers(1, 3)), 255, -1)
    for i in np.flatnonzero(rng.random(len(ink)) < GAP):
        y, x = divmod(int((ink[i] * rng.random((SIDE, SIDE), np.float32)).argmax()), SIDE)
        cv2.circle(ink[i], (x, y), int(rng.integers(1, 3)), 0, -1)


def melt(ink: np.ndarray, rng: np.random.Generator) -> None:
    """Blur some digits and make their edges sharp again, in place, as a threshold does with a blurred photo."""
    times = rng.integers(*BLURS, len(ink), endpoint=True) * (rng.random(len(ink)) < MELTED)
    for done in range(times.max(initial=0)):
        ink[times > done] = _blur(ink[times > done])
    some = ink[times > 0]
    blackest = some.max(axis=(1, 2), keepdims=True).clip(1).astype(np.float32)
    ink[times > 0] = (255 * (3 * (some / blackest) - 1)).clip(0, 255)  # a third as black is paper, two thirds are ink


def _blur(images: np.ndarray) -> np.ndarray:
    """Blur images (n, s, s) by 0.8 px."""
    return cv2.GaussianBlur(_one_below_the_other(images), (3, 3), 0).reshape(images.shape) if len(images) else images


def _one_below_the_other(images: np.ndarray) -> np.ndarray:
    """Make one picture of images (n, s, s): blank between them, lest ink pass from one to the next."""
    images = images.copy()
    images[:, [0, -1]] = 0
    return images.reshape(-1, images.shape[2])


def tone(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur some digits, and give all another blackness and another fall from the middle of a stroke to its edge."""
    n = len(ink)
    soft = rng.random(n) < SOFT
    ink[soft] = _blur(ink[soft])
    darkest = ink.max(axis=(1, 2), keepdims=True).clip(40).astype(np.float32)
    black = (255 * rng.uniform(*BLACK, (n, 1, 1))).astype(np.float32)
    curve = rng.uniform(*FALL, (n, 1, 1)).astype(np.float32)
    share = ink / darkest
    return (black * share * (1 + curve * (1 - share))).clip(0, 255).astype(np.uint8)


def plot_distortions(digits: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """Draw one digit of each kind, printed digits, and junk, beside what eleven epochs make of them."""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(1)
    originals = np.stack([rng.choice(digits[labels == digit]) for digit in range(10)])

    def others() -> list[np.ndarray]:
        return [print_digits(rng.integers(10, size=1), rng), draw_junk(digits, 2, rng)]

    columns = [np.concatenate([originals, *others()])]
    for _ in range(11):
        restyled = restyle(originals, np.arange(10), rng)
        columns.append(distort(np.concatenate([restyled, *others()]), rng))
    sheet = np.concatenate(np.stack(columns, axis=2), axis=0)  # (13 kinds * 28, 12 epochs, 28)
    figure = Figure(figsize=(8, 9), layout="constrained")
    axes = figure.subplots()
    axes.imshow(255 - sheet.reshape(len(sheet), -1), cmap="gray", vmin=0, vmax=255)
    axes.axvline(27.5, color="#0072b2")
    axes.axhline(279.5, color="#0072b2")
    axes.set_title("MNIST's digits (left), and what the network sees of them in eleven epochs;\nbelow, print and junk")
    axes.set_xticks([14, 182], ["original", "one epoch after the other"])
    axes.set_yticks(14 + 28 * np.arange(13), [*"0123456789", "print", "junk", "junk"])
    axes.tick_params(length=0)
    with whole_file(path) as part:
        figure.savefig(part, dpi=100, format="png")


def main() -> None:
    """Draw the picture from the first training digits."""
    argparse.ArgumentParser(prog="python -m utils.handwriting", description=f"Draw {PICTURE}.").parse_args()
    if not TRAIN_CSV.exists():
        ensure_dataset()
    data, labels = load_dataset(TRAIN_CSV)
    if missing := set(range(10)) - set(labels.tolist()):
        raise ValueError(f"{TRAIN_CSV}: no digit {min(missing)} in {len(labels):,} rows, expected all ten digits")
    plot_distortions(data.reshape(-1, 28, 28), labels, PICTURE)
    print("saved", PICTURE)


if __name__ == "__main__":
    sys.exit(run(main))
