"""Measure the reader on pages composed from MNIST test digits, condition by condition.

    python -m tests.score_pages --pages 10

Digits right is 1 - edits / digits over a condition's pages, by the Levenshtein distance on the digits in reading order;
a digit too many is an edit as well, so a page that drowns in them goes below 0. Of a page of text without digits the
digits that were read are counted for each 1,000 letters. The test digits are for reporting: a choice about the reader
is made with `--held-out` and a network that has not learned from those digits.
"""

import argparse
import pathlib
import sys
import time
import zlib
from typing import NamedTuple

import cv2
import numpy as np

from recognize import read_digits
from tests.canvases import CANVASES
from tests.compose import KINDS, compose_page
from tests.page import Page
from utils import run
from utils.classifier import Classifier, load_classifier
from utils.dataset import load_dataset

SEVERAL = "two", "edge", "strip", "mosaic", "figure", "boxed", "joined", "comb"  # canvases with several digits
FEW = {name: 5 for name in (*CANVASES, "alone") if name not in SEVERAL}  # times as many, of a digit to three each
FEWER = {"mass": 10}  # a page of it is 5,000 digits


class Tally(NamedTuple):
    """What was read of a condition's pages."""

    pages: int = 0
    digits: int = 0
    edits: int = 0
    perfect: int = 0
    pairs: int = 0
    pairs_right: int = 0
    letters: int = 0
    seconds: float = 0.0

    @property
    def right(self) -> float:
        """Share of the digits; on pages of text, false digits for each letter, below 0."""
        return 1 - self.edits / self.digits if self.digits else -self.edits / max(1, self.letters)


def align(truth: str, read: str) -> tuple[int, list[int]]:
    """Align two strings at the least edit cost.

    Returns
    -------
    edits : int
        Levenshtein distance.
    partner : list of int
        For every character of `truth` the index in `read` of the equal character that it is aligned with, or -1.
    """
    letters, steps = np.array(list(read)), np.arange(len(read) + 1, dtype=np.int32)
    cost = np.empty((len(truth) + 1, len(read) + 1), np.int32)
    cost[0] = steps
    for i, letter in enumerate(truth, 1):
        cost[i] = cost[i - 1] + 1
        cost[i, 1:] = np.minimum(cost[i, 1:], cost[i - 1, :-1] + (letters != letter))
        cost[i] = np.minimum.accumulate(cost[i] - steps) + steps
    partner, i, j = [-1] * len(truth), len(truth), len(read)
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            partner[i] = j if truth[i] == read[j] else -1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(cost[-1, -1]), partner


def score(page: Page, read: list[str]) -> Tally:
    """Compare what is on a page with the lines that were read."""
    want, got = "".join(page.lines), "".join(read)
    edits, partner = align(want, got)
    pairs = sum(partner[i] >= 0 and partner[i + 1] == partner[i] + 1 for i in page.pairs)
    return Tally(1, len(want), edits, edits == 0, len(page.pairs), pairs, page.letters)


def save(page: Page, folder: pathlib.Path, name: str) -> None:
    """Write a page as PNG and what is written on it as text."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), page.image)
    (folder / f"{name}.txt").write_text("\n".join(page.lines) + "\n")


def pages_of(name: str, pages: int) -> int:
    """How many pages of a condition are read, where `pages` of most are."""
    return -(-pages * FEW.get(name, 1) // FEWER.get(name, 1))


def compose(name: str, k: int, data: tuple[np.ndarray, np.ndarray], seed: int) -> Page:
    """Compose page k of a condition, the same whatever else is composed."""
    return compose_page(np.random.default_rng([seed, zlib.crc32(name.encode()), k]), *data, name)


def measure(name: str, pages: list[Page], classifier: Classifier, misread: bool = False) -> Tally:
    """Read the pages of a condition."""
    total = Tally()
    for k, page in enumerate(pages):
        start = time.perf_counter()
        read = ["".join(str(digit.value) for digit in line) for line in read_digits(page.image, classifier)]
        one = score(page, read)._replace(seconds=time.perf_counter() - start)
        total = Tally(*(sum(pair) for pair in zip(total, one)))
        if misread and one.edits:
            print(f"  {name} {k}: want {' '.join(page.lines)[:100]}")
            print(f"  {name} {k}: read {' '.join(read)[:100]}")
    return total


def load_digits(held_out: bool) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test digits, or the last 5,000 training digits."""
    digits, labels = load_dataset(f"dataset/mnist_{'train' if held_out else 'test'}.csv")
    return (digits[-5000:], labels[-5000:]) if held_out else (digits, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="output/mnist_cnn.tflite", help="trained network (%(default)s)")
    parser.add_argument("--held-out", action="store_true", help="digits: the last 5,000 training rows (for choices)")
    parser.add_argument(
        "--pages", type=int, default=10, help="of a condition; 5 times as many of a few digits (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--condition", nargs="+", default=KINDS, choices=KINDS, metavar="NAME")
    parser.add_argument("--save", type=pathlib.Path, metavar="DIR", help="write the pages and their truth here")
    parser.add_argument("--misread", action="store_true", help="print what was misread")
    args = parser.parse_args()

    data, classifier = load_digits(args.held_out), load_classifier(args.model)
    print("condition    digits  digits right  pages perfect  s/page")
    for name in args.condition:
        pages = [compose(name, k, data, args.seed) for k in range(pages_of(name, args.pages))]
        for k, page in enumerate(pages if args.save else ()):
            save(page, args.save, f"{name.replace(' ', '')}-{k:03d}")
        tally = measure(name, pages, classifier, args.misread)
        right = f"{tally.right:13.2%}" if tally.digits else f"{1000 * abs(tally.right):7.1f} false"
        note = f"  of 1,000 of {tally.letters:,} letters" if tally.letters and not tally.digits else ""
        if tally.pairs:
            note = f"  touching pairs right {tally.pairs_right}/{tally.pairs} ({tally.pairs_right / tally.pairs:.1%})"
        perfect, seconds = f"{tally.perfect}/{tally.pages}", tally.seconds / tally.pages
        print(f"{name:12s} {tally.digits:6d} {right} {perfect:>14s} {seconds:7.2f}{note}", flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
