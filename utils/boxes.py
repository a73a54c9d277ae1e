"""Boxes: one in another, and what two have in common."""

import numpy as np

Box = tuple[int, int, int, int]  # x, y, width, height in pixels


def enclosed(box: Box, others: np.ndarray) -> np.ndarray:
    """Which of the other boxes (N, 4) lie inside a box: (N,) bool."""
    x, y, w, h = box
    left, top, wide, high = others.T
    return (left > x) & (top > y) & (left + wide < x + w) & (top + high < y + h)


def shared_area(box: Box, others: np.ndarray) -> np.ndarray:
    """Pixels that a box has in common with each of the others (N, 4): (N,)."""
    x, y, w, h = box
    left, top, wide, high = others.T
    across = np.minimum(left + wide, x + w) - np.maximum(left, x)
    down = np.minimum(top + high, y + h) - np.maximum(top, y)
    return np.maximum(0, across) * np.maximum(0, down)


def meets(box: Box, others: np.ndarray) -> bool:
    """Whether a box has pixels in common with any of the others (N, 4)."""
    return bool(shared_area(box, others).any())


def overlap(box: Box, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with each of the others (N, 4): (N,), 1 where they are the same."""
    shared = shared_area(box, others)
    return shared / (box[2] * box[3] + others[:, 2] * others[:, 3] - shared)
