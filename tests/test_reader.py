"""utils/reader.py, utils/page.py: pictures are read under the hypothesis that the network's evidence decides for."""

import cv2
import numpy as np
import pytest
from conftest import ROOT, answer, digit

from tests.canvases import typed
from tests.compose import compose_page
from tests.score_pages import align
from tests.signs import font
from utils import reader
from utils.classifier import Memory, load_classifier
from utils.ink import PAPERS, resize
from utils.page import (
    GRAIN,
    LEGIBLE,
    LONG_SIDE,
    SAMPLE,
    SHORTEST,
    TEXT,
    Hypothesis,
    Page,
    is_texture,
    sample,
    turned,
)
from utils.reader import SEVERAL, hypotheses, likely_turn, read_page

CLEAR = 192, 5, 396, 76, 27, 375, 384, 64, 134, 281  # rows of test digits 0 to 9 that no network misreads
ODD_SHAPES = (1, 1), (1, 60), (60, 1), (2, 2), (3, 20000)
LINES = ["31416", "27182", "60221"]


@pytest.fixture(scope="module")
def classifier():
    return load_classifier(ROOT / "output/mnist_cnn.tflite")


@pytest.fixture(scope="module")
def digits(mnist):
    """One digit of each value, (10, 784) uint8."""
    return mnist[1][0][list(CLEAR)]


@pytest.fixture(scope="module")
def composed(digits):
    """The page of a condition and a seed."""
    return lambda condition, seed: compose_page(np.random.default_rng(seed), digits, np.arange(10), condition)


@pytest.fixture(scope="module")
def write(digits):
    """Write lines of digits 40 pixels high on light paper: the picture, and their boxes in it."""

    def written(lines, shape=(400, 600), step=50, pitch=90):
        picture, boxes = np.full(shape, 230.0), []
        for row, line in enumerate(lines):
            for column, value in enumerate(line):
                ink = cv2.resize(digits[int(value)].reshape(28, 28), (56, 56), interpolation=cv2.INTER_CUBIC)
                x, y = 60 + step * column, 60 + pitch * row
                picture[y : y + 56, x : x + 56] *= 1 - 0.8 * ink / 255
                dx, dy, w, h = cv2.boundingRect((ink > 60).astype(np.uint8))
                boxes.append((x + dx, y + dy, w, h))
        return picture.astype(np.uint8), boxes

    return written


@pytest.fixture
def seen(monkeypatch):
    """The hypotheses under which a picture is read."""
    tried, read = [], reader.read

    def noted(grey, hypothesis, *arguments):
        tried.append(hypothesis)
        return read(grey, hypothesis, *arguments)

    monkeypatch.setattr(reader, "read", noted)
    return tried


def test_black_pens_beside_a_pencil_hide_nothing_and_are_no_digits(write, classifier):
    picture, _ = write(LINES)
    faint = 230 - (230 - picture) // 3
    for x in (400, 460, 520):
        cv2.line(faint, (x, 60 + x // 4), (x + 60, 250), 20, 16)
    assert text(read_page(faint, classifier)) == LINES


def test_a_smudge_beside_black_digits_is_not_read(write, classifier):
    picture, _ = write(LINES)
    cv2.line(picture, (420, 80), (420, 130), 205, 4)
    assert text(read_page(picture, classifier)) == LINES


def text(page):
    return ["".join(str(digit.value) for digit in line) for line in page.lines]


def share_right(truth, page):
    want = "".join(truth)
    return 1 - align(want, "".join(text(page)))[0] / len(want)


def is_consistent(page):
    """Whether the boxes lie in the picture that was read and the lines are in order."""
    height, width = page.grey.shape
    inside = all(0 <= x < x + w <= width and 0 <= y < y + h <= height for x, y, w, h in (d.box for d in page.digits))
    middles = [[x + w / 2 for x, _, w, _ in (digit.box for digit in line)] for line in page.lines]
    return inside and all(line == sorted(line) for line in middles) and all(page.lines)


@pytest.mark.parametrize(
    "condition, seed",
    [
        *[
            ("clean", 2),
            ("ruled", 1),
            ("squares", 0),
            ("form", 0),
            ("table", 2),
            ("askew", 0),
            ("slope", 1),
            ("board", 2),
        ],
        *[("noise", 2), ("shadow", 2), ("faint", 2), ("marker", 2), ("signs", 1), ("words", 2), ("clutter", 2)],
        *[("sideways", 0), ("upside down", 1), ("strip", 1), ("edge", 1), ("two", 1), ("rough desk", 4)],
        *[("slip", 1), ("side print", 2)],
        ("squared", 17),
    ],
)
def test_composed_pages_are_read(composed, classifier, condition, seed):
    truth = composed(condition, seed)
    page = read_page(truth.image, classifier)
    assert share_right(truth.lines, page) >= 0.9
    assert len(page.lines) == len(truth.lines)
    assert is_consistent(page)


@pytest.mark.parametrize("value", range(10))
@pytest.mark.parametrize("light", [False, True])
def test_a_digit_that_fills_its_picture_is_read_dark_on_light_and_light_on_dark(digits, classifier, value, light):
    small = digits[value].reshape(28, 28)
    x, y, w, h = cv2.boundingRect((small > 40).astype(np.uint8))
    tight = cv2.resize(small[y : y + h, x : x + w], None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    for ink in small, tight:
        page = read_page(ink if light else 255 - ink, classifier)
        assert text(page) == [str(value)] and page.hypothesis.light_ink == light


@pytest.mark.parametrize("value", [0, 2, 6])
def test_a_fat_1_between_the_pictures_edge_and_a_sure_digit_is_read(digits, classifier, value):
    digit = cv2.resize(digits[value].reshape(28, 28)[2:26, 2:26], (480, 480), interpolation=cv2.INTER_CUBIC)
    fat = cv2.dilate(digit, np.ones((40, 40), np.uint8))
    x, y, w, h = cv2.boundingRect((fat > 127).astype(np.uint8))
    one = np.zeros((h + 60, 120), np.uint8)
    cv2.line(one, (64, 60), (56, h), 255, 72)
    ink = np.hstack([one, np.pad(fat[y : y + h, x : x + w], ((30, 30), (8, 30)))])
    assert text(read_page(255 - ink, classifier)) == [f"1{value}"]


def test_dark_on_light_and_light_on_dark_are_read_alike_in_grey_and_in_colour(write, classifier):
    grey, _ = write(LINES)
    for picture, light_ink in (grey, False), (255 - grey, True), (cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), False):
        page = read_page(picture, classifier)
        assert text(page) == LINES and page.hypothesis == Hypothesis(light_ink, PAPERS[0])


@pytest.mark.parametrize("dark", [slice(0, 140), slice(140, 400)])  # the first line, or all but that
def test_what_is_written_in_the_other_ink_is_read_in_its_place(write, classifier, dark):
    picture, truth = write(LINES)
    picture[dark] = 255 - picture[dark]
    page = read_page(picture, classifier)
    assert text(page) == LINES and is_consistent(page)
    for (x, y, w, h), found in zip(truth, page.digits, strict=True):
        left, top, wide, high = found.box
        assert abs(x + w / 2 - left - wide / 2) < 5 and abs(y + h / 2 - top - high / 2) < 5


@pytest.mark.parametrize("color", [0, 60])
def test_a_dark_band_with_paper_on_all_sides_is_read(write, classifier, color):
    picture, _ = write(["2345", *LINES], (1000, 1000))
    band = picture[50:125, 30:570]
    band[:] = np.where(band < 140, 245, color)
    assert text(read_page(picture, classifier)) == ["2345", *LINES]


def test_one_or_two_digits_of_the_other_ink_may_be_holes_or_gaps_and_are_not_believed(write, classifier):
    picture, _ = write(["2345", "67"])
    picture[140:] = 255 - picture[140:]
    assert text(read_page(picture, classifier)) == ["2345"]


@pytest.mark.parametrize("dark_ink", [2, 4])
def test_two_digits_of_the_other_ink_are_believed_where_a_line_goes_on_with_them(write, classifier, dark_ink):
    picture, boxes = write(["234567"])
    edge = (boxes[dark_ink - 1][0] + boxes[dark_ink - 1][2] + boxes[dark_ink][0]) // 2
    picture[:, edge:] = 255 - picture[:, edge:]
    assert text(read_page(picture, classifier)) == ["234567"]


def test_a_slip_on_a_desk_is_read_on_its_own_and_its_boxes_lie_in_the_pictures_own_pixels(composed, classifier):
    truth = composed("slip", 2)
    page = read_page(truth.image, classifier)
    assert page.hypothesis.sheet and text(page) == truth.lines
    found = [digit.box for line in page.in_picture() for digit in line]
    for (x, y, w, h), (left, top, wide, high) in zip(found, truth.boxes, strict=True):
        assert abs(x + w / 2 - left - wide / 2) < wide / 3 and abs(y + h / 2 - top - high / 2) < high / 3


@pytest.mark.parametrize("light_ink", [False, True])
def test_a_few_digits_on_a_round_sheet_are_read_although_the_sheet_looks_like_a_0(write, classifier, light_ink):
    picture = np.roll(write(["7052", "4639"], shape=(600, 800))[0], (160, 240), (0, 1))
    disc = cv2.ellipse(np.zeros((600, 800), np.uint8), (400, 300), (330, 250), 0, 0, 360, 255, -1, cv2.LINE_AA) / 255
    sheet, desk = (276.0 - picture, 230) if light_ink else (picture, 60)
    scene = sheet * disc + desk * (1 - disc)
    assert text(read_page(scene.astype(np.uint8), classifier)) == ["7052", "4639"]


TO_BE_TURNED = ["3052", "2045", "7203", "5340"]  # no 1, 6, 8 or 9, which turned are digits too


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_page_is_read_and_its_boxes_lie_in_the_pictures_own_pixels(write, classifier, quarters):
    upright, boxes = write(TO_BE_TURNED)
    picture, width = upright, upright.shape[1]
    for _ in range(quarters):
        picture = np.ascontiguousarray(np.rot90(picture))
        boxes, width = [(y, width - x - w, h, w) for x, y, w, h in boxes], len(picture[0])
    page = read_page(picture, classifier)
    assert text(page) == TO_BE_TURNED and page.hypothesis.turn == -quarters % 4
    assert np.array_equal(page.grey, upright)
    found = [digit.box for line in page.in_picture() for digit in line]
    assert np.abs(np.subtract(found, boxes)).max() <= 3


def test_a_single_row_is_turned_although_its_digits_run_together_when_they_lie_on_their_side(write, classifier):
    picture = write(["250374"], shape=(200, 460), step=34)[0]
    assert text(read_page(np.ascontiguousarray(np.rot90(picture)), classifier)) == ["250374"]


@pytest.mark.parametrize(
    "turn, box", [*enumerate([(40, 20, 60, 30), (150, 40, 30, 60), (300, 150, 60, 30), (20, 300, 30, 60)])]
)
def test_boxes_are_turned_back_and_brought_to_the_pictures_scale(turn, box):
    """The picture is 400 x 200, or 200 x 400 if it lies on its side, and was read at half its size."""
    shape = (200, 400) if turn % 2 == 0 else (400, 200)
    page = Page(Hypothesis(False, PAPERS[0], turn), shape, 0.5, *[np.zeros((100, 200), np.uint8)] * 3)
    page = page._replace(lines=[[digit(20, 10, 30, 15)]])
    (((placed,),),) = [page.in_picture()]
    assert placed.box == box and placed.value == 7


def test_boxes_end_where_the_picture_does():
    """Of 101 pixels half are 50 or 51."""
    page = Page(Hypothesis(False, PAPERS[0]), (101, 101), 0.5, *[np.zeros((51, 51), np.uint8)] * 3)
    page = page._replace(lines=[[digit(40, 30, 11, 21)]])
    assert page.in_picture()[0][0].box == (80, 60, 21, 41)


def test_digits_that_the_pictures_edge_cuts_are_not_read(write, classifier):
    picture, _ = write(LINES)
    cut = np.ascontiguousarray(picture[:, :281])  # a third of the last digits is left
    assert text(read_page(cut, classifier)) == ["3141", "2718", "6022"]
    cut = np.ascontiguousarray(picture[100:])  # and of the first line
    assert text(read_page(cut, classifier)) == LINES[1:]


def test_a_sample_has_large_pieces_even_where_specks_are_many():
    specks, large = [digit(0, 0, 2, 2)] * 10_000, [digit(0, 0, 20, 40)] * 30
    some = sample(specks[:5000] + large + specks[5000:])
    assert len(some) <= SAMPLE
    assert sum(piece.size > 2 for piece in some) >= 15
    assert sample(large) == large


@pytest.mark.parametrize("pitch", [20, 40])
def test_squared_paper_is_read(write, classifier, pitch):
    picture, _ = write(LINES)
    picture[pitch // 2 :: pitch] = np.minimum(picture[pitch // 2 :: pitch], 150)
    picture[:, pitch // 2 :: pitch] = np.minimum(picture[:, pitch // 2 :: pitch], 150)
    assert text(read_page(picture, classifier)) == LINES


def test_a_table_is_read_although_its_digits_touch_lines(write, classifier):
    picture, boxes = write(LINES)
    for y in range(14, 300, 90):
        picture[y : y + 2, 50:312] = 60
    for x in range(50, 320, 50):
        picture[14:286, x : x + 2] = 60
    on_line = [y < 104 + 90 * row < y + h for row in range(3) for _, y, _, h in boxes[5 * row : 5 * row + 5]]
    assert sum(on_line) >= 5
    assert text(read_page(picture, classifier)) == LINES


def test_digits_in_printed_boxes_are_read(write, classifier):
    picture, _ = write(["4532", "8056"], step=80)
    for row in range(2):
        for column in range(4):
            x, y = 56 + 80 * column, 53 + 90 * row
            cv2.rectangle(picture, (x, y), (x + 64, y + 70), 60, 1)
    assert text(read_page(picture, classifier)) == ["4532", "8056"]


def test_boxes_lie_where_the_digits_were_written(write, classifier):
    picture, boxes = write(LINES)
    page = read_page(picture, classifier)
    assert page.scale == 1 and np.abs(np.subtract([digit.box for digit in page.digits], boxes)).max() <= 3
    assert page.height == pytest.approx(40, abs=3)


def test_a_page_holds_what_was_seen_on_the_way(composed, classifier):
    page = read_page(composed("form", 0).image, classifier)
    for picture, dtype in (page.grey, np.uint8), (page.ink, np.float32), (page.mask, np.uint8):
        assert picture.shape == page.grey.shape and picture.dtype == dtype
    for piece in page.digits:
        assert piece.crop.shape == (28, 28) and piece.answer.shape == (10,)
    assert page.known <= len(page.digits) and not page.is_text and page.convinces


@pytest.mark.parametrize("level", [0, 120, 255])
@pytest.mark.parametrize("shape", [(300, 400, 3), (300, 400), *ODD_SHAPES])
def test_a_blank_page_has_no_lines(classifier, shape, level):
    page = read_page(np.full(shape, level, np.uint8), classifier)
    assert page.lines == [] and page.pieces == [] and page.letters == []
    assert page.evidence == 0 and not page.mask.any()


@pytest.mark.parametrize("light, noise", [((230, 120), 0), ((230, 230), 6), ((60, 60), 6)])
def test_paper_with_nothing_but_light_or_noise_has_no_lines(classifier, light, noise):
    paper = np.linspace(*light, 600)[None, :] + np.random.default_rng(1).normal(0, noise, (400, 600))
    assert read_page(np.clip(paper, 0, 255).astype(np.uint8), classifier).lines == []


@pytest.mark.parametrize("seed", [3, 5, 6])
def test_digits_that_chance_makes_of_noise_are_not_read(classifier, seed):
    grain = np.random.default_rng(seed).normal(60, 6, (600, 800))
    page = read_page(np.clip(grain, 0, 255).astype(np.uint8), classifier)
    assert page.mask.any() and page.lines == []


def test_a_texture_is_a_heap_of_pieces_of_which_next_to_none_is_known():
    unknown, known, one = (digit(0, 0, value=value, confidence=sure) for value, sure in ((3, 0.4), (3, 0.95), (1, 0.4)))
    dot = digit(0, 0, 3, 3, confidence=0.4)

    def texture(pieces):
        return is_texture(pieces, look=lambda some: some)

    assert texture([unknown] * 970 + [known] * 30)
    assert not texture([unknown] * 900 + [known] * 100)
    assert not texture([unknown] * 999)
    assert not texture([one] * 1000)
    assert not texture([dot] * 1000 + [known] * 10)


def test_rules_with_nothing_on_them_are_no_digits(classifier):
    paper = np.full((400, 600), 230, np.uint8)
    paper[40::40] = paper[41::40] = 150
    assert read_page(paper, classifier).lines == []


@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (2, 2), (3, 2000), (12, 12, 3), (200, 3, 3)])
def test_noise_of_any_shape_is_no_trouble(classifier, shape):
    page = read_page(np.random.default_rng(3).choice(np.uint8([0, 255]), shape), classifier)
    assert is_consistent(page)
    assert page.scale == 1 or max(page.grey.shape) >= SHORTEST


def test_a_page_of_text_is_told_from_digits_and_read_once(composed, classifier, seen):
    page = read_page(composed("text", 2).image, classifier)
    assert page.is_text and len(page.letters) > TEXT and len(page.digits) < 3
    assert set(seen) == {Hypothesis(False, PAPERS[0])}


def test_a_photo_is_reduced(write, classifier):
    picture, _ = write(LINES)
    large = cv2.resize(picture, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    page = read_page(large, classifier)
    assert max(page.grey.shape) == LONG_SIDE and page.scale == LONG_SIDE / 2400
    assert text(page) == LINES


def test_small_digits_on_a_large_photo_are_read_from_more_pixels(write, classifier):
    picture, boxes = write(LINES, shape=(1800, 2400))
    page = read_page(picture, classifier)
    assert page.scale > LONG_SIDE / 2400 and page.height >= LEGIBLE
    assert text(page) == LINES
    found = [digit.box for line in page.in_picture() for digit in line]
    assert np.abs(np.subtract(found, boxes)).max() <= 4


def test_a_small_1_alone_on_a_large_sheet_is_read(write, classifier):
    assert text(read_page(write(["1"], shape=(1500, 1500))[0], classifier)) == ["1"]


def test_small_digits_in_a_small_picture_are_enlarged(write, classifier):
    picture, boxes = write(LINES)
    small = cv2.resize(picture, None, fx=0.45, fy=0.45, interpolation=cv2.INTER_AREA)
    page = read_page(small, classifier)
    assert page.scale > 1 and page.height >= LEGIBLE and text(page) == LINES
    found = [digit.box for line in page.in_picture() for digit in line]
    assert np.abs(np.multiply(boxes, 0.45) - found).max() <= 2


@pytest.mark.parametrize("height, is_enlarged", [(GRAIN - 1, False), (GRAIN + 1, True)])
def test_grain_that_looks_like_digits_is_not_enlarged(height, is_enlarged):
    picture = np.full((500, 600), 230, np.uint8)
    for x in range(40, 560, 20):
        picture[200 : 200 + height, x : x + 3] = 40
    three = answer(3, 0.99)
    page = reader.read(
        lambda scale, _: resize(picture, scale),
        Hypothesis(False, PAPERS[0]),
        look=lambda pieces: [piece._replace(answer=three) for piece in pieces],
    )
    assert (page.scale > 1) == is_enlarged and len(page.strokes) == 26


def test_a_strip_three_hundred_times_as_long_as_high_is_read(write, classifier):
    """Reduced to LONG_SIDE, its digits would be half a pixel high."""
    picture, _ = write(["3052" * 300], shape=(200, 60_200))
    page = read_page(picture, classifier)
    assert align("3052" * 300, "".join(text(page)))[0] <= 12


def test_enlarging_stops_at_a_number_of_pixels(write, classifier, monkeypatch):
    monkeypatch.setattr("utils.page.LARGEST", 90_000)
    small = cv2.resize(write(LINES)[0], (300, 200), interpolation=cv2.INTER_AREA)
    page = read_page(small, classifier)
    assert page.grey.size <= small.size * (SHORTEST / 300) ** 2
    monkeypatch.setattr("utils.page.LARGEST", 300_000)
    assert page.grey.size < read_page(small, classifier).grey.size <= 300_000


def test_a_quiet_sheet_on_a_rough_desk_is_read(composed, classifier):
    truth = composed("clutter", 27)
    assert share_right(truth.lines, read_page(truth.image, classifier)) >= 0.9


def test_a_convincing_page_is_read_once_and_a_single_digit_on_all_papers_and_as_a_negative(
    write, digits, classifier, seen
):
    read_page(write(LINES)[0], classifier)
    assert seen == [Hypothesis(False, PAPERS[0])]
    seen.clear()
    read_page(digits[3].reshape(28, 28), classifier)
    assert list(dict.fromkeys(seen)) == [*(Hypothesis(True, paper) for paper in PAPERS), Hypothesis(False, PAPERS[0])]


def test_a_page_without_a_digit_is_read_under_every_hypothesis(classifier, seen):
    read_page(np.full((300, 300), 230, np.uint8), classifier)
    assert sorted(seen) == sorted(Hypothesis(light_ink, paper) for light_ink in (False, True) for paper in PAPERS)


@pytest.mark.parametrize("light_ink", [False, True])
def test_the_likelier_polarity_is_tried_first_and_fine_paper_before_coarse(light_ink):
    picture = np.full((200, 300), 60 if light_ink else 220, np.uint8)
    picture[50:150, 100:108] = 220 if light_ink else 60
    order = [Hypothesis(light, paper) for light in (light_ink, not light_ink) for paper in PAPERS]
    assert list(hypotheses(picture)) == order


FLAG = np.zeros((40, 20), np.uint8)
FLAG[:, :4] = FLAG[:15] = 255


def sure_of(*shapes):
    """A network that knows these shapes and doubts everything else."""

    def look(pieces):
        known = [any(np.array_equal(piece.ink, shape) for shape in shapes) for piece in pieces]
        return [piece._replace(answer=answer(7, 0.9999 if yes else 0.1)) for piece, yes in zip(pieces, known)]

    return look


@pytest.mark.parametrize("quarters", range(4))
def test_the_turn_is_that_in_which_the_network_knows_most_pieces(quarters):
    ink = turned(FLAG, -quarters)
    pieces = [digit(0, 0)._replace(ink=ink, box=(60 * i, 0, *ink.shape[::-1])) for i in range(3)]
    assert likely_turn(pieces, sure_of(FLAG)) == quarters


def test_a_picture_is_not_turned_for_two_digits_nor_where_it_may_stand_upright():
    pieces = [digit(60 * i, 0)._replace(ink=turned(FLAG, 2)) for i in range(4)]
    assert likely_turn(pieces[:2], sure_of(FLAG)) == 0
    assert likely_turn([*pieces[:2], digit(0, 0, 10, 10)], sure_of(FLAG)) == 0  # a letter on its side may be a digit
    upright = [digit(60 * i, 90)._replace(ink=FLAG) for i in range(3)]
    assert likely_turn([*pieces, *upright[:2]], sure_of(FLAG)) == 2
    assert likely_turn([*pieces, *upright], sure_of(FLAG)) == 0
    assert likely_turn([], sure_of(FLAG)) == 0
    mostly_junk = [*pieces, *(digit(0, 0, 60, 60) for _ in range(9))]
    assert likely_turn(mostly_junk, sure_of(FLAG)) == 0
    edge = np.full((900, 900), 255, np.uint8)  # of a sheet, for instance
    assert likely_turn([*pieces, digit(0, 0, 900, 900)._replace(ink=edge)], sure_of(FLAG, edge)) == 2


@pytest.mark.parametrize("ink", [0, 255])
def test_hollow_digits_are_read(write, classifier, ink):
    solid = cv2.resize(write(["23457", "86790"])[0], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    edges, _ = cv2.findContours(np.uint8(solid < 180), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    picture = cv2.drawContours(np.full_like(solid, 255 - ink), edges, -1, ink, 2, cv2.LINE_AA)
    assert text(read_page(picture, classifier)) == ["23457", "86790"]


def page_of(digits, letters=(), side=400):
    """A page whose mask has the ink of its digits and no other."""
    mask = np.zeros((side, side), np.uint8)
    for x, y, w, h in (one.box for one in digits):
        mask[y : y + h, x : x + w] = 255
    ink, dark = mask / 255, Hypothesis(False, PAPERS[0])
    return Page(dark, mask.shape, 1.0, mask, ink, mask, lines=[list(digits)], letters=list(letters))


def test_a_page_is_text_if_it_has_far_more_letters_than_digits():
    letter = digit(0, 0, confidence=0.3)
    assert page_of([], [letter] * (TEXT + 1)).is_text
    assert not page_of([], [letter] * TEXT).is_text
    assert not page_of([digit(0, 0)] * 200, [letter] * 150).is_text


def test_what_passes_for_letters_on_a_page_with_more_ink_than_theirs_is_no_text():
    page = page_of([], [digit(0, 0, 4, 6, confidence=0.3)] * (TEXT + 1))
    ink = page.share(page.letters) * max(1, cv2.countNonZero(page.mask))
    mask = np.zeros((400, 400), np.uint8)
    mask.flat[: round(1.9 * ink)] = 255
    assert page._replace(mask=mask).is_text
    mask.flat[: round(2.1 * ink)] = 255
    more = page._replace(mask=mask)
    assert more.is_wordy and not more.is_text


def test_evidence_is_the_same_whatever_the_number_of_pixels():
    small = page_of([digit(10, 10, 20, 40)], side=100)
    large = page_of([digit(40, 40, 80, 160)], side=400)._replace(scale=4.0)
    assert small.evidence == large.evidence == pytest.approx(40 * np.sqrt(0.5) * np.log(99))
    assert page_of([digit(10, 10)], [digit(0, 0, confidence=0.3)], 100).evidence > small.evidence


def test_a_texture_that_looks_like_a_page_of_text_does_not_beat_a_digit():
    letter = digit(0, 0, confidence=0.3)
    canvas = page_of([], [letter] * (TEXT + 1))._replace(hypothesis=Hypothesis(True, PAPERS[0]))
    doubtful = page_of([digit(10, 10, confidence=0.95)])
    assert canvas.evidence == 0 < page_of([], [letter] * TEXT).evidence
    assert not doubtful.convinces and reader.better(canvas, doubtful) is doubtful


def test_halves_of_a_digit_are_less_evidence_than_the_whole():
    whole, halves = [digit(10, 10, 40, 40)], [digit(10, 10, 20, 40), digit(30, 10, 20, 40, confidence=0.6)]
    assert page_of(halves).evidence < page_of(whole).evidence


def test_of_doubtful_digits_that_the_edge_cuts_only_one_is_evidence():
    cut = [digit(100 * i, 0, value=1, confidence=0.9) for i in range(4)]
    assert page_of(cut).evidence == page_of(cut[:1]).evidence > 0
    inside = [one._replace(box=(one.box[0] + 9, 9, 20, 40)) for one in cut]
    assert page_of(inside[:3]).evidence == pytest.approx(3 * page_of(cut).evidence)
    known = [digit(100 * i, 0) for i in range(4)]
    assert page_of(known).evidence == pytest.approx(4 * page_of(known[:1]).evidence)


def test_a_page_convinces_by_five_sure_digits_or_by_those_that_are_most_of_its_ink():
    def row(n, confidence=0.999):
        return [digit(30 * i, 0, confidence=confidence) for i in range(n)]

    assert page_of(row(5)).convinces and page_of(row(1)).convinces
    assert not page_of(row(5, 0.99)).convinces and not page_of([]).convinces
    for n, convinces in (1, False), (4, False), (5, True):
        page = page_of(row(n))
        page.mask[100:300] = 255
        assert page.convinces == convinces and page.known == n


def test_small_sure_digits_beat_a_large_doubtful_one_of_the_other_ink_such_as_a_dark_desk():
    small = page_of([digit(40 * i, 9, 20, 40, confidence=0.9999) for i in range(3)])
    desk = page_of([digit(0, 0, 400, 400, value=7, confidence=0.99)])
    assert reader.better(small, desk) is reader.better(desk, small) is desk  # of the same ink
    desk = desk._replace(hypothesis=Hypothesis(True, PAPERS[0]))
    assert desk.evidence > small.evidence and small.convinces and not desk.convinces
    assert reader.better(small, desk) is reader.better(desk, small) is small
    fewer = page_of([digit(40, 9, 20, 40, confidence=0.9999)])
    two = page_of([digit(200 * i, 0, 200, 300, confidence=0.99) for i in range(2)])
    two = two._replace(hypothesis=Hypothesis(True, PAPERS[0]))
    assert fewer.convinces and reader.better(fewer, two) is two  # it knows less


def test_the_grain_of_a_desk_that_looks_like_text_does_not_hide_the_sheet_on_it(monkeypatch):
    scene, letter = np.full((400, 400), 20, np.uint8), digit(0, 0, confidence=0.3)
    scene[100:300, 100:300] = 220
    grain = page_of([], [letter] * (TEXT + 1))
    sheet, doubt = (page_of([digit(120 + 30 * i, 150, confidence=sure) for i in range(3)]) for sure in (0.9999, 0.8))

    def tried(grey, other):
        def read(_, hypothesis, look):
            return (grain if hypothesis.light_ink else other)._replace(hypothesis=hypothesis, grey=grey)

        monkeypatch.setattr(reader, "read", read)
        best, strokes = reader.read_until_convinced(hypotheses(scene), None, None)
        return best.lines, len(strokes)

    assert next(hypotheses(scene)).light_ink
    assert tried(scene, sheet) == (sheet.lines, 2)
    assert tried(scene, doubt) == (grain.lines, 2)
    assert tried(np.full_like(scene, 20), sheet) == (grain.lines, 1)  # no sheet: it is text


def test_of_one_ink_digits_beyond_doubt_beat_as_many_doubtful_ones():
    sure, doubtful = page_of([digit(0, 0, 20, 40, confidence=0.9999)]), page_of([digit(0, 0, 90, 300)])
    assert sure.convinces and not doubtful.convinces and doubtful.evidence > 1.5 * sure.evidence
    assert reader.better(sure, doubtful) is reader.better(doubtful, sure) is sure
    two = page_of([digit(200 * i, 0, 200, 300, confidence=0.99) for i in range(2)])
    assert reader.better(sure, two) is reader.better(two, sure) is two


def test_0s_alone_do_not_beat_a_doubtful_digit_whose_holes_they_may_be():
    eight = page_of([digit(0, 0, 90, 300, value=8)])
    for value, wins in (0, False), (3, True):
        holes = page_of([digit(30, 50, 20, 40, value=value, confidence=0.9999)])
        holes = holes._replace(hypothesis=Hypothesis(True, PAPERS[0]))
        assert holes.convinces and not eight.convinces and eight.evidence > 1.5 * holes.evidence
        assert reader.better(holes, eight) is reader.better(eight, holes) is (holes if wins else eight)


def test_a_digit_counts_as_often_as_it_was_read():
    own, other = digit(0, 0, 20, 40, value=4), digit(100, 0, 20, 40, value=7)
    page = page_of([own, other])
    readings = [reader.digits_in_picture(page)]
    assert reader.support(page, readings) == pytest.approx(page.evidence)
    near, elsewhere = own._replace(box=(2, 2, 20, 40)), own._replace(box=(200, 0, 20, 40))
    another = own._replace(answer=other.answer)
    for read, counts in ([near], 1.5), ([near, other], 2), ([elsewhere], 1), ([another], 1), ([], 1):
        again = [*readings, reader.digits_in_picture(page_of(read))]
        assert reader.support(page, again) == pytest.approx(counts * page.evidence)


def test_ink_that_is_neither_in_digits_nor_in_words_speaks_against_a_page():
    page = page_of([digit(0, 0, 20, 40)])
    littered = page._replace(mask=page.mask.copy())
    littered.mask[200:] = 255
    readings = [reader.digits_in_picture(page)]
    share = 20 * 40 / (20 * 40 + 200 * 400)
    assert reader.support(littered, readings) == pytest.approx(page.evidence * np.sqrt(share))
    word = page_of([], [digit(0, 0, 20, 40, confidence=0.3)] * 3)
    word.mask[:40, :20] = 255
    assert reader.support(word, [reader.digits_in_picture(word)]) == word.evidence > 0


@pytest.mark.parametrize(
    ("value", "pixels", "is_dark"), [("8", 420, True), ("6", 420, False), ("0", 110, True), ("8", 110, True)]
)
def test_the_holes_of_a_digit_in_bold_type_are_no_digits(value, pixels, is_dark, classifier):
    ink = typed(value, font("DejaVuSans-Bold", pixels), pixels // 4)
    grey = (235 - 215 * (ink / 255)).astype(np.uint8)
    assert text(read_page(grey if is_dark else 255 - grey, classifier)) == [value]


def test_several_sure_digits_beat_fewer_of_the_other_ink_such_as_the_sheet_itself():
    """The outline of a round sheet is a sure 0."""
    sheet = page_of([digit(0, 0, 400, 400, value=0, confidence=0.9999)])
    sheet = sheet._replace(hypothesis=Hypothesis(True, PAPERS[0]))
    for n in range(1, 5):
        beside = page_of([digit(40 * i, 0, 20, 40, confidence=0.9999) for i in range(n)])  # and at its edge
        assert beside.convinces and sheet.convinces and sheet.evidence > beside.evidence
        assert reader.better(beside, sheet) is reader.better(sheet, beside) is (beside if n >= SEVERAL else sheet)


def test_several_sure_digits_beat_the_edge_of_a_sheet_that_looks_like_one_the_other_way_up():
    edge = page_of([digit(0, 0, 400, 400, confidence=0.9999)])
    turned_page = page_of([digit(40 * i, 0, 20, 40, confidence=0.9999) for i in range(SEVERAL)])
    turned_page = turned_page._replace(hypothesis=Hypothesis(False, PAPERS[0], 1))
    assert edge.evidence > turned_page.evidence and reader.better(turned_page, edge) is turned_page


@pytest.mark.parametrize(("value", "other", "dropped"), [(0, 7, True), (8, 7, False), (0, 0, False)])
def test_what_looks_like_a_0_is_none_if_a_digit_of_the_other_ink_is_written_in_it(value, other, dropped):
    area = page_of([digit(0, 0, 400, 400, value=value, confidence=0.9999)])
    area = area._replace(hypothesis=Hypothesis(True, PAPERS[0]))
    written = page_of([digit(100, 100, 100, 200, value=other, confidence=0.9999)])
    assert reader.better(written, area) is reader.better(area, written) is (written if dropped else area)
    speck = page_of([digit(100, 100, 20, 40, value=other, confidence=0.9999)])
    assert reader.better(speck, area) is area


SHEET = (100, 100), (300, 100), (300, 400), (100, 400)


def on_sheet(*digits):
    """A page of the sheet in whose pixels these digits lie."""
    page = page_of(digits)
    return page._replace(hypothesis=Hypothesis(False, PAPERS[0], 0, SHEET), shape=(300, 200))


@pytest.mark.parametrize(
    ("before", "explains"),
    [
        ([], True),
        ([(150, 200, 10, 40, 0.99, 1)], True),  # on the sheet
        ([(150, 200, 20, 40, 0.99, 4)], False),  # there as well, and more evidence
        ([(0, 20, 40, 60, 0.9999, 4)], True),  # the picture cuts it off
        ([(20, 20, 40, 60, 0.99, 4)], True),  # beside the sheet, and in doubt
        ([(20, 20, 40, 60, 0.9999, 4)], False),
        ([(80, 150, 60, 200, 0.9999, 4)], True),  # across its edge
        ([(60, 150, 60, 200, 0.9999, 4)], False),  # most of it is beside the sheet
        ([(90, 90, 220, 320, 0.9999, 8)], False),  # the sheet itself, or an 8 whose hole looks like a 1
        ([(90, 90, 220, 320, 0.85, 8)], True),
    ],
)
def test_a_sheet_whose_ink_is_a_1_beats_what_does_not_speak_against_it(before, explains):
    one = on_sheet(digit(50, 100, 10, 40, value=1, confidence=0.99))
    best = page_of([digit(x, y, w, h, confidence=sure, value=value) for x, y, w, h, sure, value in before])
    assert reader.explains_sheet(one, best) == explains


def test_a_digit_that_the_edge_of_a_sheet_cuts_off_is_not_on_it():
    whole, cut = digit(50, 100, 20, 40, confidence=0.9999), digit(0, 200, 20, 40, confidence=0.9999)
    nothing = page_of([])
    assert reader.explains_sheet(on_sheet(whole), nothing) and reader.explains_sheet(on_sheet(whole, cut), nothing)
    assert not reader.explains_sheet(on_sheet(cut), nothing)
    before = page_of([digit(150, 200, 25, 50, confidence=0.9999)])
    assert not reader.explains_sheet(on_sheet(whole, cut), before)  # the one that is whole has less evidence


def test_sure_digits_on_one_sheet_speak_against_another():
    one = on_sheet(digit(50, 100, 10, 40, value=1, confidence=0.99))
    other = on_sheet(digit(50, 100, 20, 40, confidence=0.9999))
    elsewhere = tuple((x + 600, y) for x, y in SHEET)
    assert not reader.explains_sheet(one, other._replace(hypothesis=other.hypothesis._replace(sheet=elsewhere)))


def test_a_digit_that_covers_a_sheet_is_the_sheet_if_another_sure_digit_or_too_thick_a_wall_says_so():
    covers = {value: page_of([digit(90, 90, 220, 320, value=value, confidence=0.9999)]) for value in (0, 8)}
    sure, hole = (on_sheet(digit(50, 100, 20, 40, value=value, confidence=0.9999)) for value in (7, 0))
    wide = on_sheet(digit(20, 100, 160, 40, value=0, confidence=0.9999))
    assert reader.explains_sheet(sure, covers[0]) and reader.explains_sheet(sure, covers[8])
    assert not reader.explains_sheet(hole, covers[8]) and not reader.explains_sheet(wide, covers[0])
    narrow = covers[0]._replace(lines=[[digit(90, 90, 220, 250, value=0, confidence=0.9999)]])
    assert narrow.convinces and not reader.explains_sheet(hole, narrow)
    assert reader.explains_sheet(hole, narrow._replace(mask=np.full((400, 400), 255, np.uint8)))


@pytest.mark.parametrize(("sure", "explains"), [(0.9998, True), (0.99996, False)])
def test_a_digit_that_is_surer_than_those_on_the_sheet_is_a_digit_and_no_sheet(sure, explains):
    covers = page_of([digit(90, 90, 220, 320, value=8, confidence=sure)])
    part = on_sheet(digit(50, 100, 20, 40, value=7, confidence=0.9999))
    assert reader.explains_sheet(part, covers) == explains


def test_a_doubtful_digit_that_covers_a_sheet_is_a_digit_if_those_on_the_sheet_are_more_doubtful():
    covers = page_of([digit(90, 90, 220, 320, value=2, confidence=0.85)])
    for sure, explains in (0.8, False), (0.88, True):
        part = on_sheet(digit(50, 100, 10, 40, value=1, confidence=sure))
        assert reader.explains_sheet(part, covers) == explains


def test_ink_on_a_sheet_that_is_mostly_no_digit_explains_nothing():
    sheet = on_sheet(digit(50, 100, 20, 40, confidence=0.9999))
    littered = sheet._replace(mask=np.full((300, 200), 255, np.uint8))
    assert reader.explains_sheet(sheet, page_of([])) and not reader.explains_sheet(littered, page_of([]))


@pytest.mark.parametrize("value", [1, 4, 7, 0])
def test_a_digit_alone_on_a_sheet_on_a_desk_is_read(write, classifier, value):
    picture = write([str(value)], shape=(240, 320))[0]
    scene = np.random.default_rng(value).normal(60, 5, (500, 700))
    scene[120:360, 150:470] = picture
    cv2.line(scene, (470, 200), (700, 150), 140, 12)  # a pen that touches the sheet
    assert text(read_page(scene.clip(0, 255).astype(np.uint8), classifier)) == [str(value)]


class Counting:
    """A network that counts the digits that it is shown, and is the surer the more ink they have."""

    def __init__(self):
        self.shown = 0

    def predict(self, crops):
        self.shown += len(crops)
        return crops.mean(axis=(1, 2))[:, None] / 255 * np.eye(10)[[3] * len(crops)]


def test_the_network_is_asked_about_each_shape_once():
    network = Counting()
    look = Memory(network).look
    ring = cv2.circle(np.zeros((40, 40), np.uint8), (20, 20), 15, 255, 4)
    pieces = [digit(0, 0), digit(90, 70), digit(0, 0)._replace(ink=ring), digit(0, 0, 40, 20)]
    first = look(pieces)
    assert network.shown == 3
    again = look(pieces[::-1])[::-1]
    assert network.shown == 3
    assert [piece.box for piece in again] == [piece.box for piece in first] == [piece.box for piece in pieces]
    for one, other in zip(first, again):
        assert np.array_equal(one.crop, other.crop) and np.array_equal(one.answer, other.answer)
    assert first[0].confidence == first[1].confidence > first[2].confidence > 0


def test_memory_answers_what_the_network_does_in_any_order(digits, classifier):
    pieces = [digit(0, 0, 28, 28)._replace(ink=ink.reshape(28, 28)) for ink in digits]
    look = Memory(classifier).look
    look(pieces[::2])
    seen = look(pieces)
    assert [piece.value for piece in seen] == list(range(10))
    crops = np.stack([piece.crop for piece in seen])
    np.testing.assert_allclose([piece.answer for piece in seen], classifier.predict(crops), atol=1e-5)
    assert look([]) == []
