"""Printed lines taken away: the rules and squares of paper, tables, and the boxes of forms.

What the network knows is a digit is left alone, unless little of the ink is digits. Of all other ink, what is
straight is printed if it is much longer than a digit, if it hangs between two other lines or the picture's edges, as
the sides of boxes do, or if it is one of several that stand on a line at one pitch, as the ticks of combs do. A box
around a single digit is peeled off before, and what still surrounds a known digit is dropped in the end.
"""

import statistics
from collections.abc import Sequence

import cv2
import numpy as np

from utils.boxes import enclosed
from utils.segment import SEVERAL, Look, Piece, balance, cut_pieces, known_evidence, paint, surrounds
from utils.straight import SHORTEST, SPARE, find_lines
from utils.ticks import find_ticks

LONG = 3.0  # digit heights: a straight line of this length is printed, not written
CLEAN = 0.5  # of what speaks for digits: where more speaks against them, lines may hide or feign some
LENGTHS = 0.9, 0.3, 0.1  # of the short side: lengths of printed lines to try there
HANGING = 1.2  # digit heights: a line of this length that hangs between two others is printed too
TICK = 0.25  # digit heights: the shortest tick of a comb
THICK, BOX_THICK = 0.05, 0.16  # share of its length: how thick a printed line may be, and the side of a box
AROUND, SLACK = 0.9, 0.15  # share of a frame's side that must be there, and by how much, of its size, it may be aslant
SINGLE, LARGE = 2, 1 / 3  # parts of a single digit in a frame, at most, that are larger than this share of the frame
TOO_TALL = 2.0  # median heights: what is known and higher may be several digits in a net of lines
NEAR = 2  # pixels from a line: what lies there for the most part is a remnant of it


def erase_lines(pieces: Sequence[Piece], ink: np.ndarray, look: Look) -> list[Piece]:
    """Take the printed lines out of pieces.

    Where little of the ink is digits, what the network knows may be parts of lines, or have lines in it; so all ink is
    searched for lines as well, and the better balance wins.

    Parameters
    ----------
    pieces : with the network's answers
    ink : (H, W) float32, see `utils.ink`
    look : has the network answer what is left of a piece

    Returns
    -------
    The pieces, those with lines in them replaced by what is left of them, without what surrounds a known digit.
    """
    lines = paint(pieces, ink.shape) > 0
    pieces = without_frames(pieces, look)
    lines &= paint(pieces, ink.shape) == 0
    left = around_known(pieces, lines, ink, look)
    if balance(pieces) <= CLEAN * known_evidence(pieces):
        unveiled, found = unveil(pieces, ink, look)
        if found.any():
            left = max(left, around_known(unveiled, lines | found, ink, look), key=balance)
    return without_surroundings(left)


def around_known(pieces: Sequence[Piece], lines: np.ndarray, ink: np.ndarray, look: Look) -> list[Piece]:
    """Take lines that are long for digits out of what the network does not know; others may end at `lines`."""
    known, other = split_known(pieces)
    if known and other:
        height = statistics.median_low(piece.height for piece in known)
        lines = lines | find_lines(ink_of(other, ink), LONG * height, THICK)
        left = without([piece for piece in other if not piece.known], lines, look)
        for piece in other:
            if piece.known:  # a large digit, or digits in a net of lines that looks like one
                inside = without([piece], lines, look)
                left += inside if any(part.known for part in inside) else [piece]
        known, other = split_known(known + left)
        # what hangs between these lines
        large = [piece for piece in other if piece.size > HANGING * height]
        small = [piece for piece in other if piece.size <= HANGING * height]
        stops = lines | (paint(known, ink.shape) > 0)
        hanging = find_lines(ink_of(large, ink), HANGING * height, BOX_THICK, stops)
        other = small + without(large, hanging, look)
        if lines.any():  # what stands on them at one pitch
            near = around(lines)
            standing = [piece for piece in other if piece.under(near).any()]
            ticks = find_ticks(ink_of(standing, ink), lines, TICK * height, float(np.median(ink[lines])))
            other = without(other, ticks, look)
    return known + other


def without_frames(pieces: Sequence[Piece], look: Look) -> list[Piece]:
    """Take the boxes and circles around single digits off; what is in them stays.

    A piece that is known as a digit with its box may only lose it to a digit that is known without.
    """
    kept = []
    for piece in pieces:
        left = peel(piece.ink)
        parts = [] if left is None else cut_pieces(left)
        if left is None or sum(part.size > LARGE * min(piece.box[2:]) for part in parts) > SINGLE:
            kept.append(piece)
            continue
        x, y = piece.box[:2]
        inside = look([part._replace(box=(part.box[0] + x, part.box[1] + y, *part.box[2:])) for part in parts])
        kept += [piece] if piece.known and not any(part.known for part in inside) else inside
    return kept


def without_surroundings(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop what looks like a digit, but has a known one in it, or several sure ones however small.

    It is a circle, a frame, or the dark around a sheet.
    """
    known = np.array([piece.box for piece in pieces if piece.known]).reshape(-1, 4)
    sure = np.array([piece.box for piece in pieces if piece.sure]).reshape(-1, 4)
    around = [surrounds(piece.box, known) or enclosed(piece.box, sure).sum() >= SEVERAL for piece in pieces]
    return [piece for piece, yes in zip(pieces, around) if not (yes and piece.known)]


def peel(ink: np.ndarray) -> np.ndarray | None:
    """Take a frame off ink: what comes first from each of its four sides, if that is straight and thin.

    Specks stay where a stroke runs along it.

    Parameters
    ----------
    ink : (h, w) uint8, 255 is ink, in every row and column

    Returns
    -------
    (h, w) uint8, or None if it has no frame.
    """
    if min(ink.shape) < SHORTEST:  # nothing legible is in it
        return None
    aslant = SLACK * min(ink.shape)
    if any(np.rot90(ink, side)[: int(aslant) + 1].any(axis=0).mean() < AROUND for side in range(4)):
        return None
    left = ink.copy()
    for side in range(4):
        seen, rest = np.pad(np.rot90(ink, side) > 0, ((0, 1), (0, 0))), np.rot90(left, side)
        rows = np.arange(len(seen))[:, None]
        first = seen.argmax(axis=0)
        run = (~seen & (rows > first)).argmax(axis=0) - first
        thickness = np.median(run)
        if thickness > BOX_THICK * len(rest):
            return None
        depth = np.where((first <= aslant) & (run <= max(SPARE * thickness, thickness + 2)), run, 0)
        corner = round(thickness)
        depth[:corner] = depth[-corner:] = corner
        rest[((rows >= first) & (rows < first + depth))[:-1]] = 0
    return left


def unveil(pieces: Sequence[Piece], ink: np.ndarray, look: Look) -> tuple[list[Piece], np.ndarray]:
    """Take out lines of the length at which digits come to light best: the pieces, and the lines (H, W) bool."""
    best, lines = list(pieces), np.zeros(ink.shape, bool)
    for share in LENGTHS:
        found = find_lines(ink_of(pieces, ink), share * min(ink.shape), THICK)
        left = without(pieces, found, look)
        if balance(left) > balance(best):
            best, lines = left, found
    return best, lines


def split_known(pieces: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Split pieces into known digits that are not too tall, and all others."""
    known = [piece for piece in pieces if piece.known]
    tall = TOO_TALL * statistics.median_low(piece.height for piece in known) if known else 0
    fits = [piece.known and piece.height <= tall for piece in pieces]
    return [piece for piece, yes in zip(pieces, fits) if yes], [piece for piece, yes in zip(pieces, fits) if not yes]


def ink_of(pieces: Sequence[Piece], ink: np.ndarray) -> np.ndarray:
    """Show the ink of some pieces alone."""
    return np.where(paint(pieces, ink.shape) > 0, ink, 0)


def without(pieces: Sequence[Piece], lines: np.ndarray, look: Look) -> list[Piece]:
    """Cut lines (H, W) bool out of pieces; remnants of the lines go with them."""
    if not lines.any():
        return list(pieces)
    left = look(cut_pieces(np.where(lines, 0, paint(pieces, lines.shape))))
    near = around(lines)
    return [piece for piece in left if piece.known or piece.under(near).mean() <= 0.5]  # others are remnants


def around(lines: np.ndarray) -> np.ndarray:
    """Lines (H, W) bool, and what is NEAR them."""
    return cv2.dilate(lines.astype(np.uint8), np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)) > 0
