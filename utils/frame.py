"""MNIST's frame, the same for training and for use: how a digit lies in its 28 x 28 pixels.

MNIST fits the longer side of a digit into 20 pixels, keeps its aspect, and puts its centre of mass on the middle of
pixel (14, 14) (LeCun, Bottou, Bengio, Haffner 1998).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from utils.ink import resize

SIDE = 28  # pixels of the frame
INNER = 20  # pixels: the box into which the longer side of a digit is fitted
MIDDLE = 14  # the pixel, across and down, on whose middle the centre of mass lies
FINE = 4  # a pixel of the frame is averaged from FINE x FINE
STROKE = 2.2  # pixels: thinner strokes are thickened to this; MNIST's own run from 1.3 to 3.2
TRACE = 0.25  # share of a digit's blackest ink: a fainter pixel does not count to its box
MOST_ROWS = 32_767  # in a picture that OpenCV warps
AT_ONCE = 256  # digits of INNER * FINE pixels and their margins in one picture of so many rows


def center_digit(ink: np.ndarray) -> np.ndarray:
    """Show a digit as MNIST would; strokes thinner than those of MNIST's pens are thickened first.

    Parameters
    ----------
    ink : (h, w) uint8, 0 is paper, ink is lighter

    Returns
    -------
    (28, 28) uint8, 0 is paper, 255 the blackest ink; all 0 where there is no ink
    """
    return center_digits([ink])[0]


def center_digits(inks: Sequence[np.ndarray]) -> np.ndarray:
    """Show many digits as MNIST would, see `center_digit`: (N, 28, 28) uint8."""
    parts = [_center(inks[start : start + AT_ONCE]) for start in range(0, len(inks), AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, SIDE, SIDE), np.uint8)


def _center(inks: Sequence[np.ndarray]) -> np.ndarray:
    n, side = len(inks), SIDE * FINE
    stack = np.zeros((n, side, side), np.uint8)
    for canvas, ink in zip(stack, inks):
        if ink.any():
            ink = _fit(ink)
            h, w = ink.shape
            y, x = (side - h) // 2, (side - w) // 2
            canvas[y : y + h, x : x + w] = ink

    grow = np.maximum(0, np.round(STROKE * FINE - _stroke_widths(stack))).astype(int)
    for step in set(grow.tolist()) - {0}:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (step + 1, step + 1))
        stack[grow == step] = cv2.dilate(stack[grow == step].reshape(-1, side), disc).reshape(-1, side, side)

    shrink = INNER * FINE / (INNER * FINE + grow)
    across, down = stack.sum(axis=1, dtype=np.float32), stack.sum(axis=2, dtype=np.float32)
    mass, steps = np.maximum(1, across.sum(axis=1)), np.arange(side, dtype=np.float32)
    middle = (MIDDLE + 0.5) * FINE - 0.5
    dx, dy = (middle - shrink * (profile @ steps) / mass for profile in (across, down))
    centred = np.empty_like(stack)
    for k in range(n):
        cv2.warpAffine(stack[k], np.float32([[shrink[k], 0, dx[k]], [0, shrink[k], dy[k]]]), (side, side), centred[k])
    return cv2.resize(centred.reshape(-1, side), (SIDE, n * SIDE), interpolation=cv2.INTER_AREA).reshape(n, SIDE, SIDE)


def _fit(ink: np.ndarray) -> np.ndarray:
    """Cut a picture that has ink to its digit, and bring its longer side to INNER * FINE pixels."""
    peak = int(ink.max())
    x, y, w, h = cv2.boundingRect(cv2.threshold(ink, TRACE * peak, 255, cv2.THRESH_BINARY)[1])
    return cv2.convertScaleAbs(resize(ink[y : y + h, x : x + w], INNER * FINE / max(w, h)), alpha=255 / peak)


def _stroke_widths(stack: np.ndarray) -> np.ndarray:
    """Width in pixels of the strokes in each of n pictures (n, s, s): twice the area over the perimeter."""
    mask = cv2.threshold(stack.reshape(-1, stack.shape[2]), 127, 1, cv2.THRESH_BINARY)[1]
    core = cv2.erode(mask, None)
    area, inside = (part.reshape(stack.shape).sum(axis=(1, 2), dtype=int) for part in (mask, core))
    return 2 * area / np.maximum(1, area - inside)


def frame_images(images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """Fit small images of the same size into the frame, all at once.

    Parameters
    ----------
    images : (n, s, s) uint8, 0 is paper and 255 is ink; n * s at most MOST_ROWS
    rng : if given, size and place get the small errors that a crop from a photo has

    Returns
    -------
    (n, 28, 28) uint8
    """
    n, side, _ = images.shape
    ink, ones = images.astype(np.float32), np.ones(side, np.float32)
    profiles = np.stack([ink @ ones, ones @ ink])  # sums of rows and of columns
    inked = profiles > 100  # grey levels of a whole row or column: fainter ones are blur
    height, width = side - inked.argmax(axis=2) - inked[:, :, ::-1].argmax(axis=2)
    scale = np.maximum(np.maximum(height, width), 3) / INNER
    y, x = profiles @ np.arange(side, dtype=np.float32) / np.maximum(profiles.sum(axis=2), 1)
    if rng is not None:
        scale = scale * np.exp(rng.normal(0, 0.05, n))  # 5 % of its size
        y, x = (middle + scale * rng.normal(0, 0.6, n) for middle in (y, x))  # pixels of the frame
    steps = scale[:, None] * (np.arange(SIDE) - MIDDLE)
    return warp(images, (x[:, None] + steps)[:, None, :], (y[:, None] + steps)[:, :, None])


def frame_many(images: np.ndarray) -> np.ndarray:
    """Fit any number of images (n, s, s) into the frame, see `frame_images`."""
    at_once = MOST_ROWS // images.shape[1]
    parts = [frame_images(images[start : start + at_once]) for start in range(0, len(images), at_once)]
    return np.concatenate(parts) if parts else np.zeros((0, SIDE, SIDE), np.uint8)


def warp(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fetch each pixel of image i from (x[i], y[i]) of that image, all images in one `cv2.remap`.

    Parameters
    ----------
    images : (n, s, s) uint8, n * s at most MOST_ROWS
    x, y : pixels, of shapes that broadcast to (n, t, t); y has n itself

    Returns
    -------
    (n, t, t) uint8, blank where the source lies outside
    """
    n, side, _ = images.shape
    hemmed = images.copy()
    hemmed[:, [0, -1]] = hemmed[:, :, [0, -1]] = 0
    x, y = (np.clip(way, 0, side - 1.01).astype(np.float32) for way in (x, y))  # OpenCV is slow beyond the border
    y += np.arange(0, n * side, side, dtype=np.float32)[:, None, None]
    x, y = (np.ascontiguousarray(way) for way in np.broadcast_arrays(x, y))
    size = x.shape[2]
    warped = cv2.remap(hemmed.reshape(-1, side), x.reshape(-1, size), y.reshape(-1, size), cv2.INTER_LINEAR)
    return warped.reshape(n, size, size)
