"""From ink to boxes in reading order, and from a box to a digit as MNIST would show it."""

from typing import NamedTuple

import cv2
import numpy as np

from utils.ink import BLUR, LEAST_BLUR, flatten_light, has_light_ink, resize, stroke_width, threshold, to_grey
from utils.rules import remove_frames, remove_rules

LONG_SIDE = 800  # pixels: a picture is reduced to this; more gains nothing unless its digits are small
SIDE = 28  # pixels: MNIST's frame
INNER = 20  # pixels: the box in that frame into which MNIST fits a digit's longer side
FINE = 4  # a pixel of that frame is averaged from FINE x FINE
STROKE = 2.2  # pixels of that frame: thinner strokes are thickened to this; MNIST's own run from 1.3 to 3.2
TRACE = 0.25  # share of a digit's blackest ink below which a pixel does not count to its box

SPECK = 1.6  # stroke widths: anything smaller is a speck
SMALL = 0.15  # digit heights: anything smaller is a speck too
TALL, WIDE = 3.2, 8.0  # digit heights: anything larger is no digit, nor a word of joined ones
THICK = 0.4  # digit heights: a stroke that is thicker makes no digit; in 52 photos none has more than 0.23
PEN = 4.0  # typical strokes: anything thicker is not from the same pen
RULE = 3.0  # digit heights: a straight line of this length is printed, not written
BROKEN = 3.0  # stroke widths: the widest gap in a broken stroke
SAME_LINE = 0.5  # digit heights: how far off its line's course a digit may lie...
STAGGER, NEAR = 0.9, 2.5  # ...and how far when its neighbour is less than NEAR digit heights away
STEEPEST = 0.4  # rise of a line of writing over its run

Box = tuple[int, int, int, int]  # x, y, width, height in pixels


class Piece(NamedTuple):
    """A piece of ink."""

    box: Box
    ink: np.ndarray  # its pixels in that box, uint8, 255 is ink
    stroke: float  # width of its strokes, pixels

    @property
    def height(self) -> int:
        """Of its box, pixels."""
        return self.box[3]

    @property
    def size(self) -> int:
        """Longer side of its box, pixels."""
        return max(self.box[2:])


def ink_mask(image: np.ndarray) -> np.ndarray:
    """Find the ink in a photo, whatever its light, its paper and its pen; dark on light or light on dark.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8

    Returns
    -------
    (H, W) uint8, 255 is ink and 0 is paper; printed lines are ink too
    """
    grey = to_grey(image)
    ink = flatten_light(grey, has_light_ink(grey))
    return threshold(cv2.GaussianBlur(ink, (0, 0), max(LEAST_BLUR, BLUR * max(grey.shape))))


def find_lines(mask: np.ndarray) -> list[list[Box]]:
    """Find the boxes of digits by their shapes alone, without a network.

    Parameters
    ----------
    mask : (H, W) uint8, 255 is ink

    Returns
    -------
    Lines of writing from top to bottom, each a list of boxes (x, y, width, height) in pixels from left to right.
    """
    shape = mask.shape
    scale = min(1.0, LONG_SIDE / max(shape))
    mask = remove_frames(cv2.threshold(resize(mask, scale), 127, 255, cv2.THRESH_BINARY)[1])
    found = pieces(mask)
    if not found:
        return []
    height = weighted_median([p.height for p in found], [np.sqrt(p.ink.size) for p in found])
    stripped = remove_rules(mask, RULE * height)
    found = digit_sized(pieces(stripped), height)
    joined = [join(stack) for group in clusters(found, stripped) for stack in stacks(group)]
    lines = group_lines([p.box for p in joined], height)
    return [[enlarge(joined[i].box, scale, shape) for i in line] for line in lines]


def enlarge(box: Box, scale: float, shape: tuple[int, ...]) -> Box:
    """Give a box that was found in a picture reduced by `scale` its place in the picture of this shape (H, W, ...)."""
    x, y, w, h = box
    left, right = (min(shape[1], round(edge / scale)) for edge in (x, x + w))
    top, bottom = (min(shape[0], round(edge / scale)) for edge in (y, y + h))
    return left, top, right - left, bottom - top


def pieces(mask: np.ndarray) -> list[Piece]:
    """Cut a mask (H, W) into its connected pieces."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    edge = (mask > 0) & (cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0) == 0)
    perimeter = np.bincount(labels[edge], minlength=count)
    found = []
    for i, (x, y, w, h, area) in enumerate(stats.tolist()):
        if i and max(w, h) > SPECK:
            ink = np.where(labels[y : y + h, x : x + w] == i, 255, 0).astype(np.uint8)
            found.append(Piece((x, y, w, h), ink, 2 * area / perimeter[i]))
    return found


def join(parts: list[Piece]) -> Piece:
    """Join pieces into one."""
    if len(parts) == 1:
        return parts[0]
    boxes = np.array([part.box for part in parts])
    left, top = boxes[:, 0].min(), boxes[:, 1].min()
    right, bottom = (boxes[:, 0] + boxes[:, 2]).max(), (boxes[:, 1] + boxes[:, 3]).max()
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for part in parts:
        x, y, w, h = part.box
        ink[y - top : y - top + h, x - left : x - left + w] |= part.ink
    widest = max(parts, key=lambda part: part.ink.size)
    return Piece((int(left), int(top), int(right - left), int(bottom - top)), ink, widest.stroke)


def typical_stroke(found: list[Piece]) -> float:
    """Width in pixels of the typical stroke: by its length, and somewhat by its width, since specks are many."""
    if not found:
        return 1.0
    return weighted_median([p.stroke for p in found], [cv2.countNonZero(p.ink) / np.sqrt(p.stroke) for p in found])


def digit_sized(found: list[Piece], height: float) -> list[Piece]:
    """Drop specks, and what is too large or too thick for digits of this height in pixels."""
    fitting = [
        p for p in found if p.height <= TALL * height and p.box[2] <= WIDE * height and p.stroke <= THICK * height
    ]
    stroke = typical_stroke(fitting)
    speck = max(SMALL * height, SPECK * stroke)
    return [
        p
        for p in fitting
        if p.size >= speck and p.stroke <= PEN * stroke and cv2.countNonZero(p.ink) >= SMALL * height * stroke
    ]


def clusters(found: list[Piece], mask: np.ndarray) -> list[list[Piece]]:
    """Gather the pieces between which there are only the gaps of a broken stroke."""
    if not found:
        return []
    radius = max(1, round(BROKEN / 2 * typical_stroke(found)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    _, labels = cv2.connectedComponents(cv2.dilate(mask, disc))
    groups: dict[int, list[Piece]] = {}
    for p in found:
        x, y = p.box[0] + int(p.ink[0].argmax()), p.box[1]
        groups.setdefault(int(labels[y, x]), []).append(p)
    return list(groups.values())


def stacks(group: list[Piece]) -> list[list[Piece]]:
    """Part a cluster into what stands one above the other: a 5 and its hat, but not a digit and its neighbour."""
    parted: list[list[Piece]] = []
    for piece in sorted(group, key=lambda piece: piece.box[0]):
        x, _, w, _ = piece.box
        if parted:
            left, _, width, _ = join(parted[-1]).box
            if min(x + w, left + width) - x > min(w, width) / 2:
                parted[-1].append(piece)
                continue
        parted.append([piece])
    return parted


def group_lines(boxes: list[Box], height: float) -> list[list[int]]:
    """Group boxes into lines of writing that may slope, stagger or have wide gaps.

    Neighbours are linked from the best aligned to the worst (Kruskal 1956), unless two digits of the joined line would
    stand one above the other. The course of the lines is the median rise between neighbours.

    Parameters
    ----------
    boxes : N boxes (x, y, width, height) in pixels
    height : of a typical digit, pixels

    Returns
    -------
    Lines from top to bottom, each the indices of its boxes from left to right.
    """
    x, y, w, h = np.array(boxes, float).reshape(-1, 4).T
    middle, level = x + w / 2, y + h / 2
    full = h > 0.3 * height
    slope = 0.0
    for _ in range(2):
        flat = level - slope * middle
        links = _neighbours(middle, flat, height)
        rises = [
            (level[j] - level[i]) / (middle[j] - middle[i])
            for _, i, j in links
            if full[i] and full[j] and height / 2 < middle[j] - middle[i] < 4 * height
        ]
        if len(rises) >= 3 and slope == 0:
            slope = float(np.clip(np.median(rises), -STEEPEST, STEEPEST))
    line_of = list(range(len(boxes)))
    lines: dict[int, list[int]] = {i: [i] for i in line_of}
    for _, i, j in sorted(links):
        one, other = line_of[i], line_of[j]
        if one == other:
            continue
        a, b = np.array(lines[one]), np.array(lines[other])
        shared = np.minimum.outer((x + w)[a], (x + w)[b]) - np.maximum.outer(x[a], x[b])
        stacked = (shared > np.minimum.outer(w[a], w[b]) / 2) & np.logical_and.outer(full[a], full[b])
        if not stacked.any():
            for k in lines[other]:
                line_of[k] = one
            lines[one] += lines.pop(other)
    ordered = sorted(lines.values(), key=lambda line: np.median(flat[line]))
    return [sorted(line, key=lambda i: middle[i]) for line in ordered]


def _neighbours(middle: np.ndarray, flat: np.ndarray, height: float) -> list[tuple[float, int, int]]:
    """Link each box to the four best aligned on its right: (cost, box, its neighbour)."""
    links = []
    order = np.argsort(flat, kind="stable")
    for i in range(len(flat)):
        low, high = np.searchsorted(flat[order], (flat[i] - STAGGER * height, flat[i] + STAGGER * height))
        near = order[low:high]
        right = (middle[near] > middle[i]) | ((middle[near] == middle[i]) & (near > i))
        near = near[right]
        away = (middle[near] - middle[i]) / height
        off = np.abs(flat[near] - flat[i]) / height
        fits = off <= np.where(away < NEAR, STAGGER, SAME_LINE)
        cost = (off + 0.12 * away)[fits]
        best = np.argsort(cost, kind="stable")[:4]
        links += [(float(cost[k]), i, int(near[fits][k])) for k in best]
    return links


def weighted_median(values: list[float], weights: list[float]) -> float:
    """The value below which half of the weight lies."""
    order = np.argsort(values)
    total = np.cumsum(np.asarray(weights, float)[order])
    return float(values[order[np.searchsorted(total, total[-1] / 2)]])


def center_digit(ink: np.ndarray) -> np.ndarray:
    """Show a digit as MNIST would.

    MNIST fits the longer side into 20 pixels, keeps the aspect, and puts the centre of mass on the centre of the 28x28
    frame (LeCun, Bottou, Bengio, Haffner 1998). Strokes thinner than a pen's in MNIST are thickened first.

    Parameters
    ----------
    ink : (h, w) uint8, 0 is paper, ink is lighter

    Returns
    -------
    (28, 28) uint8, 0 is paper, 255 the blackest ink; all 0 where there is no ink
    """
    frame = np.zeros((SIDE * FINE, SIDE * FINE), np.uint8)
    peak = int(ink.max(initial=0))
    if peak == 0:
        return frame[::FINE, ::FINE]
    x, y, w, h = cv2.boundingRect(cv2.threshold(ink, TRACE * peak, 255, cv2.THRESH_BINARY)[1])
    ink = ink[y : y + h, x : x + w]
    scale = INNER * FINE / max(ink.shape)
    size = [max(1, round(n * scale)) for n in ink.shape[::-1]]
    ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    ink = cv2.convertScaleAbs(ink, alpha=255 / peak)
    h, w = ink.shape
    y, x = (SIDE * FINE - h) // 2, (SIDE * FINE - w) // 2
    frame[y : y + h, x : x + w] = ink
    grow = max(0, round(STROKE * FINE - stroke_width(frame)))
    if grow:
        frame = cv2.dilate(frame, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (grow + 1, grow + 1)))
    shrink = INNER * FINE / (INNER * FINE + grow)
    moments = cv2.moments(frame)
    centre = SIDE * FINE / 2 + (FINE - 1) / 2  # MNIST's centre is the middle of pixel (14, 14)
    dx, dy = (centre - shrink * moments[m] / moments["m00"] for m in ("m10", "m01"))
    frame = cv2.warpAffine(frame, np.float32([[shrink, 0, dx], [0, shrink, dy]]), frame.shape)
    return cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
