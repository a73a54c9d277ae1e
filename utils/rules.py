"""Printed lines taken away: the rules and squares of paper, tables, and the boxes of forms.

What the network knows is a digit is left alone. Of all other ink, what is straight is printed if it is much longer than
a digit, or if it hangs between two other lines or the picture's edges, as the sides of boxes do.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from utils.segment import KNOWN, Look, Piece, cut_pieces, paint
from utils.straight import find_lines

LONG = 3.0  # digit heights: a straight line of this length is printed, not written
LENGTHS = 0.9, 0.45, 0.225, 0.11  # of the short side: such a line's length, tried in turn where no digit is known yet
HANGING = 1.2  # digit heights: so is a shorter one between two lines
THICK, BOX_THICK = 0.05, 0.15  # own lengths: thicker than this a line is a stroke, and the side of a box a bar
TWICE = 2.0  # typical heights: what is known and higher may be several digits in a net of lines
NEAR = 2  # pixels from a line: what lies there for the most part is a rest of it
CONTENT = 0.25  # own heights: what encloses a digit of this height is no digit


def erase_lines(pieces: Sequence[Piece], ink: np.ndarray, look: Look) -> list[Piece]:
    """Take the printed lines out of pieces.

    Parameters
    ----------
    pieces : with the network's answers
    ink : (H, W) float32, see `utils.ink`
    look : has the network answer what is left of a piece

    Returns
    -------
    The pieces, those with lines in them replaced by what is left of them, without frames.
    """
    known, other = split_known(pieces)
    lines = np.zeros(ink.shape, bool)
    if not known:
        other, lines = unveil(other, ink, look)
        known, other = split_known(other)
    if known and other:
        height = median_height(known)
        lines |= find_lines(lay(other, ink), LONG * height, THICK)
        left = without(other, lines, look)
        if evidence(left) >= evidence(other):  # a line of print may look like a line, but its letters go with it
            known, other = split_known(known + left)
        large = [piece for piece in other if piece.size > HANGING * height]
        small = [piece for piece in other if piece.size <= HANGING * height]
        stops = lines | (paint(known, ink.shape) > 0)
        hanging = find_lines(lay(large, ink), HANGING * height, BOX_THICK, stops)
        other = small + without(large, hanging, look)
    pieces = known + other
    return [piece for piece, around in zip(pieces, enclosing(pieces)) if not around]


def evidence(pieces: Sequence[Piece]) -> float:
    """How much speaks for digits, see `Piece.evidence`; 1s do not count, lines look like them."""
    return sum(piece.evidence for piece in pieces if piece.known)


def unveil(pieces: Sequence[Piece], ink: np.ndarray, look: Look) -> tuple[list[Piece], np.ndarray]:
    """Take out lines of the length at which most digits come to light: the pieces, and the lines (H, W) bool."""
    best, lines = list(pieces), np.zeros(ink.shape, bool)
    for share in LENGTHS if pieces else ():
        found = find_lines(lay(pieces, ink), share * min(ink.shape), THICK)
        left = without(pieces, found, look)
        if sum(piece.evidence for piece in left) > sum(piece.evidence for piece in best):
            best, lines = left, found
    return best, lines


def split_known(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Split pieces into those that are surely digits, and all others."""
    known = [piece.known and not around for piece, around in zip(pieces, enclosing(pieces))]
    sure = [piece for piece, yes in zip(pieces, known) if yes]
    tall = TWICE * median_height(sure) if sure else 0
    known = [yes and piece.height <= tall for piece, yes in zip(pieces, known)]
    return [piece for piece, yes in zip(pieces, known) if yes], [piece for piece, yes in zip(pieces, known) if not yes]


def median_height(pieces: Sequence[Piece]) -> float:
    """Of two middle heights the lower."""
    return float(np.quantile([piece.height for piece in pieces], 0.5, method="lower"))


def enclosing(pieces: Sequence[Piece]) -> np.ndarray:
    """Which pieces have a known digit in their box, as frames and tables have and digits have not: (N,) bool."""
    boxes = np.array([piece.box for piece in pieces], int).reshape(-1, 4)
    x, y, w, h = boxes.T
    left, top, wide, high = boxes[sorted(np.flatnonzero([piece.known for piece in pieces]), key=x.__getitem__)].T
    starts, ends = np.searchsorted(left, x, "right"), np.searchsorted(left, x + w)
    found = np.zeros(len(pieces), bool)
    for i in np.flatnonzero(starts < ends):
        at = slice(starts[i], ends[i])
        holds = (top[at] > y[i]) & (left[at] + wide[at] < x[i] + w[i]) & (top[at] + high[at] < y[i] + h[i])
        found[i] = holds.sum() > 1 or (holds & (high[at] >= CONTENT * h[i])).any()
    return found


def lay(pieces: Sequence[Piece], ink: np.ndarray) -> np.ndarray:
    """Show the ink of some pieces alone."""
    return np.where(paint(pieces, ink.shape) > 0, ink, 0)


def without(pieces: Sequence[Piece], lines: np.ndarray, look: Look) -> list[Piece]:
    """Cut lines (H, W) bool out of pieces; rests of the lines go with them."""
    if not lines.any():
        return list(pieces)
    left = look(cut_pieces(np.where(lines, 0, paint(pieces, lines.shape))))
    near = cv2.dilate(lines.astype(np.uint8), np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8))

    def is_rest(piece: Piece) -> bool:
        x, y, w, h = piece.box
        on_line = near[y : y + h, x : x + w][piece.ink > 0].mean() > 0.5
        return on_line and (piece.value == 1 or piece.confidence < KNOWN)

    return [piece for piece in left if not is_rest(piece)]
