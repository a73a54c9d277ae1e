"""How a training went: cost and accuracy in words, and three pictures."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utils.checkpoint import read_history, scratch_folder
from utils.dataset import Digits, plot_dataset
from utils.training import to_batches

if TYPE_CHECKING:
    import keras

BLUE, ORANGE = "#0072b2", "#e69f00"  # Okabe and Ito's, distinct to every eye


def evaluate(model: "keras.Model", test: Digits, options: argparse.Namespace) -> None:
    """Print how well a network reads the test digits, and draw three pictures of it."""
    digits, labels = test
    batches = to_batches(model, test)
    cost, accuracy = model.evaluate(batches, verbose=0)
    print("Test cost:", cost)
    print("Test accuracy:", accuracy)

    scratch, name = scratch_folder(options), options.output.stem
    probabilities = model.predict(batches, verbose=0)
    predicted = probabilities.argmax(axis=1)
    plot_curves(read_history(scratch), options.augment, scratch / f"{name}_curves.png")
    plot_confusion(labels, predicted, scratch / f"{name}_confusion.png")
    sure = probabilities[np.arange(len(labels)), labels]
    worst = np.resize(np.lexsort((sure, predicted == labels))[:16], 16)
    plot_dataset(digits[worst], labels[worst], predicted[worst], path=scratch / f"{name}_misread.png")


def plot_curves(history: list[dict[str, float]], augment: bool, path: Path) -> None:
    """Draw cost and accuracy over the epochs; digits that are written anew are harder than the test digits."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    epochs = [row["epoch"] + 1 for row in history]
    curves = ("loss", "Cost", "cross-entropy (nats)"), ("accuracy", "Accuracy", "share read right")
    for axes, (key, title, unit) in zip(figure.subplots(1, 2), curves):
        axes.plot(epochs, [row[key] for row in history], "o-", ms=3, color=BLUE, label="training digits")
        axes.plot(epochs, [row[f"val_{key}"] for row in history], "s--", ms=3, color=ORANGE, label="test digits")
        axes.set(title=title, xlabel="epoch", ylabel=unit)
        axes.set_xlim(0.5, max(epochs, default=1) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    if augment:
        why = "Training digits are written anew, and some are no digits: they are harder than the test digits."
        figure.suptitle(why, fontsize="medium")
    figure.savefig(path)


def plot_confusion(labels: np.ndarray, predicted: np.ndarray, path: Path) -> None:
    """Draw how often each digit (row) is read as each digit (column); only mistakes are coloured."""
    from matplotlib.figure import Figure

    counts = np.bincount(10 * labels.astype(int) + predicted, minlength=100).reshape(10, 10)
    mistakes = np.where(np.eye(10, dtype=bool), 0, counts)
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(mistakes, cmap="Blues", vmin=0, vmax=max(4, mistakes.max()))
    for (row, column), count in np.ndenumerate(counts):
        dark = mistakes[row, column] > image.norm.vmax / 2
        axes.text(column, row, count or "", ha="center", va="center", color="white" if dark else "black")
    axes.set(title=f"{mistakes.sum():,} of {len(labels):,} test digits misread", xlabel="read as", ylabel="true digit")
    axes.set(xticks=range(10), yticks=range(10))
    figure.colorbar(image, label="misread digits", shrink=0.8)
    figure.savefig(path)
