"""What both trainers share: options, data, fitting, report and saving."""

import argparse
import contextlib
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utils import silence
from utils.checkpoint import load_weights, read_history, save_weights, scratch_folder
from utils.dataset import encode, load_dataset, plot_dataset, to_input
from utils.download import TEST_CSV, TRAIN_CSV, ensure_dataset

if TYPE_CHECKING:
    import keras

Digits = tuple[np.ndarray, np.ndarray]  # (N, 784) uint8 pixels, (N,) uint8 labels

BATCH = 1000  # test digits at a time
BLUE, ORANGE = "#0072b2", "#e69f00"  # Okabe and Ito's, distinct to every eye


def run(trainer: Callable[[], None]) -> int:
    """Run a trainer; a user's mistake ends in one line on stderr.

    Returns
    -------
    The exit code: 0, 1 after an error, 130 when stopped by Ctrl-C or SIGTERM.
    """
    script = Path(sys.argv[0]).name
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        trainer()
    except (OSError, ValueError) as error:
        print(f"{script}: error:", *str(error).splitlines(), file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\n{script}: stopped{stop}", file=sys.stderr)
        return 130
    return 0


def parse_options(description: str, epochs: int, batch_size: int, seed: int, output: str) -> argparse.Namespace:
    """Read the command line; the arguments are the defaults.

    Raises
    ------
    OSError
        If the output could not be written at the end of the training.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--epochs", type=_at_least(1), default=epochs, metavar="N", help=f"passes over the digits ({epochs})")
    add("--batch-size", type=_at_least(1), default=batch_size, metavar="N", help=f"digits per step ({batch_size})")
    add("--seed", type=_at_least(0), default=seed, metavar="N", help=f"of weights, order and dropout ({seed})")
    add("--limit", type=_at_least(1), metavar="N", help="use the first N rows of either file only, for a quick run")
    add("--train", type=Path, default=TRAIN_CSV, metavar="CSV", help=f"training digits ({TRAIN_CSV})")
    add("--test", type=Path, default=TEST_CSV, metavar="CSV", help=f"test digits ({TEST_CSV})")
    add("--output", type=_model_path, default=output, metavar="FILE", help=f"the trained network ({output})")
    add("--no-augment", dest="augment", action="store_false", help="MNIST's own digits alone, none written anew")
    add("--resume", action="store_true", help="go on where a stopped run of the same command was")
    options = parser.parse_args()
    folder = options.output.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{options.output}: cannot be written, there is no folder {folder}")
    if options.output.is_dir() or not os.access(folder, os.W_OK):
        raise PermissionError(f"{options.output}: cannot be written, it is a folder, or in a folder that is read-only")
    return options


def _at_least(minimum: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) < 2**32:
            raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number, at least {minimum}")
        return int(text)

    return whole_number


def _model_path(text: str) -> Path:
    if Path(text).suffix != ".keras":
        raise argparse.ArgumentTypeError(f"{text!r}, expected a name that ends in .keras")
    return Path(text)


def load_data(options: argparse.Namespace) -> tuple[Digits, Digits]:
    """Read the training and the test digits, after making MNIST's own files if those are wanted and missing."""
    if not all(path.exists() for path in {options.train, options.test} & {TRAIN_CSV, TEST_CSV}):
        ensure_dataset()
    train, test = ([column[: options.limit] for column in load_dataset(path)] for path in (options.train, options.test))
    print(f"{len(train[1]):,} training digits, {len(test[1]):,} test digits")
    return train, test


def start_keras(seed: int) -> None:
    """Import Keras without TensorFlow's start-up messages, and make its random numbers repeat themselves."""
    with silence():
        import keras

    keras.utils.set_random_seed(seed)


def decay(rate: float, rows: int, options: argparse.Namespace) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Let the learning rate fall from `rate` to zero over the run, as the square root of what is left of it.

    Without it the accuracy of the last epoch is a lottery. A cosine (Loshchilov and Hutter, SGDR, 2017) is low so early
    that the last epochs, whose digits are MNIST's own for the most part, teach little.
    """
    import keras

    decay_steps = options.epochs * steps(rows, options)
    return keras.optimizers.schedules.PolynomialDecay(rate, decay_steps, end_learning_rate=0, power=0.5)


def averaging(rows: int, options: argparse.Namespace) -> dict[str, float]:
    """Have an optimizer average the weights over a twelfth of the run (Polyak and Juditsky 1992), if digits change.

    The CNN reads unseen digits a little more surely for it; the MLP gained nothing.

    Returns
    -------
    Keywords for a Keras optimizer.
    """
    total = options.epochs * steps(rows, options)
    return {"use_ema": options.augment, "ema_momentum": max(0, 1 - 12 / total)}


def steps(rows: int, options: argparse.Namespace) -> int:
    """Count the steps of an epoch."""
    return math.ceil(rows / options.batch_size)


def steps_at_once(most: int, rows: int, options: argparse.Namespace) -> int:
    """Choose how many steps TensorFlow takes before Python may show progress: an epoch must be a multiple of it."""
    return max(n for n in range(1, most + 1) if steps(rows, options) % n == 0)


def fit(model: "keras.Model", train: Digits, test: Digits, options: argparse.Namespace) -> None:
    """Train a compiled network; the test digits are looked at after each epoch, for display only."""
    import keras

    from utils.feed import Feed, written

    shape, rows, scratch = model.input_shape[1:], len(train[1]), scratch_folder(options)
    with contextlib.ExitStack() as stack:
        feed = stack.enter_context(Feed(written(train, options), rows, shape, options.epochs))
        callbacks = [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save_weights(model, scratch)),
            keras.callbacks.CSVLogger(scratch / "history.csv", append=True),
            feed,
        ]
        if options.augment:
            stack.enter_context(without_dropout(model))
        if model.optimizer.use_ema:
            callbacks.append(keras.callbacks.SwapEMAWeights())  # the averaged weights are what is tested
        callbacks.append(stack.enter_context(stops_between_steps()))
        model.fit(
            x=feed.batches(options.batch_size),
            shuffle=False,
            initial_epoch=load_weights(model, scratch, steps(rows, options)),
            epochs=options.epochs,
            validation_data=(to_input(test[0], shape), encode(test[1])),
            validation_batch_size=BATCH,
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=callbacks,
        )


@contextlib.contextmanager
def without_dropout(model: "keras.Model") -> Iterator[None]:
    """Let dropout layers pass everything: digits that change every epoch are regularisation enough.

    In trials with the last 10,000 training digits held out, the CNN misread 66 of those with the post's dropout in all
    but the last three epochs, 55 in all but the last six, and 53 without it.
    """
    import keras

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    rates = [layer.rate for layer in layers]
    for layer in layers:
        layer.rate = 0
    try:
        yield
    finally:
        for layer, rate in zip(layers, rates):
            layer.rate = rate


@contextlib.contextmanager
def stops_between_steps() -> Iterator["keras.callbacks.Callback"]:
    """Hold Ctrl-C and SIGTERM back until TensorFlow hands over to Python: raised in its midst they may crash it.

    Yields
    ------
    The callback that raises KeyboardInterrupt, for `fit`.
    """
    import keras

    caught = []

    def stop(*_, **__) -> None:
        if caught:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is signal.default_int_handler:  # a job in the background ignores Ctrl-C, and shall
            signal.signal(number, lambda *_: caught.append(True))
    try:
        yield keras.callbacks.LambdaCallback(on_epoch_begin=stop, on_train_batch_end=stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    stop()


def report(model: "keras.Model", test: Digits, options: argparse.Namespace) -> None:
    """Print what was trained and how well it reads the test digits, and draw three pictures of it."""
    digits, labels = test
    inputs = to_input(digits, model.input_shape[1:])
    model.summary()
    cost, accuracy = model.evaluate(inputs, encode(labels), batch_size=BATCH, verbose=0)
    print("Test cost:", cost)
    print("Test accuracy:", accuracy)

    scratch, name = scratch_folder(options), options.output.stem
    probabilities = model.predict(inputs, batch_size=BATCH, verbose=0)
    predicted = probabilities.argmax(axis=1)
    plot_curves(read_history(scratch), scratch / f"{name}_curves.png")
    plot_confusion(labels, predicted, scratch / f"{name}_confusion.png")
    worst = np.lexsort((probabilities[np.arange(len(labels)), labels], predicted == labels))
    worst = np.resize(worst[:16], 16)
    plot_dataset(digits[worst], labels[worst], predicted[worst], path=scratch / f"{name}_misread.png")


def plot_curves(history: list[dict[str, float]], path: Path) -> None:
    """Draw cost and accuracy over the epochs."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    epochs = [row["epoch"] + 1 for row in history]
    for axes, key, unit in zip(
        figure.subplots(1, 2), ("loss", "accuracy"), ("cross-entropy (nats)", "share read right")
    ):
        axes.plot(epochs, [row[key] for row in history], "o-", ms=3, color=BLUE, label="training digits")
        axes.plot(epochs, [row[f"val_{key}"] for row in history], "s--", ms=3, color=ORANGE, label="test digits")
        axes.set(title={"loss": "Cost", "accuracy": "Accuracy"}[key], xlabel="epoch", ylabel=unit)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
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


def save(model: "keras.Model", options: argparse.Namespace) -> None:
    """Put the network, as .keras and as .tflite, and its pictures in place, each whole or not at all."""
    scratch, name = scratch_folder(options), options.output.stem
    bare = for_inference(model)
    bare.save(scratch / f"{name}.keras")
    (scratch / f"{name}.tflite").write_bytes(to_tflite(bare))
    for ending in (".keras", ".tflite", "_curves.png", "_confusion.png", "_misread.png"):
        path = options.output.with_name(name + ending)
        os.replace(scratch / path.name, path)
        print("saved", path)


def for_inference(model: "keras.Sequential") -> "keras.Sequential":
    """Copy a trained network without its optimizer, channels last: what OpenCV reads, and no file depends on a setting.

    The weights serve both orders, since Flatten puts channels last whatever the order before it.
    """
    import keras

    configs = [layer.get_config() for layer in model.layers]
    layers = [
        type(layer).from_config(config | {"data_format": "channels_last"} if "data_format" in config else config)
        for layer, config in zip(model.layers, configs)
    ]
    shape = (28, 28, 1) if model.input_shape[1:] == (1, 28, 28) else model.input_shape[1:]
    copy = keras.Sequential([keras.Input(shape), *layers], name=model.name)
    copy.set_weights(model.get_weights())
    return copy


def to_tflite(model: "keras.Model") -> bytes:
    """Convert a network for cv2.dnn, which reads any number of digits if the file says one; see `seal`."""
    import keras
    import tensorflow as tf

    from utils.classifier import seal

    digit = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    with silence():
        content = tf.lite.TFLiteConverter.from_keras_model(keras.Model(digit, model(digit))).convert()
    return seal(content, model.input_shape[1:])
