"""What MNIST lacks: other writers' shapes of digits, and things on paper that are no digit."""

import cv2
import numpy as np

CHUNK = 500  # images that are stacked for one remap: OpenCV takes at most 32,767 rows
INK = 100  # grey level from which a pixel, or a row of pixels together, counts as ink
MARGIN = 8  # px around a digit while strokes are added to it
CANVAS = 64  # px, side of the canvas on which junk is drawn

# a digit, the share of its images that change, and how: see the functions of these names
STYLES = {1: 0.8, 7: 0.35, 9: 0.3, 0: 0.1}

# kinds of junk and their shares
JUNK = {"rules": 0.15, "blot": 0.04, "scribble": 0.1, "letter": 0.2, "pair": 0.31, "neighbour": 0.12, "piece": 0.08}

# strokes between the points of a 3 x 3 grid, numbered row by row: dash, equals, plus, x, corners, brackets, tees, grid;
# upright bars, boxes and corners that a reader takes for 1, 0 and 7 are left out
RULES = ("35", "35", "02 68", "02 35 68", "17 35", "08 26", "06 68", "02 06", "28 68", "02 06 68", "02 28 68", "06 35")

LETTERS = "AaEeFHhKkMmNnPRrtVvWwXxdfjJ@#%*<"  # without those that look like a digit, whole or broken
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def frame(images: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
    """Fit ink into MNIST's frame: long side 20 px, centre of mass at the centre of 28 x 28.

    Parameters
    ----------
    images : (n, s, s) uint8, 0 is paper and 255 is ink, n at most `CHUNK` and n * s at most 32,767
    rng : if given, size and place get the small errors that a crop from a photo has

    Returns
    -------
    (n, 28, 28) uint8
    """
    n, side, _ = images.shape
    ink, ones = images.astype(np.float32), np.ones(side, np.float32)
    profiles = np.stack([ink @ ones, ones @ ink])  # sums of rows and of columns
    inked = profiles > INK
    height, width = side - inked.argmax(axis=2) - inked[:, :, ::-1].argmax(axis=2)
    scale = np.maximum(np.maximum(height, width), 3) / 20
    y, x = profiles @ np.arange(side, dtype=np.float32) / np.maximum(profiles.sum(axis=2), 1)
    if rng is not None:
        scale = scale * np.exp(rng.normal(0, 0.05, n))
        y, x = (middle + scale * rng.normal(0, 0.6, n) for middle in (y, x))
    steps = scale[:, None] * (np.arange(28) - 13.5)
    return warp(images, (x[:, None] + steps)[:, None, :], (y[:, None] + steps)[:, :, None])


def warp(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fetch each pixel of image i from (x[i], y[i]) of that image, all images in one `cv2.remap`.

    Parameters
    ----------
    images : (n, s, s) uint8, n * s at most 32,767
    x, y : px, of shapes that broadcast to (n, t, t)

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


def restyle(digits: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give a share of the digits the parts that MNIST's American writers leave out.

    A 1 gets a flag and a foot, a 7 a bar across its stem, a 9 a curled leg, a 0 a tail: each a short curve in the
    digit's own stroke width, from an end that is found in the digit's own ink.

    Parameters
    ----------
    digits : (N, 28, 28) uint8, 0 is paper and 255 is ink
    labels : (N,) ints

    Returns
    -------
    (N, 28, 28) uint8; those without a new part are as they were
    """
    digits = digits.copy()
    for (digit, share), add_strokes in zip(STYLES.items(), (_ones, _sevens, _nines, _noughts)):
        chosen = np.flatnonzero((labels == digit) & (rng.random(len(digits)) < share) & (digits.max(axis=(1, 2)) > 128))
        for start in range(0, len(chosen), CHUNK):
            some = chosen[start : start + CHUNK]
            ink = np.pad(digits[some], ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
            add_strokes(ink, rng)
            digits[some] = frame(ink)
    return digits


def _ones(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A flag, a foot or both; a flag without a foot hangs steeply, or it would make a 7."""
    n = len(ink)
    (x, y), (foot_x, foot_y), height, pen = _ends(ink)
    flag, foot = rng.random(n) < 0.96, rng.random(n) < 0.4
    long = rng.random(n) < 0.3  # an upstroke as long as the stem, as in much of Europe
    reach = np.where(long, rng.uniform(0.5, 1.0, n), rng.uniform(0.15, 0.55, n)) * height
    hang = np.deg2rad(np.where(long, rng.uniform(30, 60, n), rng.uniform(np.where(foot, 10, 25), 70)))
    tip_x, tip_y = x - reach * np.cos(hang), y + reach * np.sin(hang)
    bow_x, bow_y = rng.normal(0, 0.12, (2, n)) * reach
    _stroke(ink, (x, y), ((x + tip_x) / 2 + bow_x, (y + tip_y) / 2 + bow_y), (tip_x, tip_y), pen * flag)
    left, right = rng.uniform(0.1, 0.45, (2, n)) * height
    tilt = rng.normal(0, 0.06, n) * height
    ends = (foot_x - left, foot_y - tilt), (foot_x + right, foot_y + tilt)
    _stroke(ink, ends[0], (foot_x, foot_y), ends[1], pen * (foot | ~flag))


def _sevens(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A bar across the stem, where there is one stem to cross."""
    n, _, side = ink.shape
    (_, top), _, height, pen = _ends(ink)
    y = top + rng.uniform(0.45, 0.62, n) * height
    row = ink[np.arange(n), y.astype(int)] > INK
    x = row @ np.arange(side) / np.maximum(row.sum(axis=1), 1)
    wide = side - row.argmax(axis=1) - row[:, ::-1].argmax(axis=1)
    half, tilt = rng.uniform(0.18, 0.36, n) * height, rng.normal(-0.03, 0.06, n) * height
    _stroke(ink, (x - half, y - tilt), (x, y), (x + half, y + tilt), pen * (wide < 9))


def _nines(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A leg that curls to the left."""
    n = len(ink)
    _, (x, y), height, pen = _ends(ink)
    reach = rng.uniform(0.25, 0.7, n) * height
    drop, rise = rng.uniform(0.1, 0.3, n) * height, rng.uniform(-0.1, 0.2, n) * height
    _stroke(ink, (x, y), (x - 0.15 * reach, y + drop), (x - reach, y - rise), pen)


def _noughts(ink: np.ndarray, rng: np.random.Generator) -> None:
    """A tail where the pen came from or went to."""
    n = len(ink)
    (x, y), _, height, pen = _ends(ink)
    reach = rng.uniform(0.3, 0.6, n) * height * rng.choice([-1, 1], n)
    dip, lift = rng.uniform(-0.1, 0.2, n) * height, rng.uniform(-0.15, 0.15, n) * height
    _stroke(ink, (x, y), (x + reach / 2, y + dip), (x + reach, y + lift), pen)


def _ends(ink: np.ndarray) -> tuple[tuple, tuple, np.ndarray, np.ndarray]:
    """Find (x, y) of the top and of the bottom end of each digit, its height, and a pen as wide as its strokes."""
    firm = ink > 100
    rows = firm.any(axis=2)
    top, bottom = rows.argmax(axis=1), ink.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    height = np.maximum(bottom - top, 1)
    pen = np.sqrt(firm.sum(axis=(1, 2)) / height / 1.3).round().astype(int).clip(1, 3)
    each, grid = np.arange(len(ink)), np.arange(ink.shape[2])
    head, foot = (row @ grid / row.sum(axis=1) for row in (firm[each, top], firm[each, bottom]))
    return (head, top + 0.5), (foot, bottom - 0.5), height, pen


def _stroke(ink: np.ndarray, start: tuple, middle: tuple, end: tuple, pen: np.ndarray) -> None:
    """Draw on each image a quadratic Bezier curve through three points (x, y), `pen` px wide; 0 draws nothing."""
    t = np.linspace(0, 1, 6)[:, None, None]
    curves = (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(middle) + t**2 * np.array(end)
    curves = np.round(16 * curves.transpose(2, 0, 1)).astype(np.int32, order="C")  # 4 bits of sub-pixel
    for image, curve, width in zip(ink, curves, pen.tolist()):
        if width:
            cv2.polylines(image, [curve], False, 255, width, cv2.LINE_AA, 4)


def junk(digits: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Make images that are not one digit, as a careless segmentation would crop them.

    Trained with the same probability for each class, they teach the ten outputs to be unsure, and the largest
    probability becomes a score by which to reject (Hendrycks, Mazeika, Dietterich: Deep Anomaly Detection with
    Outlier Exposure, 2019).

    Parameters
    ----------
    digits : (N, 28, 28) uint8, 0 is paper and 255 is ink: what pairs and pieces are made of

    Returns
    -------
    (n, 28, 28) uint8 in MNIST's frame
    """
    canvas = np.zeros((n, CANVAS, CANVAS), np.uint8)
    kinds = rng.choice(len(JUNK), n, p=list(JUNK.values()))
    draw = (_rules, _blot, _scribble, _letter)
    for image, kind in zip(canvas, kinds):
        if kind < len(draw):
            draw[kind](image, rng)
        else:
            _broken(image, digits[rng.integers(len(digits), size=2)], list(JUNK)[kind], rng)
    return np.concatenate([frame(canvas[i : i + CHUNK]) for i in range(0, n, CHUNK)]) if n else canvas[:, :28, :28]


def _rules(image: np.ndarray, rng: np.random.Generator) -> None:
    pen = int(rng.integers(2, 9))
    squeeze = rng.uniform(0.4, 1.0)
    for start, end in RULES[rng.integers(len(RULES))].split():
        points = [divmod(int(point), 3)[::-1] for point in (start, end)]
        ends = (np.array(points) - 1) * (21, 21 * squeeze) + rng.normal(0, 2, (2, 2)) + CANVAS / 2
        cv2.line(image, *ends.astype(int).tolist(), 255, pen, cv2.LINE_AA)


def _blot(image: np.ndarray, rng: np.random.Generator) -> None:
    axes, tilt = rng.integers(12, 22, 2).tolist(), rng.uniform(0, 180)
    cv2.ellipse(image, (CANVAS // 2, CANVAS // 2), axes, tilt, 0, 360, 255, -1, cv2.LINE_AA)


def _scribble(image: np.ndarray, rng: np.random.Generator) -> None:
    walk = rng.normal(0, 1, (int(rng.integers(5, 12)), 2)).cumsum(axis=0)
    walk -= walk.min(axis=0)
    walk *= 48 / walk[:, 0].max() if walk[:, 0].max() > 0.5 * walk[:, 1].max() else 0
    cv2.polylines(image, [(walk.clip(0, 48) + 8).astype(np.int32)], False, 255, int(rng.integers(2, 5)), cv2.LINE_AA)


def _letter(image: np.ndarray, rng: np.random.Generator) -> None:
    letter, font = LETTERS[rng.integers(len(LETTERS))], FONTS[rng.integers(len(FONTS))]
    cv2.putText(image, letter, (12, 48), font, 1.4, 255, int(rng.integers(1, 6)), cv2.LINE_AA)


def _broken(image: np.ndarray, two: np.ndarray, kind: str, rng: np.random.Generator) -> None:
    """Two digits that touch, one with a part of its neighbour, or a third of one."""
    one, other = two
    if kind == "piece":
        rows = np.flatnonzero(one.max(axis=1) > INK)
        at = rng.uniform(0.28, 0.38) * (len(rows) - 1)
        cut = int(np.interp(at, np.arange(len(rows)), rows)) if len(rows) else 14
        piece = one[:cut] if rng.random() < 0.5 else one[-1 - cut : 27]
        wide, tall = ((piece > INK).any(axis=axis).sum() for axis in (0, 1))
        piece = piece if wide > 1.2 * tall else piece.T  # upright it is a 1, laid down it is a dash
        image[10 : 10 + piece.shape[0], 10 : 10 + piece.shape[1]] = piece
        return
    lowered = np.roll(other, int(rng.integers(-3, 4)), axis=0)
    x = 4 + np.clip(_touching(one, lowered) - rng.integers(-1, 4), 4, 27)
    if kind == "neighbour":
        left, _, width, _ = cv2.boundingRect((lowered > INK).astype(np.uint8))
        lowered[:, left + int(width * rng.uniform(0.3, 0.65)) :] = 0
    image[18:46, 4:32] = one
    np.maximum(image[18:46, x : x + 28], lowered, out=image[18:46, x : x + 28])
    if kind == "neighbour" and rng.random() < 0.5:
        image[:] = image[::-1, ::-1]


def _touching(one: np.ndarray, other: np.ndarray) -> int:
    """By how many px the other digit must stand to the right of one so that their ink touches."""
    left, right = one > INK, other > INK
    both = left.any(axis=1) & right.any(axis=1)
    apart = one.shape[1] - left[:, ::-1].argmax(axis=1) - right.argmax(axis=1)
    return int(apart[both].max(initial=0))
