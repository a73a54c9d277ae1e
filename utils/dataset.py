"""The CSV form of MNIST: one digit per row, its label first, then its 28 x 28 pixels row by row."""

import gzip
import io
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

PIXELS = 28 * 28
COLUMNS = 1 + PIXELS
DELIMITERS = ",", ";", "\t", " "  # tried where the expected one is not there


def load_dataset(path: str | Path, delimiter: str = ",") -> tuple[np.ndarray, np.ndarray]:
    """Read digits and their labels.

    Parameters
    ----------
    path : path of a CSV file, plain, gzipped, or alone in a .zip; UTF-8 or UTF-16; with or without a header row
    delimiter : what separates the columns; a semicolon, a tab or a space is noticed

    Returns
    -------
    data : (N, 784) uint8, 0 is paper and 255 is ink
    labels : (N,) uint8, 0 to 9

    Raises
    ------
    OSError, ValueError
        In one line: the file, the line, what was found there and what was expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}, expected a CSV file")
    try:
        with _open(path) as file:
            first = file.readline()
        found = (mark for mark in (delimiter, *DELIMITERS) if first.count(mark) == PIXELS)
        delimiter = next(found, delimiter)
        header = _is_header(first, delimiter)
        how = {"comments": None, "delimiter": delimiter, "skiprows": int(header), "ndmin": 2, "quotechar": '"'}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file
            try:
                with _open(path) as file:
                    rows = np.loadtxt(file, "uint8", **how)
            except (ValueError, OverflowError):
                with _open(path) as file:
                    rows = _whole(np.loadtxt(file, "float32", **how))
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as damage:
        raise ValueError(f"{path}: cannot be read ({damage})") from None
    except (ValueError, OverflowError) as error:
        rows, cause = np.zeros((0, 0), "uint8"), error
    if rows.shape[1] != COLUMNS or not len(rows) or rows[:, 0].max() > 9:
        with _open(path) as file:
            raise ValueError(f"{path}: {_first_fault(file, delimiter) or cause}")
    if not rows[:, 0].any() and len(np.unique(rows[:, -1])) > 1 and rows[:, -1].max() <= 9:
        raise ValueError(f"{path}: the labels seem to stand in the last column, expected in the first")
    return rows[:, 1:], rows[:, 0]


def _open(path: Path) -> TextIO:
    """Open a file as text, whatever its first bytes say that it is."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(b"\x1f\x8b"):
        file = gzip.open(path)
    elif start == b"PK\x03\x04":
        archive = zipfile.ZipFile(path)
        if len(archive.namelist()) != 1:
            raise zipfile.BadZipFile(f"a zip with {len(archive.namelist())} files, expected one")
        file = archive.open(archive.namelist()[0])
    else:
        file = path.open("rb")
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    return io.TextIOWrapper(file, "utf-16" if wide else "utf-8-sig", errors="replace")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip().split(delimiter)]


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _is_header(line: str, delimiter: str) -> bool:
    """Whether a line names its columns: with words, or with numbers that count them."""
    names = np.array([_number(cell) for cell in _cells(line, delimiter)[1:]])
    return len(names) == PIXELS and (np.isnan(names).all() or (np.diff(names) == 1).all())


def _whole(rows: np.ndarray) -> np.ndarray:
    """Turn real numbers into uint8 if nothing is lost."""
    whole = np.nan_to_num(rows, nan=-1).clip(0, 255).astype("uint8")
    if not np.array_equal(whole, rows):
        raise ValueError("expected whole numbers from 0 to 255")
    return whole


def _first_fault(lines: Iterable[str], delimiter: str) -> str | None:
    """Say what is wrong with the first wrong line."""
    number = digits = 0
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and _is_header(line, delimiter)):
            continue
        cells = _cells(line, delimiter)
        if len(cells) != COLUMNS:
            return f"line {number}: {len(cells)} columns, expected {COLUMNS} (the label, then {PIXELS} pixels)"
        values = [_number(cell) for cell in cells]
        wrong = [i for i, value in enumerate(values) if not (0 <= value <= 255 and value == int(value))]
        if wrong:
            found = f"{cells[wrong[0]][:30]!r} in column {wrong[0] + 1}"
            return f"line {number}: {found}, expected a whole number from 0 to 255"
        if values[0] > 9:
            return f"line {number}: label {cells[0]}, expected 0 to 9"
        digits += 1
    return None if digits else f"line {number + 1}: no digit, expected rows of {COLUMNS} columns"


def doubt(data: np.ndarray, labels: np.ndarray, rows: int | None = None) -> str:
    """Say what is odd about digits (N, 784) and labels (N,) that can be read but hardly be right; "" if nothing is.

    `rows` is how many there should be, if that is known.
    """
    if rows and len(labels) != rows:
        return f"{len(labels):,} digits, MNIST has {rows:,} here; delete the file, and it is made anew"
    if len(labels) > 1 and (labels == labels[0]).all():
        return f"all labels are {labels[0]}"
    if data.max() <= 1:
        return "no pixel is above 1, expected 0 to 255"
    if np.median(data[:, :28]) > 127:
        return "the digits are dark on light, expected light on dark (paper 0, ink 255)"
    return ""


def to_input(digits: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Turn digits into what a network eats; trainers and classifier share this one function.

    Parameters
    ----------
    digits : (N, 784) or (N, 28, 28) uint8, 0 is paper and 255 is ink; N may be 0
    shape : the network's input shape without the batch: (784,), (28, 28, 1) or (1, 28, 28)

    Returns
    -------
    (N, *shape) float32, 0 to 1

    Raises
    ------
    ValueError
        If the digits are not uint8, or of another size.
    """
    digits = np.asarray(digits)
    if digits.dtype != np.uint8 or digits.shape[1:] not in ((PIXELS,), (28, 28)):
        raise ValueError(f"digits are {digits.dtype} {digits.shape}, expected uint8 (N, 784) or (N, 28, 28)")
    images = digits.reshape(len(digits), *shape).astype("float32")
    images /= 255
    return images


def encode(y: np.ndarray, num_classes: int = 10) -> np.ndarray:
    """One-hot encode labels.

    Parameters
    ----------
    y : (N,) whole numbers from 0 to num_classes - 1
    num_classes : how many columns the result has, whichever labels occur

    Returns
    -------
    (N, num_classes) float32, one 1 per row

    Raises
    ------
    ValueError
        If a label is out of range; it names the label.
    """
    y = np.asarray(y)
    wrong = y[~np.isin(y, np.arange(num_classes))]
    if len(wrong):
        raise ValueError(f"label {wrong[0]}, expected 0 to {num_classes - 1}")
    return np.eye(num_classes, dtype="float32")[y.astype(int)]


def plot_dataset(
    data: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray | None = None,
    annotate: bool = True,
    path: str | Path | None = None,
) -> None:
    """Draw sixteen digits in a 4 x 4 grid, with their true and, if given, their predicted labels.

    Parameters
    ----------
    data : (16, 784) or (16, 28, 28)
    labels, predictions : (16,)
    annotate : whether the labels are written above the digits
    path : where the picture is saved; without it a window shows it

    Raises
    ------
    ValueError
        If there are not sixteen of each.
    """
    counts = [len(column) for column in (data, labels, predictions) if column is not None]
    if set(counts) != {16}:
        raise ValueError(f"plot_dataset got {' and '.join(map(str, counts))} digits and labels, expected 16 of each")
    if path is None:
        import matplotlib.pyplot as plt

        figure = plt.figure(figsize=(8, 8), layout="constrained")
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 8), layout="constrained")

    titles = [f"True: {label}" for label in labels]
    if predictions is not None:
        titles = [f"{title} Predicted: {label}" for title, label in zip(titles, predictions)]
    for axes, image, title in zip(figure.subplots(4, 4).flat, data, titles):
        axes.axis("off")
        axes.imshow(np.reshape(image, (28, 28)), cmap="gray", vmin=0, vmax=255)
        if annotate:
            axes.set_title(title)
    if path is None:
        plt.show()
    else:
        figure.savefig(path)
