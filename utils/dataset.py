"""The CSV form of MNIST: one digit per row, its label first, then its 28 x 28 pixels row by row."""

import gzip
import warnings
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

PIXELS = 28 * 28
PIXEL_VALUES = frozenset(map(str, range(256)))


def load_dataset(path: str | Path, delimiter: str = ",") -> tuple[np.ndarray, np.ndarray]:
    """Read digits and their labels.

    Parameters
    ----------
    path : path of a CSV file, plain or gzipped (``.gz``), with or without a header row
    delimiter : what separates the columns

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
            header = _is_header(file.readline(), delimiter)
        with _open(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file
            rows = np.loadtxt(file, "uint8", comments=None, delimiter=delimiter, skiprows=int(header), ndmin=2)
        if rows.shape[1] == 1 + PIXELS and len(rows) and rows[:, 0].max() <= 9:
            return rows[:, 1:], rows[:, 0]
        cause = None
    except (gzip.BadGzipFile, zlib.error, EOFError) as damage:
        raise ValueError(f"{path}: damaged gzip file ({damage})") from None
    except ValueError as error:
        cause = error
    with _open(path) as file:
        raise ValueError(f"{path}: {_first_fault(file, delimiter) or cause}")


def _open(path: Path) -> TextIO:
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", errors="replace")


def _is_header(line: str, delimiter: str) -> bool:
    cells = line.split(delimiter)
    return len(cells) == 1 + PIXELS and not any(cell.strip().isdecimal() for cell in cells)


def _first_fault(lines: Iterable[str], delimiter: str) -> str | None:
    """Say what is wrong with the first wrong line."""
    number = digits = 0
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and _is_header(line, delimiter)):
            continue
        cells = [cell.strip() for cell in line.split(delimiter)]
        if len(cells) != 1 + PIXELS:
            return f"line {number}: {len(cells)} columns, expected {1 + PIXELS} (the label, then {PIXELS} pixels)"
        if not PIXEL_VALUES.issuperset(cells):
            column = next(i for i, cell in enumerate(cells) if cell not in PIXEL_VALUES)
            return f"line {number}: {cells[column]!r} in column {column + 1}, expected a whole number from 0 to 255"
        if int(cells[0]) > 9:
            return f"line {number}: label {cells[0]}, expected 0 to 9"
        digits += 1
    return None if digits else f"line {number + 1}: no digit, expected rows of {1 + PIXELS} columns"


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
