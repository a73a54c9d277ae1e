"""The composed pages keep what they promise: truth, boxes, touching pairs, sizes, the same page for the same seed."""

import dataclasses

import cv2
import numpy as np
import pytest

from tests import scenery
from tests.canvases import CANVASES
from tests.compose import CONDITIONS, compose_page, compose_sample, slant
from tests.conditions import Condition
from tests.handwriting import draw_digit
from tests.signs import BRACKETS, FONTS, OPERATORS, SIGNS, TICKS, WORDS, draw_sign, print_words
from utils import fonts

SMALL = {"rows": (2, 2), "per_row": (4, 4), "height": (40, 40)}


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Ten drawn stand-ins for MNIST's digits, (10, 784) uint8, and their labels."""
    images = np.zeros((10, 28, 28), np.uint8)
    for value, image in enumerate(images):
        cv2.putText(image, str(value), (6, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.85, 255, 2, cv2.LINE_AA)
    return images.reshape(10, 784), np.arange(10, dtype=np.uint8)


@pytest.mark.parametrize(
    "name", sorted(set(CONDITIONS) - {"mass", "100 px", "200 px", "400 px", "text", "printed list"})
)
def test_every_digit_of_the_truth_has_a_box_inside_the_picture(name, digits):
    page = compose_page(np.random.default_rng(3), *digits, name)
    height, width = page.image.shape[:2]
    assert page.image.dtype == np.uint8 and page.image.ndim == 3
    assert len(page.boxes) == sum(map(len, page.lines)) > 0
    assert all(line.isdigit() for line in page.lines)
    assert all(
        x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height for x, y, w, h in page.boxes
    )


@pytest.mark.parametrize(
    ("surface", "sign", "turn"),
    [("paper", -1, 0), ("board", 1, 0), ("paper", -1, 1), ("paper", -1, 2), ("board", 1, 3)],
)
def test_boxes_contain_all_the_ink_however_the_page_is_turned(surface, sign, turn, digits):
    condition = Condition(
        surface=surface, layouts=("lines",), dark=(1, 1), contrast=(1, 1), noise=(0, 0), turn=turn, **SMALL
    )
    page = compose_page(np.random.default_rng(5), *digits, condition)
    grey = sign * cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY).astype(int)
    ink = grey > np.median(grey) + 60
    outside = ink.copy()
    for x, y, w, h in page.boxes:
        assert ink[y : y + h, x : x + w].any()
        outside[y - 2 : y + h + 2, x - 2 : x + w + 2] = False
    assert not outside.any()


def test_boxes_are_in_reading_order_and_match_the_truth(digits):
    condition = Condition(layouts=("lines",), slope=(0, 0), noise=(0, 0), **SMALL)
    page = compose_page(np.random.default_rng(8), *digits, condition)
    assert [len(line) for line in page.lines] == [4, 4]
    top, bottom = page.boxes[:4], page.boxes[4:]
    assert max(y + h for _, y, _, h in top) < min(y for _, y, _, _ in bottom)
    assert all(a[0] < b[0] for row in (top, bottom) for a, b in zip(row, row[1:], strict=False))


def test_truth_names_the_digit_in_each_box(digits):
    """With one digit alone to draw from, its label is all that the truth may hold."""
    images, labels = digits
    page = compose_page(np.random.default_rng(1), images[7:8], labels[7:8], Condition(layouts=("lines",), **SMALL))
    assert page.lines == ["7777", "7777"]


def test_a_page_askew_has_its_digits_in_their_boxes(digits):
    straight = Condition(layouts=("lines",), **SMALL)
    page, askew = (
        compose_page(np.random.default_rng(4), *digits, condition)
        for condition in (straight, dataclasses.replace(straight, askew=(15, 15)))
    )
    assert page.lines == askew.lines and askew.image.shape[0] > page.image.shape[0]
    grey = cv2.cvtColor(askew.image, cv2.COLOR_BGR2GRAY)
    assert all(grey[y : y + h, x : x + w].min() < np.median(grey) * 0.7 for x, y, w, h in askew.boxes)
    (left, first, _, _), (right, last, _, _) = askew.boxes[0], askew.boxes[len(askew.lines[0]) - 1]
    assert abs(last - first) / (right - left) == pytest.approx(np.tan(np.radians(15)), abs=0.1)


@pytest.mark.parametrize(("name", "turn"), [("sideways", 1), ("upside down", 2)])
def test_a_turned_page_is_an_upright_one_turned_counter_clockwise(name, turn, digits):
    upright = Condition(layouts=CONDITIONS[name].layouts)
    pages = [compose_page(np.random.default_rng(4), *digits, condition) for condition in (upright, name)]
    assert np.array_equal(np.rot90(pages[0].image, turn), pages[1].image)
    assert pages[0].lines == pages[1].lines


def test_the_same_seed_gives_the_same_page(digits):
    one, two, other = (compose_page(np.random.default_rng(seed), *digits, "clutter") for seed in (4, 4, 5))
    assert np.array_equal(one.image, two.image)
    assert (one.lines, one.boxes, one.pairs) == (two.lines, two.boxes, two.pairs)
    assert one.image.shape != other.image.shape or not np.array_equal(one.image, other.image)


def test_touching_pairs_share_ink_and_others_do_not(digits):
    condition = Condition(
        layouts=("pairs",), touching=True, rows=(3, 3), height=(60, 60), slope=(0, 0), dark=(1, 1), noise=(0, 0),
        contrast=(1, 1), weight=(1, 1), inks=("black",), blur=(0, 0),
    )  # fmt: skip
    page = compose_page(np.random.default_rng(2), *digits, condition)
    grey = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    count, pieces = cv2.connectedComponents((grey < np.median(grey) * 0.65).astype(np.uint8))
    owners = [set(np.unique(pieces[y : y + h, x : x + w])) - {0} for x, y, w, h in page.boxes]
    assert page.pairs
    assert all(owners[i] & owners[i + 1] for i in page.pairs)
    assert count - 1 == len(page.boxes) - len(page.pairs)


def test_without_touching_no_digits_touch(digits):
    page = compose_page(np.random.default_rng(2), *digits, Condition(layouts=("lines",), weight=(1, 1), **SMALL))
    assert not page.pairs
    for (x, _, w, _), (right, _, _, _) in zip(page.boxes[:3], page.boxes[1:4], strict=True):
        assert x + w < right


def ink_of(page):
    """How much darker than its paper a page is, in grey levels."""
    grey = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY)
    return np.maximum(0, float(np.median(grey)) - cv2.GaussianBlur(grey, (0, 0), 1))


def outside(page):
    """Which pixels lie in no digit's box."""
    free = np.ones(page.image.shape[:2], bool)
    for x, y, w, h in page.boxes:
        free[max(0, y - 2) : y + h + 2, max(0, x - 2) : x + w + 2] = False
    return free


@pytest.mark.parametrize(
    ("added", "name"),
    [({}, "nothing"), ({"signs": OPERATORS}, "signs"), ({"words": True}, "words"), ({"things": 20}, "things")],
)
def test_what_stands_beside_the_digits_is_not_in_the_truth(added, name, digits):
    condition = Condition(
        layouts=("lines",),
        dark=(1, 1),
        contrast=(1, 1),
        noise=(0, 0),
        gap=(0.2, 0.2),
        inks=("black",),
        **SMALL,
        **added,
    )
    page = compose_page(np.random.default_rng(5), *digits, condition)
    assert [len(line) for line in page.lines] == [4, 4] and len(page.boxes) == 8
    assert (ink_of(page)[outside(page)] > 60).any() == (name != "nothing")


def test_a_page_of_text_has_letters_and_no_digit(digits):
    page = compose_page(np.random.default_rng(3), *digits, "text")
    assert page.lines == [] and page.boxes == () and page.letters > 200
    assert (ink_of(page) > 60).mean() > 0.01


def test_a_printed_list_has_a_number_behind_each_word(digits):
    page = compose_page(np.random.default_rng(3), *digits, "printed list")
    inked = (ink_of(page) > 60).any(axis=1)
    assert np.count_nonzero(inked[1:] > inked[:-1]) == len(page.lines) >= 4
    assert page.boxes == () and all(line.isdigit() and len(line) <= 3 for line in page.lines)


@pytest.mark.parametrize("surface", ["paper", "ruled", "squared", "squares", "form", "table"])
def test_printed_lines_run_between_the_digits(surface, digits):
    layout = "cells" if surface in ("form", "table") else "lines"
    condition = Condition(surface=surface, layouts=(layout,), slope=(0, 0), dark=(1, 1), noise=(0, 0), **SMALL)
    page = compose_page(np.random.default_rng(5), *digits, condition)
    assert ((ink_of(page) > 8)[outside(page)].mean() > 0.01) == (surface != "paper")


@pytest.mark.parametrize("pixels", [14, 40, 100, 400])
def test_drawn_digits_have_the_height_asked_for(pixels, digits):
    eight = digits[0][8].reshape(28, 28)
    rows = np.flatnonzero(eight.max(axis=1) > 100)
    expected = (rows[-1] - rows[0] + 1) * pixels / 20
    ink = draw_digit(eight, pixels, 1.0)
    assert ink.shape[0] == pytest.approx(expected, rel=0.12, abs=1.5)
    assert 0.9 < ink.max() <= 1.0


def test_weight_sets_the_stroke_and_leaves_it_whole(digits):
    two = digits[0][2].reshape(28, 28)
    thin, plain, thick = ((draw_digit(two, 100, weight) > 0.5).astype(np.uint8) for weight in (0.5, 1.0, 1.7))
    assert thin.sum() < 0.75 * plain.sum() < plain.sum() < 0.8 * thick.sum()
    assert [cv2.connectedComponents(ink)[0] for ink in (thin, plain, thick)] == [2, 2, 2]


def test_faint_pages_are_faint_and_marker_pages_are_not(digits):
    def depth(name: str) -> float:
        grey = cv2.cvtColor(compose_page(np.random.default_rng(6), *digits, name).image, cv2.COLOR_BGR2GRAY)
        grey = cv2.GaussianBlur(grey, (0, 0), 1).astype(float)
        return float(1 - np.min(grey / cv2.GaussianBlur(grey, (0, 0), 60)))

    assert depth("faint") < 0.25 < 0.5 < depth("marker")


def test_the_sample_is_a_note_of_four_lines(digits):
    page = compose_sample(*digits)
    assert len(page.lines) == 4
    assert all(6 <= len(line) <= 8 for line in page.lines)
    assert 900 < page.image.shape[1] < 1500


@pytest.mark.parametrize("name", CANVASES)
def test_a_canvas_says_what_is_on_it(name, digits):
    """With one digit alone to draw from, its label is all that the truth may hold."""
    images, labels = digits
    page = compose_page(np.random.default_rng(1), images[7:8], labels[7:8], name)
    assert page.image.dtype == np.uint8 and page.image.ndim == 3
    assert set("".join(page.lines)) == {"7"}
    assert len(page.lines) == 1 or name in ("mosaic", "figure")
    again = compose_page(np.random.default_rng(1), images[7:8], labels[7:8], name)
    assert np.array_equal(page.image, again.image) and page.lines == again.lines


@pytest.mark.parametrize(
    ("name", "count", "shapes"),
    [
        ("28 x 28", 1, {(28, 28)}),
        ("enlarged", 1, {(280, 280), (1008, 1008)}),
        ("brush", 1, {(400, 400)}),
        ("thin pen", 1, {(400, 400)}),
        ("500 px", 1, {(1200, 1600)}),
        ("two", 2, None),
        ("edge", 6, None),
    ],
)
def test_a_canvas_has_its_size_and_its_number_of_digits(name, count, shapes, digits):
    pages = [compose_page(np.random.default_rng(seed), *digits, name) for seed in range(8)]
    assert all(len(page.lines[0]) == count for page in pages)
    assert shapes is None or {page.image.shape[:2] for page in pages} == shapes


def tiled(name, digits):
    """Pages of tiles, with their numbers of rows and of tiles in each."""
    pages = [compose_page(np.random.default_rng(seed), *digits, name) for seed in range(4)]
    assert all(len({len(line) for line in page.lines}) == 1 for page in pages)
    return [(page, len(page.lines), len(page.lines[0])) for page in pages]


def test_a_mosaic_has_no_gaps_between_its_tiles(digits):
    for page, rows, across in tiled("mosaic", digits):
        assert rows >= 3 and across >= 3 and page.image.shape[:2] == (28 * rows, 28 * across)


def test_a_figure_has_a_white_page_around_dark_tiles(digits):
    for page, rows, across in tiled("figure", digits):
        assert rows <= 3 and across >= 3
        assert (page.image[0] == 255).all() and (page.image[:, 0] == 255).all() and (page.image < 10).mean() > 0.1


def test_canvases_are_dark_on_light_and_light_on_dark(digits):
    corners = {int(compose_page(np.random.default_rng(seed), *digits, "28 x 28").image[0, 0, 0]) for seed in range(9)}
    assert corners == {0, 255}


def test_a_tight_canvas_ends_where_its_digit_does(digits):
    images, labels = digits
    _, _, w, h = cv2.boundingRect((images[7].reshape(28, 28) > 40).astype(np.uint8))
    page = compose_page(np.random.default_rng(1), images[7:8], labels[7:8], "tight")
    assert page.image.shape[:2] == (10 * h, 10 * w)


@pytest.mark.parametrize(
    ("name", "pieces"),
    [*zip(OPERATORS, (1, 1, 1, 3, 2), strict=True), *zip(BRACKETS, (1, 1, 1), strict=True), ("short slash", 1)],
)
def test_signs_have_their_strokes(name, pieces):
    assert set(SIGNS) == {*OPERATORS, *BRACKETS, *TICKS, "short slash"}
    for seed in range(9):
        ink = draw_sign(np.random.default_rng(seed), name, 60, 3)
        assert ink.dtype == np.float32 and ink.max() == 1
        assert max(ink.shape) <= 72 if name in OPERATORS else 50 < ink.shape[0] <= 108
        assert cv2.connectedComponents((ink > 0.5).astype(np.uint8))[0] - 1 == pieces


def test_the_arms_of_a_tick_meet_but_for_a_hasty_one_and_its_long_arm_leads_up_to_the_right():
    ticks = [draw_sign(np.random.default_rng(seed), *TICKS, 60, 3) > 0.5 for seed in range(9)]
    pieces = [cv2.connectedComponents(tick.astype(np.uint8))[0] - 1 for tick in ticks]
    assert set(pieces) <= {1, 2} and pieces.count(1) > pieces.count(2)
    for tick in ticks:
        assert tick[:10].any(axis=0).nonzero()[0].min() > tick[-10:].any(axis=0).nonzero()[0].max()


@pytest.mark.parametrize("lean", [-0.2, 0.0, 0.3])
def test_digits_by_one_hand_can_be_brought_to_one_slant(digits, lean):
    for pixels in digits[0].reshape(-1, 28, 28):
        redrawn = draw_digit(pixels, 60, 1, 0, lean - slant(pixels))
        assert slant(redrawn) == pytest.approx(lean, abs=0.06)


@pytest.mark.parametrize("name", FONTS)
def test_printed_words_have_the_height_of_their_capitals(name):
    ink = print_words(np.random.default_rng(1), "HEN", 50, name)
    assert ink.shape[0] == pytest.approx(50, abs=8) and ink.max() == 1
    assert print_words(np.random.default_rng(1), "HENHEN", 50, name).shape[1] > 1.8 * ink.shape[1]


def test_words_are_in_fonts_that_the_networks_do_not_learn_and_have_no_digits():
    assert not set(FONTS) & set(fonts.FONTS)
    assert all(word.isalpha() and word.islower() for word in WORDS)


def test_squared_paper_has_its_pitch_and_its_pen():
    sheet = np.ones((200, 300, 3), np.float32)
    scenery.square(np.random.default_rng(1), sheet, 10, 40, 0.0, thickness=3, strength=1.0)
    dark = sheet[..., 0] < 0.9
    rows, columns = (np.flatnonzero(dark.mean(axis=axis) > 0.9) for axis in (1, 0))
    assert {9, 10, 11} <= set(rows % 40) <= {8, 9, 10, 11, 12}
    assert [int((np.diff(at) > 30).sum()) + 1 for at in (rows, columns)] == [5, 7]
