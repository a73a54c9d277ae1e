"""A picture whose digits are known."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Page:
    """A composed picture.

    `image` is (H, W, 3) uint8 BGR; `lines` the digits as written, top to bottom; `boxes` the (x, y, width, height)
    of every digit in reading order; `pairs` the reading-order index of the left digit of each touching pair; `letters`
    the number of printed letters.
    """

    image: np.ndarray
    lines: list[str]
    boxes: list[tuple[int, int, int, int]] = ()
    pairs: list[int] = ()
    letters: int = 0
