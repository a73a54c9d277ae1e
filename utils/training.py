"""What both trainers share: options, data, the course of a training, and saving."""

import argparse
import contextlib
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utils import import_keras, say, silence
from utils.checkpoint import ENDINGS, load_weights, lock, save_weights, scratch_folder
from utils.dataset import doubt, encode, load_dataset, to_input
from utils.download import TEST_CSV, TRAIN_CSV, ensure_dataset

if TYPE_CHECKING:
    import keras

Digits = tuple[np.ndarray, np.ndarray]  # (N, 784) uint8 pixels, (N,) uint8 labels

BATCH = 1000  # test digits at a time
TRY = "_try"  # ends the name of a network that is not from the full recipe, which must not replace one that is


def parse_options(description: str, epochs: int, batch_size: int, seed: int, output: str) -> argparse.Namespace:
    """Read the command line; the arguments are the defaults.

    Raises
    ------
    OSError
        If the output could not be written at the end of the training, or another training is to write it.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--epochs", type=_at_least(1), default=epochs, metavar="N", help=f"passes over the digits ({epochs})")
    add("--batch-size", type=_at_least(1), default=batch_size, metavar="N", help=f"digits per step ({batch_size})")
    add("--seed", type=_at_least(0), default=seed, metavar="N", help=f"another number gives another network ({seed})")
    add("--limit", type=_at_least(1), metavar="N", help="use the first N rows of either file only, for a quick try")
    add("--train", type=Path, default=TRAIN_CSV, metavar="CSV", help=f"training digits ({TRAIN_CSV})")
    add("--test", type=Path, default=TEST_CSV, metavar="CSV", help=f"test digits ({TEST_CSV})")
    add("--output", type=_model_path, metavar="FILE", help=f"the trained network ({output})")
    add("--no-augment", dest="augment", action="store_false", help="MNIST's own digits alone, none written anew")
    add("--resume", action="store_true", help="go on where a stopped run of the same command was")
    options = parser.parse_args()
    full = options.epochs >= epochs and options.augment and not options.limit
    full = full and (options.train, options.test) == (TRAIN_CSV, TEST_CSV)
    if not options.output:
        options.output = Path(output) if full else Path(output).with_stem(Path(output).stem + TRY)
        if not full:
            say(f"not the full recipe, so {output} stays; the network will be {options.output}")
    folder = options.output.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{options.output}: cannot be written, there is no folder {folder}")
    for path in (options.output.with_name(options.output.stem + ending) for ending in ENDINGS):
        if path.is_dir() or not os.access(folder, os.W_OK):
            raise PermissionError(f"{path}: cannot be written, it is a folder, or in a folder that is read-only")
    options.lock = lock(options.output)
    return options


def _at_least(minimum: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) < 2**32:
            raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number from {minimum} to {2**32 - 1}")
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
    halves = []
    for path in options.train, options.test:
        half = load_dataset(path)
        if fault := doubt(*half, rows={TRAIN_CSV: 60_000, TEST_CSV: 10_000}.get(path)):
            say(f"warning: {path}: {fault}")
        halves.append([column[: options.limit] for column in half])
    train, test = halves
    print(f"{len(train[1]):,} training digits, {len(test[1]):,} test digits")
    return train, test


def start_keras(seed: int) -> None:
    """Import Keras without TensorFlow's start-up messages, and make its random numbers repeat themselves."""
    import_keras()
    import keras

    keras.utils.set_random_seed(seed)


def decay(rate: float, rows: int, options: argparse.Namespace) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Let the learning rate fall from `rate` to zero over the run, as the square root of what is left of it.

    Without it the accuracy of the last epoch depends on luck. A cosine (Loshchilov and Hutter, SGDR, 2017) is low so
    early that the last epochs, whose digits are MNIST's own for the most part, teach little.
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


@contextlib.contextmanager
def course(model: "keras.Model", train: Digits, test: Digits, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Prepare the course of a training; the test digits are looked at after each epoch, for display only.

    Yields
    ------
    Keywords for `model.fit`: other digits in every epoch, and where to begin.
    """
    import keras

    from utils.feed import Feed, written

    shape, rows, scratch = model.input_shape[1:], len(train[1]), scratch_folder(options)
    with contextlib.ExitStack() as stack:
        feed = stack.enter_context(Feed(written(train, options), rows, shape, options.epochs))
        if options.augment:
            stack.enter_context(without_dropout(model))
        begun = load_weights(model, scratch, steps(rows, options))
        callbacks = [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save_weights(model, scratch)),
            keras.callbacks.CSVLogger(scratch / "history.csv", append=True),
            feed,
        ]
        if model.optimizer.use_ema:
            callbacks.append(keras.callbacks.SwapEMAWeights())  # the averaged weights are what is tested
        callbacks.append(stack.enter_context(stops_between_steps()))
        yield {
            "x": feed.batches(options.batch_size),
            "shuffle": False,
            "initial_epoch": begun,
            "validation_data": (to_input(test[0], shape), encode(test[1])),
            "validation_batch_size": BATCH,
            "verbose": 1 if sys.stdout.isatty() else 2,
            "callbacks": callbacks,
        }


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


def save(model: "keras.Model", network: Callable[[], "keras.Model"], options: argparse.Namespace) -> None:
    """Put a trained network, as .keras and as .tflite, and its pictures in place, each whole or not at all."""
    scratch, name = scratch_folder(options), options.output.stem
    save_network(model, network, scratch / f"{name}.keras")
    for ending in ENDINGS:
        path = options.output.with_name(name + ending)
        os.replace(scratch / path.name, path)
        print("saved", path)


def save_network(model: "keras.Model", network: Callable[[], "keras.Model"], path: Path) -> None:
    """Save a network without its optimizer, channels last: what OpenCV reads, and no file depends on a setting.

    The weights serve both orders, since Flatten puts channels last whatever the order before it.
    """
    import keras

    keras.config.set_image_data_format("channels_last")
    bare = network()
    bare.set_weights(model.get_weights())
    bare.save(path)
    path.with_suffix(".tflite").write_bytes(to_tflite(bare))


def to_tflite(model: "keras.Model") -> bytes:
    """Convert a network for cv2.dnn, which reads any number of digits if the file says one; see `seal`."""
    import keras
    import tensorflow as tf

    from utils.classifier import seal

    digit = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    with silence():
        content = tf.lite.TFLiteConverter.from_keras_model(keras.Model(digit, model(digit))).convert()
    return seal(content, model.input_shape[1:])
