"""Measure the reader on pages composed from MNIST test digits, condition by condition.

    python -m tests.score_pages --pages 10

Digits right is 1 - edits / digits over a condition's pages (Levenshtein distance on the digits in reading order,
floored at 0 a page). A page is perfect when all of its digits are right, in order. The test digits are for
reporting: a choice about the reader is made with `--held-out`.
"""

import argparse
import pathlib
import time
import zlib

import cv2
import numpy as np

from recognize import read_digits
from tests.compose import KINDS, compose_page
from tests.page import Page
from utils.classifier import load_classifier
from utils.dataset import load_dataset


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


def score(page: Page, read: list[str]) -> tuple[int, int, int]:
    """Return (digits wrong, touching pairs right, lines right) of a page read as the lines `read`."""
    want, got = "".join(page.lines), "".join(read)
    edits, partner = align(want, got)
    pairs = sum(partner[i] >= 0 and partner[i + 1] == partner[i] + 1 for i in page.pairs)
    return min(len(want), edits), pairs, page.lines == read


def save(page: Page, folder: pathlib.Path, name: str) -> None:
    """Write a page as PNG and what is written on it as text."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), page.image)
    (folder / f"{name}.txt").write_text("\n".join(page.lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="output/mnist_cnn.tflite", help="trained network (%(default)s)")
    parser.add_argument("--held-out", action="store_true", help="digits: the last 5,000 training rows (for choices)")
    parser.add_argument("--pages", type=int, default=10, help="pages per condition; a tenth of mass (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--condition", nargs="+", default=KINDS, choices=KINDS, metavar="NAME")
    parser.add_argument("--save", type=pathlib.Path, metavar="DIR", help="write the pages and their truth here")
    parser.add_argument("--misread", action="store_true", help="print what was misread")
    args = parser.parse_args()

    digits, labels = load_dataset(f"dataset/mnist_{'train' if args.held_out else 'test'}.csv")
    if args.held_out:
        digits, labels = digits[-5000:], labels[-5000:]
    classifier = load_classifier(args.model)
    print("condition   digits  digits right  pages perfect  lines right  s/page")
    for name in args.condition:
        total = wrong = perfect = lines_right = pairs = pairs_right = 0
        seconds = 0.0
        pages = -(-args.pages // 10) if name == "mass" else args.pages
        for k in range(pages):
            page = compose_page(np.random.default_rng([args.seed, zlib.crc32(name.encode()), k]), digits, labels, name)
            if args.save:
                save(page, args.save, f"{name.replace(' ', '')}-{k:03d}")
            start = time.perf_counter()
            read = ["".join(str(digit.value) for digit in line) for line in read_digits(page.image, classifier)]
            seconds += time.perf_counter() - start
            bad, good_pairs, same_lines = score(page, read)
            total, wrong = total + sum(map(len, page.lines)), wrong + bad
            perfect, lines_right = perfect + (bad == 0), lines_right + same_lines
            pairs, pairs_right = pairs + len(page.pairs), pairs_right + good_pairs
            if args.misread and bad:
                print(f"  {name} {k}: want {' '.join(page.lines)[:100]}")
                print(f"  {name} {k}: read {' '.join(read)[:100]}")
        touching = f"  touching pairs right {pairs_right}/{pairs} ({pairs_right / pairs:.1%})" if pairs else ""
        print(
            f"{name:10s} {total:7d} {1 - wrong / total:13.2%} {perfect:9d}/{pages:<4d} {lines_right:8d}/{pages:<4d}"
            f"{seconds / pages:7.2f}{touching}",
            flush=True,
        )


if __name__ == "__main__":
    main()
