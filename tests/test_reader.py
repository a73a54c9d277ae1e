"""utils/reader.py: composed pages are read, in either polarity and at any size; blank ones and surroundings are not."""

import cv2
import numpy as np
import pytest
from conftest import ROOT

from tests.compose import compose_page
from tests.score_pages import align
from utils.classifier import load_classifier
from utils.dataset import load_dataset
from utils.download import TEST_CSV
from utils.lattice import Digit
from utils.reader import (
    CONVINCED,
    LEGIBLE,
    LONG_SIDE,
    find_pieces,
    mend,
    of_one_hand,
    on_same_sheet,
    read_ink,
    read_page,
    trust,
)
from utils.segment import clusters, pieces

MODEL = ROOT / "output/mnist_cnn.tflite"
ODD_SHAPES = (1, 1), (1, 60), (60, 1), (2, 2), (3, 20000)


@pytest.fixture(scope="module")
def classifier():
    if not MODEL.exists():
        pytest.skip(f"{MODEL} is not there yet")
    return load_classifier(MODEL)


@pytest.fixture(scope="module")
def digits():
    if not TEST_CSV.exists():
        pytest.skip(f"{TEST_CSV} is not there yet")
    return load_dataset(TEST_CSV)


@pytest.fixture(scope="module")
def composed(digits):
    """The page of a condition and a seed."""
    return lambda condition, seed: compose_page(np.random.default_rng(seed), *digits, condition)


def text(page):
    return ["".join(str(digit.value) for digit in line) for line in page.lines]


def share_right(truth, page):
    want = "".join(truth)
    return 1 - align(want, "".join(text(page)))[0] / len(want)


def is_consistent(page):
    """Whether the boxes lie in the picture that was read and the lines are in order."""
    height, width = page.grey.shape
    boxes = [digit.box for line in page.lines for digit in line]
    inside = all(0 <= x < x + w <= width and 0 <= y < y + h <= height for x, y, w, h in boxes)
    middles = [[x + w / 2 for x, _, w, _ in (digit.box for digit in line)] for line in page.lines]
    return inside and all(line == sorted(line) for line in middles) and all(page.lines)


@pytest.mark.parametrize(
    "condition, seed",
    [("clean", 2), ("ruled", 1), ("squared", 1), ("form", 0), ("slope", 1), ("board", 2), ("noise", 2)],
)
def test_composed_pages_are_read(composed, classifier, condition, seed):
    truth = composed(condition, seed)
    page = read_page(truth.image, classifier)
    assert share_right(truth.lines, page) >= 0.9
    assert len(page.lines) == len(truth.lines)
    assert page.light_ink == (condition == "board")
    assert is_consistent(page)


def test_digits_in_printed_boxes_are_read(composed, classifier):
    truth = composed("clean", 2)
    for x, y, w, h in truth.boxes:
        cv2.rectangle(truth.image, (x - 4, y - 6), (x + w + 4, y + h + 6), (60, 60, 60), 1)
    assert share_right(truth.lines, read_page(truth.image, classifier)) >= 0.8


def test_boxes_lie_where_the_digits_were_written(composed, classifier):
    truth = composed("clean", 2)
    page = read_page(truth.image, classifier)
    found = [(x + w / 2, y + h / 2) for x, y, w, h in (digit.box for line in page.lines for digit in line)]
    written = [(x + w / 2, y + h / 2) for x, y, w, h in truth.boxes]
    assert page.scale == 1 and len(found) == len(written)
    assert np.abs(np.subtract(found, written)).max() < page.height / 4
    assert page.height == pytest.approx(np.median([box[3] for box in truth.boxes]), rel=0.2)


def test_a_page_holds_what_was_seen_on_the_way(composed, classifier):
    page = read_page(composed("form", 0).image, classifier)
    for picture, dtype in (
        (page.grey, np.uint8),
        (page.ink, np.float32),
        (page.mask, np.uint8),
        (page.strokes, np.uint8),
    ):
        assert picture.shape == page.grey.shape and picture.dtype == dtype
    assert not (page.strokes & ~page.mask).any()
    assert cv2.countNonZero(page.strokes) < 0.9 * cv2.countNonZero(page.mask)
    trusted = sum(trust(digit) for line in page.lines for digit in line)
    assert 0.5 * trusted < page.evidence() <= trusted


def test_dark_on_light_and_light_on_dark_read_the_same(composed, classifier):
    image = composed("clean", 2).image
    dark, light = read_page(image, classifier), read_page(255 - image, classifier)
    assert (dark.light_ink, light.light_ink) == (False, True)
    assert align("".join(text(dark)), "".join(text(light)))[0] <= 1


def test_colour_and_grey_read_the_same(composed, classifier):
    image = composed("clean", 2).image
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    assert text(read_page(grey, classifier)) == text(read_page(image, classifier)) != []


@pytest.mark.parametrize("level", [0, 120, 255])
@pytest.mark.parametrize("shape", [(300, 400, 3), (300, 400), *ODD_SHAPES])
def test_a_blank_page_has_no_lines(classifier, shape, level):
    page = read_page(np.full(shape, level, np.uint8), classifier)
    assert page.lines == [] and page.pieces == [] and page.evidence() == 0
    assert not page.mask.any()


def test_paper_with_nothing_but_light_and_noise_has_no_lines(classifier):
    rng = np.random.default_rng(1)
    paper = np.linspace(230, 120, 600)[None, :] + rng.normal(0, 3, (400, 600))
    assert read_page(np.clip(paper, 0, 255).astype(np.uint8), classifier).lines == []


def test_rules_with_nothing_on_them_are_no_digits(classifier):
    paper = np.full((400, 600), 230, np.uint8)
    paper[40::40] = paper[41::40] = 150
    assert read_page(paper, classifier).lines == []


@pytest.mark.parametrize("shape", [*ODD_SHAPES, (40, 40, 3), (200, 3, 3)])
def test_noise_of_any_shape_is_no_trouble(classifier, shape):
    page = read_page(np.random.default_rng(3).choice(np.uint8([0, 255]), shape), classifier)
    assert is_consistent(page)
    assert max(page.grey.shape) <= LONG_SIDE


def test_a_photo_is_reduced(composed, classifier):
    truth = composed("clean", 2)
    large = cv2.resize(truth.image, None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC)
    page = read_page(large, classifier)
    assert max(page.grey.shape) == LONG_SIDE
    assert page.scale == pytest.approx(LONG_SIDE / max(large.shape))
    assert share_right(truth.lines, page) >= 0.9


def test_small_digits_on_a_large_photo_are_read_from_more_pixels(composed, classifier):
    truth = composed("clean", 2)
    height, width = truth.image.shape[:2]
    wide = cv2.copyMakeBorder(truth.image, 0, 3000 - height, 0, 4200 - width, cv2.BORDER_REPLICATE)
    page = read_page(wide, classifier)
    assert LONG_SIDE / 4200 < page.scale <= 1
    assert page.height >= LEGIBLE
    assert share_right(truth.lines, page) >= 0.9


def test_fragments_are_mended_when_the_network_is_surer_of_the_whole():
    mask = np.zeros((80, 120), np.uint8)
    mask[10:35, 20:25] = mask[38:60, 20:25] = mask[10:60, 80:85] = 255
    found = pieces(mask)
    assert len(found) == 3 and len(clusters(found, mask)) == 2

    class Slender:
        """As sure of slender strokes, and of thick ones, as it is told."""

        def __init__(self, slender, thick):
            self.sure = np.array([slender, thick])

        def predict(self, crops):
            thick = crops.sum(axis=(1, 2)) > 60 * 255
            return np.eye(10)[[1] * len(crops)] * self.sure[thick.astype(int)][:, None]

    boxes = {whole: sorted(p.box for p in mend(found, mask, Slender(whole, 0.7))) for whole in (0.65, 0.9)}
    assert boxes[0.9] == [(20, 10, 5, 50), (80, 10, 5, 50)]
    assert boxes[0.65] == [(20, 10, 5, 25), (20, 38, 5, 22), (80, 10, 5, 50)]


SHEET = np.ones((100, 200), np.int32)
SHEET[20:80, 40:160] = 0
SHEET[23:77, 43:157] = 2
SHEET_SIDE = 400  # pixels of the picture whose regions these are: two to each of theirs


def digit(x, y, confidence=0.99, height=40):
    return Digit(7, confidence, (x - 10, y - height // 2, 20, height), np.zeros((28, 28), np.uint8), 3.0)


def test_what_surrounds_the_sheet_is_dropped():
    sheet, desk = [digit(150, 100), digit(200, 100), digit(250, 100)], [digit(20, 30), digit(380, 30)]
    assert on_same_sheet([desk, sheet], SHEET, SHEET_SIDE) == [sheet]
    mixed = [desk[0], *sheet, desk[1]]
    assert on_same_sheet([mixed], SHEET, SHEET_SIDE) == [sheet]


def test_a_sheet_beside_another_stays_if_it_has_enough_on_it():
    halves = np.ones((100, 200), np.int32)
    halves[:, 100] = 0
    halves[:, 101:] = 2
    left, right = [digit(60, 100), digit(120, 100)], [digit(300, 100), digit(350, 100)]
    doubtful = [digit(300, 100, confidence=0.55)]
    assert on_same_sheet([left, right], halves, SHEET_SIDE) == [left, right]
    assert on_same_sheet([left, doubtful], halves, SHEET_SIDE) == [left]


def test_digits_on_one_sheet_all_stay():
    lines = [[digit(150, 100)], [digit(250, 120, 0.6)], [digit(399, 199)]]
    assert on_same_sheet(lines, np.ones((100, 200), np.int32), SHEET_SIDE) == lines
    assert on_same_sheet([], SHEET, SHEET_SIDE) == []


def test_digits_across_the_edge_of_the_sheet_stay():
    across, sheet = digit(200, 55), [digit(150, 100), digit(200, 100)]
    assert on_same_sheet([[across], sheet, [digit(20, 30)]], SHEET, SHEET_SIDE) == [[across], sheet]


def test_what_lies_in_no_region_is_no_sheet():
    regions = SHEET.copy()
    regions[35:65, 60:140] = 0
    nowhere, sheet = [digit(x, 100, height=20) for x in range(150, 250, 5)], [digit(100, 60), digit(100, 150)]
    assert on_same_sheet([nowhere, sheet, [digit(20, 30)]], regions, SHEET_SIDE) == [nowhere, sheet]


def test_without_a_sure_digit_nothing_is_dropped():
    lines = [[digit(150, 100, 0.4)], [digit(20, 30, 0.4)]]
    assert on_same_sheet(lines, SHEET, SHEET_SIDE) == lines


def test_another_pen_and_another_size_are_no_digits():
    ours = [digit(60, 100), digit(100, 100), digit(140, 100)]
    thick, thin = digit(180, 100)._replace(stroke=8.0), digit(220, 100)._replace(stroke=1.1)
    large, small = digit(260, 100, height=110), digit(300, 100, height=12)._replace(box=(295, 94, 10, 12))
    assert of_one_hand([[*ours, thick, thin, large], [small]]) == [ours]
    assert of_one_hand([[digit(60, 100, 0.4), thick._replace(confidence=0.4)]]) != []
    assert of_one_hand([]) == []


def write(picture, images, left, top):
    """Write MNIST's digits in a row on a light picture, in place."""
    for x, image in zip(range(left, picture.shape[1], 40), images.reshape(-1, 28, 28)):
        picture[top : top + 28, x : x + 28] -= (0.6 * image).astype(np.uint8)


def test_pens_beside_a_sheet_do_not_outweigh_what_is_written_on_it(digits, classifier):
    picture = np.full((400, 700), 50, np.uint8)
    picture[150:250, 200:500] = 230
    write(picture, digits[0][12:18], 230, 186)
    cv2.line(picture, (80, 60), (60, 330), 240, 8)
    cv2.line(picture, (600, 80), (620, 350), 240, 8)
    assert text(read_page(picture, classifier)) == ["".join(map(str, digits[1][12:18]))]


def test_what_a_digit_counts_for():
    one, other = digit(100, 100)._replace(value=1), digit(100, 100)
    assert trust(digit(100, 100, 0.4)) == 0 < trust(one) < trust(other) / 2
    assert trust(digit(100, 100, 0.8)) < trust(other) < trust(digit(100, 200, height=200))
    assert trust(digit(100, 200, height=200)) < 5 * trust(digit(100, 100, height=20))


def test_large_ink_on_the_edge_of_a_sheet_is_no_piece_but_small_ink_may_be(classifier):
    regions = np.ones((60, 120), np.int32)
    regions[:, 60:64] = 0
    regions[:, 64:] = 2
    mask = np.zeros((200, 400), np.uint8)
    mask[40:120, 204:210] = mask[150:170, 204:210] = 255  # on the edge
    mask[40:120, 100:106] = 255  # on a sheet
    found = find_pieces(mask, regions, classifier)
    assert sorted(piece.box for piece in found) == [(100, 40, 6, 80), (204, 150, 6, 20)]


def test_a_page_of_ones_is_read(digits, classifier):
    picture = np.full((200, 400), 230, np.uint8)
    write(picture, digits[0][digits[1] == 1][:6], 80, 86)
    assert text(read_page(picture, classifier)) == ["111111"]


def test_a_convincing_page_is_read_in_one_polarity(composed, classifier):
    truth = composed("clean", 2)
    shown = 0

    class Counting:
        def predict(self, crops):
            nonlocal shown
            shown += len(crops)
            return classifier.predict(crops)

    once = read_page(truth.image, Counting())
    seen, shown = shown, 0
    read_ink(once.grey, once.scale, once.light_ink, 0.5, Counting())
    assert once.confidence() > CONVINCED and seen <= 1.2 * shown
