"""What both trainers share: options, data, the course of a training, and saving."""

import argparse
import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from utils import say, silence
from utils.checkpoint import ENDINGS, load_weights, lock, save_weights, scratch_folder
from utils.dataset import Digits, doubt, encode, load_dataset, to_input
from utils.download import TEST_CSV, TRAIN_CSV, ensure_dataset

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

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
    add("--output", type=Path, metavar="FILE", help=f"the trained network ({output})")
    add("--no-augment", dest="augment", action="store_false", help="MNIST's own digits alone, none written anew")
    add("--resume", action="store_true", help="go on where a stopped run of the same command was")
    options = parser.parse_args()
    as_given = options.epochs >= epochs and options.augment and not options.limit
    if not options.output:
        options.output = Path(output)
        if not as_given or (options.train, options.test) != (TRAIN_CSV, TEST_CSV):
            options.output = options.output.with_stem(options.output.stem + TRY)
            say(f"not the full recipe, so {output} stays; the network will be {options.output}")
    if options.output.suffix != ".keras":
        parser.error(f"argument --output: {str(options.output)!r}, expected a name that ends in .keras")
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


def decay(rate: float, steps: int) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Let the learning rate fall from `rate` to zero over a run's steps, as the square root of what is left of them.

    Without it the accuracy of the last epoch depends on luck. A cosine (Loshchilov and Hutter, SGDR, 2017) is low so
    early that the last epochs, whose digits are MNIST's own for the most part, teach little.
    """
    import keras

    return keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0, power=0.5)


def steps_at_once(most: int, steps: int) -> int:
    """Choose how many of an epoch's steps TensorFlow takes before Python may show progress, without a rest."""
    return max(n for n in range(1, most + 1) if steps % n == 0)


def to_batches(model: "keras.Model", half: Digits) -> "tf.data.Dataset":
    """Pair inputs for a network, (n, *shape) float32, with targets, (n, 10) float32, a thousand at a time."""
    import tensorflow as tf

    pairs = to_input(half[0], model.input_shape[1:]), encode(half[1])
    return tf.data.Dataset.from_tensor_slices(pairs).batch(1000)


@contextlib.contextmanager
def course(
    model: "keras.Model", train: Digits, options: argparse.Namespace
) -> Iterator[tuple["tf.data.Dataset", int, list["keras.callbacks.Callback"]]]:
    """Prepare the course of a training: other digits in each epoch, and no more epochs than a stopped run has left.

    Dropout rests if the digits change: that is regularisation enough. In trials with the last 10,000 training digits
    held out, the CNN misread 66 of those with the post's dropout in all but the last three epochs, 55 in all but the
    last six, and 53 without it.

    Yields
    ------
    For `model.fit`: the digits in batches, the epochs that are done, and callbacks.

    Raises
    ------
    ValueError
        If what the stopped run left is damaged.
    KeyboardInterrupt
        On Ctrl-C, between two steps.
    """
    import keras

    from utils.feed import Feed

    if options.augment:
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0
    scratch = scratch_folder(options)
    with contextlib.closing(Feed(train, model.input_shape[1:], options)) as feed, stops_between_steps() as stops:
        digits = feed.batches()
        callbacks = [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save_weights(model, scratch)),
            keras.callbacks.CSVLogger(scratch / "history.csv", append=True),
            feed,
        ]
        if model.optimizer.use_ema:
            callbacks.append(keras.callbacks.SwapEMAWeights())  # the averaged weights are what is tested
        yield digits, load_weights(model, scratch, len(digits)), [*callbacks, stops]


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
