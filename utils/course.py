"""The course of a training: what `fit` is given, and how it stops; a thread writes the next epoch's digits meanwhile.

Keras is imported here at once, so a script imports this module when its options and digits are known to be good.
"""

import argparse
import contextlib
import math
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import keras
import numpy as np
import tensorflow as tf

from utils.checkpoint import load_weights, save_weights, scratch_folder
from utils.dataset import Digits, encode, to_input
from utils.handwriting import epoch_size, handwriting


def decay(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Let the learning rate fall from `rate` to zero over a run's steps, as the square root of what is left of them.

    Without it the accuracy of the last epoch depends on luck. A cosine (Loshchilov and Hutter, SGDR, 2017) is low so
    early that the last epochs, whose digits are MNIST's own for the most part, teach little.
    """
    return keras.optimizers.schedules.PolynomialDecay(rate, steps, end_learning_rate=0, power=0.5)


def count_steps(train: Digits, options: argparse.Namespace) -> int:
    """Count the steps of an epoch."""
    return math.ceil(count_shown(train, options) / options.batch_size)


def count_shown(train: Digits, options: argparse.Namespace) -> int:
    """Count what an epoch shows: all digits and, unless `--no-augment` is given, print and junk."""
    return epoch_size(len(train[1])) if options.augment else len(train[1])


def to_batches(model: keras.Model, half: Digits) -> tf.data.Dataset:
    """Pair inputs for a network, (n, *shape) float32, with targets, (n, 10) float32, a thousand at a time."""
    pairs = to_input(half[0], model.input_shape[1:]), encode(half[1])
    return tf.data.Dataset.from_tensor_slices(pairs).batch(1000)


@contextlib.contextmanager
def prepare(
    model: keras.Model, train: Digits, options: argparse.Namespace
) -> Iterator[tuple[tf.data.Dataset, int, list[keras.callbacks.Callback]]]:
    """Prepare the course of a training: other digits in each epoch, and no more epochs than a stopped run has left.

    Dropout rests if the digits change: that is regularisation enough. With the last 10,000 training digits held out,
    the CNN misread 53 of those without dropout, and 66 with the post's in all but the last three epochs.

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
def stops_between_steps() -> Iterator[keras.callbacks.Callback]:
    """Hold Ctrl-C and SIGTERM back until TensorFlow hands over to Python: raised in its midst they may crash it.

    Yields
    ------
    The callback that raises KeyboardInterrupt, for `fit`.
    """
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


class Feed(keras.callbacks.Callback):
    """Other digits, or another order, in each epoch; to be closed, which ends the thread.

    A generator behind `tf.data` would be shorter, but TensorFlow and Python wait for each other for ever when a run is
    stopped while it works.

    Parameters
    ----------
    train : the training digits
    shape : the network's input shape without the batch
    options : of the training: `augment`, `seed`, `epochs`, `batch_size`
    """

    def __init__(self, train: Digits, shape: Sequence[int], options: argparse.Namespace):
        super().__init__()
        self.images, self.labels, self.options = train[0].reshape(-1, 28, 28), train[1], options
        size = count_shown(train, options)
        self.digits = tf.Variable(tf.zeros((size, *shape), "uint8"), trainable=False)
        self.targets = tf.Variable(tf.zeros((size, 10)), trainable=False)
        self.thread, self.stopped, self.ahead = ThreadPoolExecutor(1), Event(), None

    def close(self) -> None:
        """End the thread, even in the midst of an epoch's digits."""
        self.stopped.set()
        self.thread.shutdown()

    def batches(self) -> tf.data.Dataset:
        """Give the epoch that has begun: inputs (n, *shape) float32, as `to_input` makes them, and targets (n, 10)."""

        def look_up(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(tf.gather(self.digits, rows), "float32") / 255, tf.gather(self.targets, rows)

        rows = tf.data.Dataset.range(self.digits.shape[0]).batch(self.options.batch_size)
        untuned = tf.data.Options()
        untuned.autotune.enabled = False  # an iterator that ends waits for its tuning, now and then for seconds
        return rows.map(look_up).prefetch(8).with_options(untuned)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Show the network the digits of this epoch, and have the next one's prepared."""
        digits, targets = (self.ahead or self.thread.submit(self.gather, epoch)).result()
        self.digits.assign(digits)
        self.targets.assign(targets)
        if epoch + 1 < self.options.epochs:
            self.ahead = self.thread.submit(self.gather, epoch + 1)

    def gather(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Write the digits of an epoch anew, or with --no-augment only in another order; a stopped run does not wait.

        Each epoch has its own random numbers, so a resumed run sees what it would have seen.

        Returns
        -------
        (N, *shape) uint8 digits and (N, 10) float32 targets
        """
        images, labels, seed = self.images, self.labels, self.options.seed
        if self.options.augment:
            parts = []
            for part in handwriting(images, labels, seed, epoch, self.options.epochs):
                parts.append(part)
                if self.stopped.is_set():
                    break
            images, targets = (np.concatenate(column) for column in zip(*parts))
        else:
            order = np.random.default_rng([seed, epoch]).permutation(len(labels))
            images, targets = images[order], encode(labels[order])
        return images.reshape(-1, *self.digits.shape[1:]), targets
