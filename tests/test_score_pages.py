"""The yardstick's arithmetic: alignment of what was read with the truth, pairs, errors per page."""

import numpy as np
import pytest

from tests.compose import Page
from tests.score_pages import align, score


@pytest.mark.parametrize(
    ("truth", "read", "edits", "partner"),
    [
        ("123", "123", 0, [0, 1, 2]),
        ("123", "13", 1, [0, -1, 1]),
        ("123", "1923", 1, [0, 2, 3]),
        ("123", "173", 1, [0, -1, 2]),
        ("12", "", 2, [-1, -1]),
        ("", "12", 2, []),
    ],
)
def test_reading_is_aligned_with_truth(truth, read, edits, partner):
    assert align(truth, read) == (edits, partner)


def test_pairs_count_only_when_both_digits_are_read_and_nothing_between():
    page = Page(np.zeros((1, 1, 3), np.uint8), ["1234", "56"], [], [0, 2, 4])
    assert score(page, ["1234", "56"]) == (0, 3, True)
    assert score(page, ["123456"]) == (0, 3, False)
    assert score(page, ["1934", "56"]) == (1, 2, False)
    assert score(page, ["1234", "5", "96"]) == (1, 2, False)


def test_a_page_never_counts_more_errors_than_it_has_digits():
    page = Page(np.zeros((1, 1, 3), np.uint8), ["12"], [], [])
    assert score(page, ["3456789"]) == (2, 0, False)
