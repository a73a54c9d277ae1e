"""Small pictures that their digits fill, as people try first: files of MNIST's size, drawings, crops, strips.

Each kind is a function from random numbers, digits (N, 784) uint8 and labels (N,) to a `Page`.
"""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.handwriting import draw_digit
from tests.page import Page
from tests.scenery import rule, square
from tests.signs import font

BOLD = "DejaVuSans-Bold", "DejaVuSansMono-Bold", "DejaVuSerif-Bold", "STIXGeneralBol"
CAP = 0.7  # of a font's size: how high its digits are
INK, PAPER = (40, 35, 30), (225, 230, 232)  # BGR


def choose(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray, count: int) -> tuple[np.ndarray, str]:
    """Draw some digits, (count, 28, 28) uint8, light on 0, and what they say."""
    chosen = rng.integers(0, len(digits), count)
    return digits[chosen].reshape(-1, 28, 28), "".join(str(label) for label in labels[chosen])


def finish(rng: np.random.Generator, ink: np.ndarray, *lines: str) -> Page:
    """Make a picture of ink (h, w) uint8, light on dark or dark on light."""
    grey = ink if rng.random() < 0.5 else 255 - ink
    return Page(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), list(lines))


def draw(rng: np.random.Generator, pixels: np.ndarray, height: float, weight: float) -> np.ndarray:
    """Redraw a digit (28, 28) at a height in pixels, upright: (h, w) uint8, light on 0."""
    return (255 * draw_digit(pixels, height, weight, rng.normal(0, 2))).clip(0, 255).astype(np.uint8)


def lay(canvas: np.ndarray, ink: np.ndarray, x: int, y: int) -> None:
    """Put ink on a canvas in place, its left top at (x, y)."""
    part = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
    np.maximum(part, ink, out=part)


def as_it_is(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """A file of 28 x 28 pixels."""
    (ink,), said = choose(rng, digits, labels, 1)
    return finish(rng, ink, said)


def enlarged(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """The same, ten to 36 times as large, smooth or in blocks."""
    (ink,), said = choose(rng, digits, labels, 1)
    way = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_NEAREST
    return finish(
        rng, cv2.resize(ink, None, fx=(times := int(rng.choice([10, 36]))), fy=times, interpolation=way), said
    )


def tight(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Cropped to its ink, and ten times as large."""
    (ink,), said = choose(rng, digits, labels, 1)
    x, y, w, h = cv2.boundingRect((ink > 40).astype(np.uint8))
    crop = cv2.resize(ink[y : y + h, x : x + w], None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    return finish(rng, crop, said)


def drawing(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray, weight: tuple[float, float]) -> Page:
    """One digit on a canvas of 400 x 400 pixels."""
    (pixels,), said = choose(rng, digits, labels, 1)
    ink = draw(rng, pixels, rng.uniform(240, 320), rng.uniform(*weight))
    canvas = np.zeros((400, 400), np.uint8)
    lay(canvas, ink[:396, :396], max(2, 200 - ink.shape[1] // 2), max(2, 200 - ink.shape[0] // 2))
    return finish(rng, canvas, said)


def brush(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """With a brush as wide as a tenth of the canvas."""
    return drawing(rng, digits, labels, (1.0, 1.7))


def thin_pen(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """With a pen of some pixels."""
    return drawing(rng, digits, labels, (0.1, 0.3))


def bold(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """One digit in bold type, 40 to 500 pixels high."""
    _, said = choose(rng, digits, labels, 1)
    height = np.exp(rng.uniform(*np.log([40, 500])))
    face = font(BOLD[rng.integers(len(BOLD))], round(height / CAP))
    return finish(rng, typed(said, face, round(height * rng.uniform(0.2, 1.0))), said)


def typed(text: str, face: ImageFont.FreeTypeFont, margin: int) -> np.ndarray:
    """Set a text in type, with a margin in pixels around it: (h, w) uint8, light on 0."""
    left, top, right, bottom = face.getbbox(text)
    canvas = Image.new("L", (round(right - left) + 2 * margin, round(bottom - top) + 2 * margin))
    ImageDraw.Draw(canvas).text((margin - left, margin - top), text, 255, face)
    return np.array(canvas)


def two(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Two digits that fill their picture."""
    pair, said = choose(rng, digits, labels, 2)
    inks = [draw(rng, pixels, 150, rng.uniform(0.6, 1.2)) for pixels in pair]
    canvas = np.zeros((200, sum(ink.shape[1] for ink in inks) + 60), np.uint8)
    x = 20
    for ink in inks:
        lay(canvas, ink[:198], x, max(1, 100 - ink.shape[0] // 2))
        x += ink.shape[1] + 20
    return finish(rng, canvas, said)


def photo(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """A digit 500 pixels high on a photo of 1600 x 1200."""
    (pixels,), said = choose(rng, digits, labels, 1)
    ink = draw(rng, pixels, 500, rng.uniform(0.4, 1.2))
    canvas = np.zeros((1200, 1600), np.uint8)
    lay(
        canvas,
        ink[:1100],
        int(rng.integers(50, 1500 - ink.shape[1])),
        int(rng.integers(20, max(21, 1180 - ink.shape[0]))),
    )
    share = canvas[..., None].astype(np.float32) / 255
    light = np.linspace(rng.uniform(0.7, 1), 1, 1600, dtype=np.float32)[None, :, None]
    scene = (np.float32(PAPER) * (1 - share) + np.float32(INK) * share) * light
    return Page((scene + rng.normal(0, 2, scene.shape)).clip(0, 255).astype(np.uint8), [said])


def lined(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """One or two digits across the lines of ruled or squared paper, photographed from near."""
    some, said = choose(rng, digits, labels, int(rng.integers(1, 3)))
    size, weight = rng.uniform(150, 500), rng.uniform(0.25, 1.2)
    inks = [draw(rng, pixels, size, weight) for pixels in some]
    margin, gap = (round(share * size) for share in rng.uniform(0.1, 0.7, 2))
    high, wide = max(ink.shape[0] for ink in inks), sum(ink.shape[1] + gap for ink in inks) - gap
    canvas, x = np.zeros((high + 2 * margin, wide + 2 * margin), np.uint8), margin
    for ink in inks:
        lay(canvas, ink, x, (canvas.shape[0] - ink.shape[0]) // 2)
        x += ink.shape[1] + gap
    share = canvas[..., None].astype(np.float32) / 255
    scene = np.broadcast_to(np.float32(PAPER) / 255, share.shape[:2] + (3,)).copy()
    pattern = rule if rng.random() < 0.5 else square
    pattern(rng, scene, rng.uniform(0, size), size * rng.uniform(0.12, 0.8), rng.uniform(-0.03, 0.03))
    scene = scene * (1 - share) + np.float32(INK) / 255 * share
    scene = 255 * cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.5, 1.2)) * rng.uniform(0.7, 1)
    return Page((scene + rng.normal(0, 3, scene.shape)).clip(0, 255).astype(np.uint8), [said])


def edge(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Six digits cropped with no to two pixels to spare."""
    six, said = choose(rng, digits, labels, 6)
    inks = [draw(rng, pixels, 60, rng.uniform(0.5, 1)) for pixels in six]
    canvas = np.zeros((100, sum(ink.shape[1] + 30 for ink in inks)), np.uint8)
    x = 0
    for ink in inks:
        lay(canvas, ink[:98], x, 50 - min(98, ink.shape[0]) // 2)
        x += ink.shape[1] + 30
    x, y, w, h = cv2.boundingRect((canvas > 60).astype(np.uint8))
    spare = [int(rng.integers(0, 3))] * 4
    return finish(rng, cv2.copyMakeBorder(canvas[y : y + h, x : x + w], *spare, cv2.BORDER_CONSTANT, value=0), said)


def strip(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Fifty to 150 of MNIST's digits side by side, 40 pixels high."""
    many, said = choose(rng, digits, labels, int(rng.integers(50, 151)))
    return finish(rng, np.hstack(np.pad(many, ((0, 0), (6, 6), (2, 2)))), said)


def tile(
    rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray, rows: int, across: int, gap: int
) -> tuple[np.ndarray, list[str]]:
    """Lay tiles of MNIST's digits out in rows, `gap` pixels apart: (h, w) uint8, and what the rows say."""
    some, said = choose(rng, digits, labels, rows * across)
    tiles = np.pad(some, ((0, 0), (0, gap), (0, gap)), constant_values=255)
    side = tiles.shape[1]
    picture = tiles.reshape(rows, across, side, side).swapaxes(1, 2).reshape(rows * side, across * side)
    return picture, [said[k : k + across] for k in range(0, len(said), across)]


def mosaic(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Tiles of 28 x 28 pixels without a gap, so that the digits of two rows are as near as those of one."""
    picture, lines = tile(rng, digits, labels, *rng.integers(3, 17, 2), 0)
    return finish(rng, picture, *lines)


def figure(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Dark tiles on a white page, in one row to three, as plots of MNIST have them."""
    picture, lines = tile(rng, digits, labels, *rng.integers((1, 3), (4, 11)), int(rng.integers(4, 20)))
    times = int(rng.integers(2, 5))
    picture = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    picture = cv2.copyMakeBorder(picture, *rng.integers(10, 100, 4).tolist(), cv2.BORDER_CONSTANT, value=255)
    return Page(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), lines)


def in_boxes(
    rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray, gap: tuple[int, int], sides: float = 1.0
) -> Page:
    """Two to six digits, each in a printed box that is a little larger; there are `gap` pixels between the boxes.

    Boxes of which only the lower share of their `sides` is there have no lid.
    """
    some, said = choose(rng, digits, labels, int(rng.integers(2, 7)))
    inks = [draw(rng, pixels, 80, rng.uniform(0.5, 1))[:110, :110] for pixels in some]
    wide, high = (max(ink.shape[axis] for ink in inks) + int(rng.integers(6, 30)) for axis in (1, 0))
    apart, thick, grey = wide + int(rng.integers(*gap)), int(rng.integers(1, 6)), int(rng.integers(60, 255))
    canvas = np.zeros((high + 60, apart * len(inks) + 60), np.uint8)
    for i, ink in enumerate(inks):
        x, y = 30 + apart * i, 30
        top = y + round((1 - sides) * high)
        corners = np.array([(x, top), (x, y + high), (x + wide, y + high), (x + wide, top)])
        cv2.polylines(canvas, [corners], sides == 1, grey, thick)
        lay(canvas, ink, x + (wide - ink.shape[1]) // 2, y + (high - ink.shape[0]) // 2)
    return finish(rng, canvas, said)


def boxed(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """In boxes of their own, as on cards and coupons."""
    return in_boxes(rng, digits, labels, (8, 40))


def joined(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """In boxes that share their sides, as for a date or an account."""
    return in_boxes(rng, digits, labels, (0, 1))


def comb(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """Over a line with ticks between the digits."""
    return in_boxes(rng, digits, labels, (0, 1), rng.uniform(0.2, 0.6))


def circled(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """One to three digits with a line drawn around them."""
    some, said = choose(rng, digits, labels, int(rng.integers(1, 4)))
    inks = [draw(rng, pixels, 80, rng.uniform(0.5, 1))[:110, :110] for pixels in some]
    wide = sum(ink.shape[1] + 10 for ink in inks)
    half = np.array([0.75 * wide, 60]) + rng.integers(10, 100, 2)  # of the outline's sides, pixels
    turn = np.linspace(0, 2 * np.pi, 60)[:, None]
    wobble = 1 + 0.04 * np.sin(rng.integers(2, 6) * turn + rng.uniform(0, 6))
    outline = 30 + half * (1 + 0.96 * wobble * np.hstack([np.cos(turn), np.sin(turn)]))
    across, up = half.astype(int)
    canvas = np.zeros((2 * up + 60, 2 * across + 60), np.uint8)
    cv2.polylines(canvas, [np.int32(outline)], True, 255, int(rng.integers(3, 9)), cv2.LINE_AA)
    x = 35 + across - wide // 2
    for ink in inks:
        lay(canvas, ink, x, 30 + up - ink.shape[0] // 2)
        x += ink.shape[1] + 10
    return finish(rng, canvas, said)


def hollow(rng: np.random.Generator, digits: np.ndarray, labels: np.ndarray) -> Page:
    """One to four digits of which only the outline is drawn."""
    some, said = choose(rng, digits, labels, int(rng.integers(1, 5)))
    inks = [np.pad(draw(rng, pixels, 160, rng.uniform(0.8, 1.6)), 20) for pixels in some]
    canvas = np.zeros((max(ink.shape[0] for ink in inks), sum(ink.shape[1] for ink in inks)), np.uint8)
    x = 0
    for ink in inks:
        lay(canvas, ink, x, 0)
        x += ink.shape[1]
    edges, _ = cv2.findContours(np.uint8(canvas > 127), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    lines = cv2.drawContours(np.zeros_like(canvas), edges, -1, 255, int(rng.integers(2, 6)), cv2.LINE_AA)
    return finish(rng, lines, said)


CANVASES = {
    "28 x 28": as_it_is,
    "enlarged": enlarged,
    "tight": tight,
    "brush": brush,
    "thin pen": thin_pen,
    "bold": bold,
    "500 px": photo,
    "lined": lined,
    "two": two,
    "edge": edge,
    "strip": strip,
    "mosaic": mosaic,
    "figure": figure,
    "boxed": boxed,
    "joined": joined,
    "comb": comb,
    "circled": circled,
    "hollow": hollow,
}
