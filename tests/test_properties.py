"""Whatever the input, public functions keep their contracts, and the command line its exit codes."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from recognize import read_digits
from tests import fuzz
from utils.classifier import load_classifier
from utils.dataset import encode, load_dataset
from utils.draw import annotate
from utils.frame import center_digit, center_digits
from utils.handwriting import distort
from utils.ink import PAPERS, flatten_light, threshold
from utils.lattice import between, find_cuts
from utils.lines import group_lines
from utils.picture import read_picture, write_picture
from utils.segment import Piece, cut_pieces, paint
from utils.spaces import space_numbers
from utils.straight import find_lines
from utils.styles import restyle
from utils.writing import find_numbers

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=60), elements=st.sampled_from([0, 255]))
GREYS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=60))
IMAGES = GREYS | arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3)))

BOXES = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(1, 60), st.integers(1, 60))
DIGITS = st.lists(st.tuples(st.integers(0, 9), st.floats(0.1, 1), BOXES), max_size=10)
KINDS = (".keras", ".tflite")

quick = settings(max_examples=60, deadline=None, database=None)


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("output/mnist.tflite")


def piece(value, confidence, box):
    answer = np.full(10, (1 - confidence) / 9)
    answer[value] = confidence
    return Piece(box, np.full(box[:1:-1], 255, np.uint8), 2.0, np.zeros((28, 28), np.uint8), answer)


@quick
@given(GREYS, st.booleans(), st.sampled_from(PAPERS))
def test_ink_is_finite_and_its_mask_0_and_255_in_the_shape_of_the_picture(grey, light_ink, copy):
    ink = flatten_light(grey, light_ink, copy)
    assert ink.shape == grey.shape and ink.dtype == np.float32
    assert np.isfinite(ink).all() and ink.max() <= 1
    mask = threshold(ink, copy)
    assert mask.shape == grey.shape and mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255} and not mask[ink <= 0].any()


@quick
@given(MASKS)
def test_pieces_lie_in_the_picture_and_are_all_its_ink_but_single_pixels(mask):
    height, width = mask.shape
    pieces = cut_pieces(mask)
    for x, y, w, h in (piece.box for piece in pieces):
        assert 0 <= x < x + w <= width and 0 <= y < y + h <= height
    painted = paint(pieces, mask.shape)
    around = cv2.filter2D(mask // 255, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    assert np.array_equal(painted > 0, (mask > 0) & (around > 1))


@quick
@given(MASKS, st.floats(1, 100), st.floats(0.01, 0.5), st.booleans())
def test_lines_are_made_of_ink(mask, length, thick, hanging):
    ink = (mask / 255).astype(np.float32)
    found = find_lines(ink, length, thick, mask > 0 if hanging else None)
    assert found.shape == mask.shape and found.dtype == bool
    assert not (found & (mask == 0)).any()


@quick
@given(GREYS)
def test_a_centred_digit_is_in_mnists_frame_and_has_ink_if_there_was_any(ink):
    digit = center_digit(ink)
    assert digit.shape == (28, 28) and digit.dtype == np.uint8
    assert digit.any() == ink.any()


@quick
@given(st.lists(GREYS, max_size=6))
def test_many_digits_are_centred_as_each_alone(inks):
    many = center_digits(inks)
    assert many.shape == (len(inks), 28, 28)
    assert all(np.array_equal(digit, center_digit(ink)) for digit, ink in zip(many, inks))


@settings(quick, max_examples=30)
@given(image=IMAGES)
def test_digits_have_values_confidences_and_boxes_in_the_picture(classifier, image):
    height, width = image.shape[:2]
    for digit in (digit for line in read_digits(image, classifier) for digit in line):
        x, y, w, h = digit.box
        assert 0 <= x <= x + w <= width and 0 <= y <= y + h <= height
        assert 0 <= digit.value <= 9 and 0 < digit.confidence <= 1


@quick
@given(st.lists(BOXES, max_size=30), st.floats(1, 100))
def test_every_box_is_in_one_line(boxes, height):
    lines = group_lines(boxes, height)
    assert sorted(i for line in lines for i in line) == list(range(len(boxes)))


@quick
@given(GREYS, st.floats(0, 10))
def test_the_middles_of_cuts_lie_inside_the_ink_from_left_to_right(ink, apart):
    cuts = find_cuts(ink, apart)
    middles = cuts.mean(axis=1)
    assert cuts.shape[1:] == ink.shape[:1] and (np.diff(middles) > 0).all()
    assert ((middles > -0.5) & (middles < ink.shape[1] - 0.5)).all()


@quick
@given(MASKS, st.floats(0, 10))
def test_a_piece_cut_in_two_is_the_piece(ink, apart):
    whole = Piece((7, 5, *ink.shape[::-1]), ink, 2.0)
    side = np.full(len(ink), np.inf)
    for cut in find_cuts(ink, apart):
        halves = between(whole, -side, cut), between(whole, cut, side)
        moved = [part._replace(box=(part.box[0] - 7, part.box[1] - 5, *part.box[2:])) for part in halves]
        assert np.array_equal(paint(moved, ink.shape), ink)


@quick
@given(st.lists(DIGITS, max_size=4), st.floats(1, 60))
def test_numbers_are_some_of_the_pieces_in_their_order(rows, height):
    lines = [sorted((piece(*digit) for digit in row), key=lambda piece: piece.box[0]) for row in rows]
    numbers, words = find_numbers([[(piece, [piece]) for piece in line] for line in lines], height)
    spaced = space_numbers(numbers)
    assert len(spaced) == len(lines)
    for line, digits in zip(lines, spaced):
        boxes = iter(piece.box for piece in line)
        assert all(digit.box in boxes for digit in digits)
        assert not any(digit.is_spaced for digit in digits[:1])
    ours = {id(piece) for line in lines for piece in line}
    assert all(id(piece) in ours for piece in words)


@quick
@given(arrays(np.uint8, st.tuples(st.integers(0, 5), st.just(28), st.just(28))), st.integers(0, 2**32 - 1))
def test_distorted_digits_have_the_shape_of_digits(digits, seed):
    rng = np.random.default_rng(seed)
    restyled = restyle(digits, rng.integers(0, 10, len(digits)), rng)
    for written in restyled, distort(restyled, rng):
        assert written.shape == digits.shape and written.dtype == np.uint8


@quick
@given(IMAGES, DIGITS)
def test_whatever_is_annotated_the_picture_keeps_its_size_and_can_be_written(tmp_path_factory, image, found):
    annotated = annotate(image, [[piece(*digit) for digit in found]])
    assert annotated.shape == (*image.shape[:2], 3) and annotated.dtype == np.uint8
    path = tmp_path_factory.getbasetemp() / "annotated.png"
    write_picture(path, annotated)
    assert (read_picture(path) == annotated).all()


@quick
@given(place=st.integers(0, 2**31), byte=st.integers(1, 255), size=st.floats(0, 1), kind=st.sampled_from(KINDS))
def test_a_damaged_model_is_whole_enough_or_named_in_one_line(tmp_path_factory, place, byte, size, kind):
    content = bytearray(Path("output/mnist").with_suffix(kind).read_bytes())
    content[place % len(content)] ^= byte
    path = tmp_path_factory.getbasetemp() / f"damaged{kind}"
    path.write_bytes(content[: round(size * len(content))] if place % 2 else content)
    try:
        answers = load_classifier(path).predict(np.zeros((2, 28, 28), np.uint8))
    except ValueError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert kind == ".keras" and answers.shape == (2, 10)


@quick
@given(arrays(np.uint8, st.integers(0, 40), elements=st.integers(0, 9)))
def test_one_hot_labels_tell_the_labels(labels):
    assert np.array_equal(encode(labels).argmax(axis=1), labels)
    assert encode(labels).sum() == len(labels)


@quick
@given(data=st.binary(max_size=200))
def test_bytes_are_a_picture_or_one_line_that_names_the_file(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.png"
    path.write_bytes(data)
    try:
        image = read_picture(path)
    except ValueError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert image.dtype == np.uint8 and image.ndim == 3


@quick
@given(text=st.text(st.sampled_from("0123456789,.-\n a"), max_size=200))
def test_no_short_text_is_a_dataset(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        load_dataset(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_random_and_damaged_files_end_in_an_exit_code(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", [])
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    kinds, problems = zip(*(fuzz.read(number, tmp_path) for number in range(40)))
    cv2.utils.logging.setLogLevel(level)
    assert set(kinds) == {"picture", "damaged picture", "damaged model"}
    assert not any(problems)
