"""utils/dataset.py: the CSV format, one-hot labels, the network's input, the picture of sixteen digits."""

import gzip
import os
import zipfile

import cv2
import numpy as np
import pytest

from utils.dataset import doubt, encode, load_dataset, plot_dataset, to_input

HEADER = ",".join(["label"] + [f"{y}x{x}" for y in range(1, 29) for x in range(1, 29)])


def row(label, *pixels, length=784):
    return ",".join(map(str, [label, *pixels] + [0] * (length - len(pixels))))


@pytest.fixture
def csv(tmp_path):
    def write(*lines, name="digits.csv", end="\n"):
        path = tmp_path / name
        content = (end.join(lines) + end).encode() if lines else b""
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz"])
@pytest.mark.parametrize("header", [[], [HEADER]])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_load_dataset_reads_labels_and_pixels(csv, name, header, end):
    data, labels = load_dataset(csv(*header, row(7, 0, 128, 255), row(0, 9), name=name, end=end))
    assert data.shape == (2, 784) and data.dtype == np.uint8
    assert labels.tolist() == [7, 0] and labels.dtype == np.uint8
    assert data[0, :4].tolist() == [0, 128, 255, 0] and data[1, :2].tolist() == [9, 0]


def test_load_dataset_reads_one_row_blank_lines_and_other_delimiters(csv):
    data, labels = load_dataset(str(csv("", row(3, 5).replace(",", ";"), "")), delimiter=";")
    assert data.shape == (1, 784) and labels.tolist() == [3] and data[0, 0] == 5


def test_load_dataset_reads_a_byte_order_mark(csv):
    assert load_dataset(csv("\ufeff" + row(3, 5)))[1].tolist() == [3]


GOOD = row(1)


@pytest.mark.parametrize(
    "lines, message",
    [
        ([], "line 1: no digit, expected rows of 785 columns"),
        ([HEADER], "line 2: no digit, expected rows of 785 columns"),
        ([row(1, length=783)], "line 1: 784 columns, expected 785 (the label, then 784 pixels)"),
        ([row(1, length=785)] * 2, "line 1: 786 columns, expected 785 (the label, then 784 pixels)"),
        ([GOOD, GOOD, "1,2,3", GOOD], "line 3: 3 columns, expected 785 (the label, then 784 pixels)"),
        ([HEADER, GOOD, row(1, 0, 256)], "line 3: '256' in column 3, expected a whole number from 0 to 255"),
        ([GOOD, row(1, -1)], "line 2: '-1' in column 2, expected a whole number from 0 to 255"),
        ([row(1, 0.5), GOOD], "line 1: '0.5' in column 2, expected a whole number from 0 to 255"),
        ([GOOD, row(1, "ink")], "line 2: 'ink' in column 2, expected a whole number from 0 to 255"),
        ([row("seven"), GOOD], "line 1: 'seven' in column 1, expected a whole number from 0 to 255"),
        ([GOOD, row(1, "inf")], "line 2: 'inf' in column 2, expected a whole number from 0 to 255"),
        ([GOOD, row(1, "")], "line 2: '' in column 2, expected a whole number from 0 to 255"),
        ([GOOD, row(10), GOOD], "line 2: label 10, expected 0 to 9"),
        ([GOOD, HEADER], "line 2: 'label' in column 1, expected a whole number from 0 to 255"),
    ],
)
@pytest.mark.parametrize("name", ["bad.csv", "bad.csv.gz"])
def test_load_dataset_names_file_line_found_and_expected(csv, lines, message, name):
    path = csv(*lines, name=name)
    with pytest.raises(ValueError) as error:
        load_dataset(path)
    assert str(error.value) == f"{path}: {message}"


def test_load_dataset_names_a_missing_file_and_a_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileNotFoundError, match=r"pipe\.csv: not a regular file, expected a CSV file"):
        load_dataset(tmp_path / "pipe.csv")
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such file, expected a CSV file"):
        load_dataset(tmp_path / "none.csv")
    with pytest.raises(FileNotFoundError, match="a folder, expected a CSV file"):
        load_dataset(tmp_path)


def test_load_dataset_names_a_damaged_gzip_file(csv, tmp_path):
    whole = csv(GOOD, GOOD, name="whole.csv.gz").read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-12])
    with pytest.raises(ValueError, match="cut.csv.gz: cannot be read"):
        load_dataset(tmp_path / "cut.csv.gz")


@pytest.mark.parametrize("pixel", ['"5"', "5.0", "+5", "5.00e0"])
def test_load_dataset_reads_whole_numbers_however_they_are_written(csv, pixel):
    data, labels = load_dataset(csv(row(3, pixel), row(4, pixel)))
    assert labels.tolist() == [3, 4] and data[:, 0].tolist() == [5, 5]


@pytest.mark.parametrize("first", [range(785), ["label", *range(784)], ["label", *range(1, 785)]])
def test_load_dataset_skips_a_header_that_counts_the_columns(csv, first):
    assert load_dataset(csv(",".join(map(str, first)), row(3), row(4)))[1].tolist() == [3, 4]


@pytest.mark.parametrize("mark", [";", "\t", " "])
def test_load_dataset_notices_what_separates_the_columns(csv, mark):
    assert load_dataset(csv(row(3, 5).replace(",", mark)))[1].tolist() == [3]


def test_load_dataset_tells_the_form_of_a_file_by_its_first_bytes(tmp_path):
    path = tmp_path / "digits.csv"
    for content in gzip.compress(row(3).encode()), row(3).encode("utf-16"):
        path.write_bytes(content)
        assert load_dataset(path)[1].tolist() == [3]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mnist_train.csv", row(3))
        archive.writestr("__MACOSX/._mnist_train.csv", "what macOS adds")
    assert load_dataset(path)[1].tolist() == [3]
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("mnist_test.csv", row(3))
    with pytest.raises(ValueError, match="a zip with 2 files, expected one"):
        load_dataset(path)


def test_load_dataset_refuses_labels_in_the_last_column(csv):
    last = ["0," * 784 + str(label) for label in (5, 0, 4)]
    for header in [], [",".join([f"pixel{i}" for i in range(784)] + ["class"])]:
        with pytest.raises(ValueError, match="the labels seem to stand in the last column, expected in the first"):
            load_dataset(csv(*header, *last))


def test_doubt():
    digits = np.zeros((3, 784), "uint8")
    digits[:, 400:420] = 255
    labels = np.array([1, 2, 3], "uint8")
    assert doubt(digits, labels) == doubt(digits, labels, rows=3) == ""
    assert "3 digits, MNIST has 60,000 here" in doubt(digits, labels, rows=60_000)
    assert doubt(digits, labels * 0 + 7) == "all labels are 7"
    assert "no pixel is above 1" in doubt(digits // 255, labels)
    assert "dark on light" in doubt(255 - digits, labels)


def test_load_dataset_names_the_line_of_a_binary_file(tmp_path):
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match=r"picture\.csv: line 1: 1 columns, expected 785"):
        load_dataset(tmp_path / "picture.csv")


def test_load_dataset_reads_mnist(mnist):
    (data, labels), (test_data, test_labels) = mnist
    assert data.shape == (60_000, 784) and test_data.shape == (10_000, 784)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9] and test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_encode_is_one_hot_even_if_a_class_is_missing():
    encoded = encode(np.array([3, 0], "uint8"))
    assert encoded.dtype == np.float32
    assert encoded.tolist() == [[0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    assert encode([1, 0], num_classes=2).tolist() == [[0, 1], [1, 0]]
    assert encode([]).shape == (0, 10)


@pytest.mark.parametrize("label, message", [(10, "label 10, expected 0 to 9"), (-1, "label -1, expected 0 to 9")])
def test_encode_names_a_label_out_of_range(label, message):
    with pytest.raises(ValueError, match=message):
        encode([1, label])


@pytest.mark.parametrize("shape", [(784,), (28, 28, 1), (1, 28, 28)])
def test_to_input_scales_and_shapes(shape):
    digits = np.zeros((2, 28, 28), "uint8")
    digits[1, 0, 1] = 255
    digits[1, 1, 0] = 51
    for form in digits, digits.reshape(2, 784):
        inputs = to_input(form, shape)
        assert inputs.shape == (2, *shape) and inputs.dtype == np.float32
        assert inputs[1].ravel()[[0, 1, 28]].tolist() == [0, 1, np.float32(0.2)]
    assert to_input(digits[:0], shape).shape == (0, *shape)


@pytest.mark.parametrize("digits", [np.zeros((2, 784)), np.zeros((2, 783), "uint8"), np.zeros((28, 28), "uint8")])
def test_to_input_refuses_floats_and_other_sizes(digits):
    with pytest.raises(ValueError, match=r"expected uint8 \(N, 784\) or \(N, 28, 28\)"):
        to_input(digits, (784,))


@pytest.mark.parametrize("shape", [(16, 784), (16, 28, 28)])
def test_plot_dataset_saves_a_picture(tmp_path, shape):
    path = tmp_path / "digits.png"
    plot_dataset(np.zeros(shape, "uint8"), np.arange(16) % 10, np.zeros(16, int), path=path)
    assert cv2.imread(str(path)).shape == (800, 800, 3)


@pytest.mark.parametrize(
    "options, title", [({}, "True: 0"), ({"predictions": [4] * 16}, "True: 0 Predicted: 4"), ({"annotate": False}, "")]
)
def test_plot_dataset_shows_a_window_with_titles(monkeypatch, options, title):
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.extend(axes.get_title() for axes in plt.gcf().axes))
    plot_dataset(np.zeros((16, 784), "uint8"), np.arange(16) % 10, **options)
    assert len(shown) == 16 and shown[0] == title
    plt.close("all")


def test_plot_dataset_wants_sixteen():
    with pytest.raises(ValueError, match="15 and 16 digits and labels, expected 16 of each"):
        plot_dataset(np.zeros((15, 784)), np.zeros(16))
