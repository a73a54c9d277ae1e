"""The CSV form of MNIST: one digit per row, its label first, then its 28 x 28 pixels row by row."""

import gzip
import io
import itertools
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from utils import what_is

PIXELS = 28 * 28
COLUMNS = 1 + PIXELS
DELIMITERS = ",", ";", "\t", " "  # tried where the expected one is not there

Digits = tuple[np.ndarray, np.ndarray]  # (N, 784) uint8 pixels, 0 is paper and 255 is ink; (N,) uint8 labels, 0 to 9


def load_dataset(path: str | Path, delimiter: str = ",") -> Digits:
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
        raise FileNotFoundError(f"{path}: {what_is(path)}, expected a CSV file")
    try:
        try:
            with _open(path) as file, warnings.catch_warnings(action="ignore"):  # of an empty file
                first = file.readline()
                delimiter = next((mark for mark in (delimiter, *DELIMITERS) if first.count(mark) == PIXELS), delimiter)
                lines = file if _is_header(first, delimiter) else itertools.chain([first], file)
                rows = np.loadtxt(lines, "uint8", comments=None, delimiter=delimiter, ndmin=2, quotechar='"')
            plain = rows.shape[1] == COLUMNS and rows[:, 0].max() <= 9
        except (ValueError, OverflowError):
            plain = False
        if not plain:
            rows = _read_slowly(path, delimiter)
    except (OSError, EOFError, RuntimeError, UnicodeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as damage:
        raise ValueError(f"{path}: cannot be read ({damage})") from None
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
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX/") and name[-1] != "/"]
        if len(names) != 1:
            raise zipfile.BadZipFile(f"a zip with {len(names)} files, expected one")
        file = archive.open(names[0])
    else:
        file = path.open("rb")
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return io.TextIOWrapper(file, encoding, errors="replace")


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


def _read_slowly(path: Path, delimiter: str) -> np.ndarray:
    """Read whole numbers however they are written, such as 5.0, or say what is wrong with the first wrong line."""
    rows, number = [], 0
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or (number == 1 and _is_header(line, delimiter)):
                continue
            cells = _cells(line, delimiter)
            values = np.array([_number(cell) for cell in cells])
            wrong = np.flatnonzero(~((values >= 0) & (values <= 255) & (values == np.floor(values))))
            if len(cells) != COLUMNS:
                fault = f"{len(cells)} columns, expected {COLUMNS} (the label, then {PIXELS} pixels)"
            elif len(wrong):
                fault = f"{cells[wrong[0]][:30]!r} in column {wrong[0] + 1}, expected a whole number from 0 to 255"
            elif values[0] > 9:
                fault = f"label {cells[0]}, expected 0 to 9"
            else:
                rows.append(values.astype("uint8"))
                continue
            raise ValueError(f"{path}: line {number}: {fault}")
    if not rows:
        raise ValueError(f"{path}: line {number + 1}: no digit, expected rows of {COLUMNS} columns")
    return np.array(rows)


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
    return np.divide(digits.reshape(len(digits), *shape), 255, dtype="float32")


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
        from matplotlib.pyplot import figure as new_figure
        from matplotlib.pyplot import show
    else:
        from matplotlib.figure import Figure as new_figure

    figure = new_figure(figsize=(8, 8), layout="constrained")
    titles = [f"True: {label}" for label in labels]
    if predictions is not None:
        titles = [f"{title} Predicted: {label}" for title, label in zip(titles, predictions)]
    for axes, image, title in zip(figure.subplots(4, 4).flat, data, titles):
        axes.axis("off")
        axes.imshow(np.reshape(image, (28, 28)), cmap="gray", vmin=0, vmax=255)
        if annotate:
            axes.set_title(title)
    if path is None:
        show()
    else:
        figure.savefig(path)
