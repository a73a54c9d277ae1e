"""The yardstick's arithmetic: alignment of what was read with the truth, pairs, errors per page."""

import cv2
import numpy as np
import pytest

from tests.compose import Page
from tests.score_pages import align, save, score


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


def test_pairs_count_only_when_both_digits_are_read_and_nothing_between():
    written = page(["1234", "56"], [0, 2, 4])
    assert score(written, ["1234", "56"]) == (0, 3, True)
    assert score(written, ["123456"]) == (0, 3, False)
    assert score(written, ["1934", "56"]) == (1, 2, False)
    assert score(written, ["1234", "5", "96"]) == (1, 2, False)


def test_a_page_never_counts_more_errors_than_it_has_digits():
    assert score(page(["12"]), ["3456789"]) == (2, 0, False)


def test_a_page_of_text_has_its_lines_right_if_none_is_read():
    assert score(page([]), [])[2] and not score(page([]), ["1"])[2]


def test_a_page_is_saved_with_what_is_written_on_it(tmp_path):
    save(page(["12", "3"]), tmp_path / "pages", "one")
    assert cv2.imread(str(tmp_path / "pages/one.png")).shape == (1, 1, 3)
    assert (tmp_path / "pages/one.txt").read_text() == "12\n3\n"
