"""The yardstick's arithmetic: alignment of what was read with the truth, pairs, errors per page."""

from collections import namedtuple

import cv2
import numpy as np
import pytest

from recognize import read_digits
from tests import ablation, score_pages
from tests.page import Page
from tests.score_pages import Tally, align, compose, load_digits, save, score
from utils.classifier import load_classifier

Digit = namedtuple("Digit", "value")


def page(lines, pairs=()):
    return Page(np.zeros((1, 1, 3), np.uint8), lines, [], pairs)


@pytest.mark.parametrize(
    ("truth", "read", "edits", "partner"),
    [
        ("123", "123", 0, [0, 1, 2]),
        ("123", "13", 1, [0, -1, 1]),
        ("123", "1923", 1, [0, 2, 3]),
        ("123", "173", 1, [0, -1, 2]),
        ("12", "", 2, [-1, -1]),
        ("", "12", 2, []),
        ("", "", 0, []),
    ],
)
def test_reading_is_aligned_with_truth(truth, read, edits, partner):
    assert align(truth, read) == (edits, partner)


@pytest.mark.parametrize(
    ("read", "edits", "pairs_right"),
    [(["1234", "56"], 0, 3), (["123456"], 0, 3), (["1934", "56"], 1, 2), (["1234", "5", "96"], 1, 2)],
)
def test_pairs_count_only_when_both_digits_are_read_and_nothing_between(read, edits, pairs_right):
    assert score(page(["1234", "56"], [0, 2, 4]), read) == Tally(1, 6, edits, edits == 0, 3, pairs_right)


def test_a_page_that_drowns_in_digits_goes_below_nothing():
    tally = score(page(["12"]), ["3456789"])
    assert (tally.edits, tally.right) == (7, -2.5)


def test_of_text_false_digits_are_counted_by_letter():
    text = Page(np.zeros((1, 1, 3), np.uint8), [], letters=200)
    assert score(text, []).right == 0 and score(text, ["1", "23"]).right == -0.015


def test_a_condition_is_measured_over_its_pages(monkeypatch):
    read = iter([["12"], ["3"]])
    monkeypatch.setattr(score_pages, "read_digits", lambda *_: [[Digit(v) for v in line] for line in next(read)])
    tally = score_pages.measure("clean", [page(["12"]), page(["34"])], None)
    assert tally[:4] == (2, 4, 1, 1) and tally.right == 0.75


def test_pages_of_single_digits_are_more_and_full_ones_fewer():
    assert [score_pages.pages_of(name, 11) for name in ("28 x 28", "clean", "mass")] == [55, 11, 2]


@pytest.mark.usefixtures("mnist")
def test_every_step_of_the_reader_can_be_switched_off():
    page = compose("form", 1, load_digits(held_out=True), 0)
    classifier = load_classifier("output/mnist_cnn.tflite")
    for off in ablation.STEPS.values():
        with off():
            assert len(read_digits(page.image, classifier)) > 0


def test_a_page_is_saved_with_what_is_written_on_it(tmp_path):
    save(page(["12", "3"]), tmp_path / "pages", "one")
    assert cv2.imread(str(tmp_path / "pages/one.png")).shape == (1, 1, 3)
    assert (tmp_path / "pages/one.txt").read_text() == "12\n3\n"
