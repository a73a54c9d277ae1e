"""What is on paper and is no digit, as a careless segmentation would crop it.

Trained with the same probability for each class, junk teaches the ten outputs to be unsure, and the largest probability
becomes a score by which to reject (Hendrycks, Mazeika, Dietterich: Deep Anomaly Detection with Outlier Exposure, 2019).
"""

import cv2
import numpy as np

from utils.fonts import CANVAS, print_sign
from utils.frame import frame_many

INK = 100  # grey level from which a pixel of a digit counts as ink
PENS = 2, 9  # px of the canvas: the thinnest pen, and the first that is too thick

# none that a hand writes like a digit
LETTERS = "AaCcdEeFfHhJjKkLMmNnPpRrTtUuVvWwXx@#%&$*?<>{}"

# Signs and pieces of printed lines as strokes on a grid of 5 x 5 points, A to E in its first row, U to Y in its last.
# Two points make a line, three a curve, the same point twice a dot. Upright bars and the corners that readers take for
# 1 and 7 are left out.
SIGNS = (
    *("KO CW",) * 8,  # +, the commonest beside digits, and like a 4
    *("KO", "KO", "FJ PT", "AY EU", "KO CC WW", "KO CC WW", "CC WW", "AY EU CW KO"),  # - = x ÷ : *
    *("DKX", "BOV", "DB BV VX", "BD DX XV", "EK KY", "AO OU", "UC CY", "BG DI"),  # ( ) [ ] < > ^ "
    *("KV VE", "FQ QE", "KO IO SO", "KO GK QK", "CW GC IC", "CW QW SW"),  # ticks and arrows
    *("AU UY", "EY YU", "UA AE", "AE CW", "UY CW", "AU KO", "EY KO", "KO CW AE", "FJ KO PT"),  # corners, tees, rules
    *("FJ BV DX PT", "BV DX", "FJ PT BV"),  # a net
    *("AE EY YU UA", "AE EY YU UA", "AE EY YU UA KO", "AE EY YU UA CW"),  # boxes and cells
)


def draw_junk(digits: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n images that are not one digit.

    Parameters
    ----------
    digits : (N, 28, 28) uint8, 0 is paper and 255 is ink: what pairs and pieces are made of

    Returns
    -------
    (n, 28, 28) uint8 in MNIST's frame
    """
    canvas = np.zeros((n, CANVAS, CANVAS), np.uint8)
    for image, draw in zip(canvas, rng.choice(list(KINDS), n, p=list(KINDS.values()))):
        draw(image, digits, rng)
    return frame_many(canvas)


def letter(image: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> None:
    """A letter that is printed."""
    print_sign(image, LETTERS[rng.integers(len(LETTERS))], rng)


def sign(image: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> None:
    """A sign, or a piece of printed lines, as irregular as a hand makes it."""
    strokes = SIGNS[rng.integers(len(SIGNS))].split()
    pen = int(rng.integers(*PENS))
    narrow = rng.uniform(0.9, 1.2) if "UA" in strokes else rng.uniform(0.5, 1.0)  # a box is never as narrow as a 0
    for stroke in strokes:
        grid = np.array([divmod(ord(point) - ord("A"), 5)[::-1] for point in stroke]) / 2 - 1
        points = CANVAS / 2 + 19 * grid * (narrow, min(1, 1 / narrow)) + rng.normal(0, 1.5, grid.shape)
        if stroke[0] == stroke[-1]:
            cv2.circle(image, points[0].astype(int).tolist(), max(1, round(0.7 * pen)), 255, -1, cv2.LINE_AA)
            continue
        middle = points[1] if len(points) == 3 else points.mean(axis=0) + rng.normal(0, 1.5, 2)
        t = np.linspace(0, 1, 9)[:, None]
        curve = (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * middle + t**2 * points[-1]
        cv2.polylines(image, [np.round(16 * curve).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 4)


def patch(image: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> None:
    """A shadow, a smear, a grain of texture: a place where smooth noise is high."""
    noise = rng.standard_normal((CANVAS, CANVAS), np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(2.5, 9), None, rng.uniform(2.5, 9))
    mask = (noise > np.quantile(noise, rng.uniform(0.3, 0.85))).astype(np.uint8)
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    labels, stats = cv2.connectedComponentsWithStats(mask)[1:3]
    if len(stats) > 1:
        image[labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()] = 255


def blot(image: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> None:
    """A full stop, the inside of a digit, half a coin: round, or half round, and filled; not as narrow as a 1."""
    half = rng.uniform(14, 24)
    axes = round(half), round(half * rng.uniform(0.5, 1))
    cv2.ellipse(image, (32, 32), axes, rng.uniform(0, 360), 90, rng.choice([270, 450]), 255, -1, cv2.LINE_AA)


def scribble(image: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> None:
    """A random walk."""
    walk = rng.normal(0, 1, (int(rng.integers(5, 12)), 2)).cumsum(axis=0)
    walk -= walk.min(axis=0)
    walk *= 48 / walk[:, 0].max() if walk[:, 0].max() > 0.5 * walk[:, 1].max() else 0
    cv2.polylines(image, [(walk.clip(0, 48) + 8).astype(np.int32)], False, 255, int(rng.integers(2, 5)), cv2.LINE_AA)


def ground(image: np.ndarray, digits: np.ndarray, rng: np.random.Generator) -> None:
    """The paper around a digit, taken for ink."""
    digit = digits[rng.integers(len(digits))]
    x, y, w, h = cv2.boundingRect((digit > INK).astype(np.uint8))
    rim = int(rng.integers(0, 4))
    part = 255 - digit[max(0, y - rim) : y + h + rim, max(0, x - rim) : x + w + rim]
    image[16 : 16 + part.shape[0], 16 : 16 + part.shape[1]] = part


def pair(image: np.ndarray, digits: np.ndarray, rng: np.random.Generator, share: float = 1.0) -> None:
    """Two digits that touch or nearly do; of the second only its left share."""
    one, other = digits[rng.integers(len(digits), size=2)]
    lowered = np.roll(other, int(rng.integers(-3, 4)), axis=0)
    x = 4 + np.clip(_touching(one, lowered) - rng.integers(-1, 4), 4, 27)
    if share < 1:
        left, _, width, _ = cv2.boundingRect((lowered > INK).astype(np.uint8))
        lowered[:, left + int(width * share) :] = 0
    image[18:46, 4:32] = one
    np.maximum(image[18:46, x : x + 28], lowered, out=image[18:46, x : x + 28])


def _touching(one: np.ndarray, other: np.ndarray) -> int:
    """By how many px the other digit must stand to the right of one so that their ink touches."""
    left, right = one > INK, other > INK
    both = left.any(axis=1) & right.any(axis=1)
    apart = one.shape[1] - left[:, ::-1].argmax(axis=1) - right.argmax(axis=1)
    return int(apart[both].max(initial=0))


def neighbour(image: np.ndarray, digits: np.ndarray, rng: np.random.Generator) -> None:
    """A digit with a part of another on its right, or, stood on its head, on its left."""
    pair(image, digits, rng, rng.uniform(0.3, 0.65))
    if rng.random() < 0.5:
        image[:] = image[::-1, ::-1]


def piece(image: np.ndarray, digits: np.ndarray, rng: np.random.Generator) -> None:
    """The upper or the lower third of a digit; what is left of a stem lies on its side, since upright it is a 1."""
    digit = digits[rng.integers(len(digits))]
    rows = np.flatnonzero(digit.max(axis=1) > INK)
    at = rng.uniform(0.28, 0.38) * (len(rows) - 1)
    cut = int(np.interp(at, np.arange(len(rows)), rows)) if len(rows) else 14
    part = digit[:cut] if rng.random() < 0.5 else digit[-1 - cut : 27]
    wide, tall = ((part > INK).any(axis=axis).sum() for axis in (0, 1))
    part = part if wide > 1.2 * tall else part.T
    image[10 : 10 + part.shape[0], 10 : 10 + part.shape[1]] = part


# kinds of junk, and the share of each: more of what is more often taken for a digit
KINDS = {
    **{letter: 0.22, sign: 0.2, patch: 0.05, blot: 0.04, scribble: 0.04, ground: 0.02},
    **{pair: 0.3, neighbour: 0.08, piece: 0.05},
}
