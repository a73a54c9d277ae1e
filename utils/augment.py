"""Handwriting that MNIST's writers did not hand in: every epoch sees other digits than the last."""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from utils.dataset import encode, load_dataset
from utils.download import TRAIN_CSV, ensure_dataset
from utils.styles import CHUNK, frame, junk, restyle, warp

PART = 5000  # digits that are written at a time
PLAIN_SHARE, LATE_PLAIN_SHARE = 0.3, 0.7  # of the digits stays as MNIST has them, and in the last quarter of the epochs
JUNK_SHARE = 0.08  # of the digits is replaced by junk
SIDE = 32  # px of the canvas on which digits are bent and thickened: 1.1 of it for one of MNIST's
REACH = 14.1  # MNIST's px from the centre of the canvas to its edge
KNOTS = 6  # knots along a side of the elastic displacement field
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def distort(digits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Write every digit anew: bent, with another pen, stained, in other ink, and again in MNIST's frame.

    Parameters
    ----------
    digits : (N, 28, 28) uint8, 0 is paper and 255 is ink

    Returns
    -------
    (N, 28, 28) uint8
    """
    distorted = np.empty_like(digits)
    for start in range(0, len(digits), CHUNK):
        ink = bend(digits[start : start + CHUNK], rng)
        ink = thicken(ink, rng)
        stain(ink, rng)
        ink = frame(ink, rng)
        distorted[start : start + CHUNK] = tone(ink, rng)
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

    angle = np.deg2rad(rng.normal(0, 7, n).clip(-15, 15))
    slant = rng.normal(-0.05, 0.2, n).clip(-0.5, 0.5)
    stretch = np.exp(rng.normal(0, 0.1, n).clip(-0.25, 0.25))
    terms = np.zeros((2, n, 2 + KNOTS, 2 + KNOTS), np.float32)  # [x or y, image, function of y, function of x], px
    terms[:, :, 0, 0] = (side - 1) / 2
    terms[0, :, 0, 1] = REACH * np.cos(angle) * stretch
    terms[0, :, 1, 0] = REACH * (slant - np.sin(angle))
    terms[1, :, 0, 1] = REACH * np.sin(angle)
    terms[1, :, 1, 0] = REACH * np.cos(angle) / stretch
    strength = rng.uniform(-0.5, 1.5, (n, 1, 1)).clip(0).astype(np.float32)
    terms[:, :, 2:, 2:] = strength * rng.standard_normal((2, n, KNOTS, KNOTS), np.float32)
    x, y = basis @ (terms @ basis.T)
    return warp(digits, x, y)


def thicken(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bring the strokes of most digits to a random width, from a sharp pencil's to a marker's."""
    ink = ink.copy()
    wide, thin = _morph(cv2.dilate, ink, CROSS), _morph(cv2.erode, ink, CROSS)
    area, rim = (image.sum(axis=(1, 2), dtype=np.float32) for image in (ink, wide - thin))
    width = 4 * area / np.maximum(rim, 1)  # the rim is two edges, each 2 px wide, along the stroke
    wanted = np.exp(rng.normal(np.log(3.2), 0.35, len(ink))).clip(1.3, 5.3)
    steps = ((wanted - width) / 2).clip(-0.8, 2.5) * (rng.random(len(ink)) < 0.75)  # one step is 1 px on either side
    thinner = steps < 0
    ink[thinner] = _mix(ink[thinner], thin[thinner], -steps[thinner])
    for done, kernel in enumerate((CROSS, SQUARE, CROSS)):
        wider = steps > done
        ink[wider] = _mix(ink[wider], _morph(cv2.dilate, ink[wider], kernel), (steps[wider] - done).clip(0, 1))
    return ink


def _morph(operation, images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Dilate or erode all images in one call; they have blank margins between them."""
    return operation(images.reshape(-1, SIDE), kernel).reshape(images.shape) if len(images) else images


def _mix(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share[:, None, None].astype(np.float32)
    return (one + share * (other.astype(np.float32) - one)).astype(np.uint8)


def stain(ink: np.ndarray, rng: np.random.Generator) -> None:
    """Put a speck beside some digits, and a gap into the stroke of others, in place."""
    for i in np.flatnonzero(rng.random(len(ink)) < 0.06):
        cv2.circle(ink[i], rng.integers(4, SIDE - 4, 2).tolist(), int(rng.integers(1, 3)), 255, -1)
    for i in np.flatnonzero(rng.random(len(ink)) < 0.10):
        y, x = divmod(int((ink[i] * rng.random((SIDE, SIDE), np.float32)).argmax()), SIDE)
        cv2.circle(ink[i], (x, y), int(rng.integers(1, 3)), 0, -1)


def tone(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur some digits, and give all another blackness and another fall from the middle of a stroke to its edge."""
    n, side, _ = ink.shape
    soft = rng.random(n) < 0.25
    if soft.any():
        ink[soft] = cv2.GaussianBlur(ink[soft].reshape(-1, side), (3, 3), 0).reshape(-1, side, side)
    darkest = ink.max(axis=(1, 2), keepdims=True).clip(40).astype(np.float32)
    black = (255 * rng.uniform(0.7, 1.05, (n, 1, 1))).astype(np.float32)
    curve = rng.uniform(-0.5, 0.7, (n, 1, 1)).astype(np.float32)
    share = ink / darkest
    return (black * share * (1 + curve * (1 - share))).clip(0, 255).astype(np.uint8)


def handwriting(
    digits: np.ndarray, labels: np.ndarray, seed: int, epoch: int, epochs: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield one epoch of shuffled digits in fresh handwriting, in parts; some stay as they are, some are junk.

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
    plain_share = LATE_PLAIN_SHARE if epoch + 1 > 0.75 * epochs else PLAIN_SHARE
    order = rng.permutation(len(digits))
    for start in range(0, len(order), PART):
        part = order[start : start + PART]
        written, targets = digits[part], encode(labels[part])
        anew = rng.random(len(part)) >= plain_share
        written[anew] = restyle(written[anew], labels[part][anew], rng)
        other = rng.random(len(part)) < JUNK_SHARE
        written[other], targets[other] = junk(digits, other.sum(), rng), 1 / targets.shape[1]
        anew |= other
        written[anew] = distort(written[anew], rng)
        yield written, targets


def plot_distortions(digits: np.ndarray, labels: np.ndarray, path: str | Path, seed: int = 1) -> None:
    """Draw one digit of each kind, and junk, beside what eleven epochs make of it."""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(seed)
    originals = np.stack([rng.choice(digits[labels == digit]) for digit in range(10)])
    rows = [np.concatenate([originals, junk(digits, 2, rng)])]
    for _ in range(11):
        restyled = restyle(originals, np.arange(10), rng)
        rows.append(distort(np.concatenate([restyled, junk(digits, 2, rng)]), rng))
    sheet = np.stack(rows, axis=1)  # (12 kinds, 12 epochs, 28, 28)
    figure = Figure(figsize=(8, 8.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(255 - sheet.transpose(0, 2, 1, 3).reshape(12 * 28, 12 * 28), cmap="gray", vmin=0, vmax=255)
    axes.axvline(27.5, color="#0072b2")
    axes.axhline(279.5, color="#0072b2")
    axes.set_title("What the network sees: MNIST's digit (left), the same digit in eleven epochs,\nand junk (below)")
    axes.set_xticks([14, 182], ["MNIST", "one epoch after the other"])
    axes.set_yticks(14 + 28 * np.arange(12), [*"0123456789", "junk", "junk"])
    axes.tick_params(length=0)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Draw output/distortions.png from the first training digits."""
    if not TRAIN_CSV.exists():
        ensure_dataset()
    data, labels = load_dataset(TRAIN_CSV)
    path = Path("output/distortions.png")
    plot_distortions(data.reshape(-1, 28, 28), labels, path)
    print("saved", path)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"augment: error: {error}")
