"""How a training went: cost and accuracy in words, three pictures, and the network itself."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from utils import silence
from utils.checkpoint import ENDINGS, read_history, scratch_folder
from utils.classifier import seal
from utils.course import stops_between_steps, to_batches
from utils.dataset import Digits, plot_dataset

BLUE, ORANGE = "#0072b2", "#e69f00"  # Okabe and Ito's, distinct to every eye


def evaluate(model: keras.Model, test: Digits, options: argparse.Namespace) -> None:
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


def save(model: keras.Model, network: Callable[[], keras.Model], options: argparse.Namespace) -> None:
    """Put a trained network, as .keras and as .tflite, and its pictures in place, each whole or not at all."""
    scratch, name = scratch_folder(options), options.output.stem
    with stops_between_steps():  # before anything is replaced
        save_network(model, network, scratch / f"{name}.keras")
    for ending in ENDINGS:
        path = options.output.with_name(name + ending)
        os.replace(scratch / path.name, path)
        print("saved", path)


def save_network(model: keras.Model, network: Callable[[], keras.Model], path: Path) -> None:
    """Save a network without its optimizer, channels last: what OpenCV reads, and no file depends on a setting.

    The weights serve both orders, since Flatten puts channels last whatever the order before it.
    """
    keras.config.set_image_data_format("channels_last")
    bare = network()
    bare.set_weights(model.get_weights())
    bare.save(path)
    path.with_suffix(".tflite").write_bytes(to_tflite(bare))


def to_tflite(model: keras.Model) -> bytes:
    """Convert a network for cv2.dnn, which reads any number of digits if the file says one; see `seal`."""
    digit = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    with silence():
        content = tf.lite.TFLiteConverter.from_keras_model(keras.Model(digit, model(digit))).convert()
    return seal(content, model.input_shape[1:])
