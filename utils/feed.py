"""What a network is fed: a thread prepares the next epoch's digits while the network trains on this epoch's."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import keras
import numpy as np
import tensorflow as tf

from utils.dataset import encode
from utils.handwriting import handwriting

Pairs = tuple[np.ndarray, np.ndarray]  # (n, 28, 28) uint8 digits, 0 is paper and 255 is ink; (n, 10) float32 targets


class Feed(keras.callbacks.Callback):
    """Other digits, or another order, in each epoch; to be used in a with statement, which ends the thread.

    A generator behind `tf.data` would be shorter, but TensorFlow and Python wait for each other for ever when a run is
    stopped while it works.

    Parameters
    ----------
    write : gives the digits of an epoch, counted from 0, in parts
    rows : how many digits that is
    shape : the network's input shape without the batch
    epochs : how many there are
    """

    def __init__(self, write: Callable[[int], Iterator[Pairs]], rows: int, shape: Sequence[int], epochs: int):
        super().__init__()
        self.write, self.rows, self.epochs = write, rows, epochs
        self.digits = tf.Variable(tf.zeros((rows, *shape), "uint8"), trainable=False)
        self.targets = tf.Variable(tf.zeros((rows, 10)), trainable=False)
        self.thread, self.stopped, self.ahead = ThreadPoolExecutor(1), Event(), None

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self.thread.shutdown()

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """Give the epoch that has begun: inputs (n, *shape) float32, as `to_input` makes them, and targets (n, 10)."""

        def look_up(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(tf.gather(self.digits, rows), "float32") / 255, tf.gather(self.targets, rows)

        options = tf.data.Options()
        options.autotune.enabled = False  # an iterator that ends waits for its tuning, now and then for seconds
        return tf.data.Dataset.range(self.rows).batch(batch_size).map(look_up).prefetch(8).with_options(options)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Show the network the digits of this epoch, and have the next one's prepared."""
        digits, targets = (self.ahead or self.thread.submit(self.gather, epoch)).result()
        self.digits.assign(digits)
        self.targets.assign(targets)
        if epoch + 1 < self.epochs:
            self.ahead = self.thread.submit(self.gather, epoch + 1)

    def gather(self, epoch: int) -> Pairs:
        """Write the digits of an epoch; a run that is stopped does not wait for all of them."""
        digits = np.empty((self.rows, 28, 28), "uint8")
        targets = np.empty((self.rows, 10), "float32")
        start = 0
        for part, wanted in self.write(epoch):
            end = start + len(part)
            digits[start:end], targets[start:end] = part, wanted
            start = end
            if self.stopped.is_set():
                break
        return digits.reshape(self.digits.shape), targets


def written(train: tuple[np.ndarray, np.ndarray], options: argparse.Namespace) -> Callable[[int], Iterator[Pairs]]:
    """Say how an epoch's digits are written: anew, or with --no-augment as they are and in another order.

    Each epoch has its own random numbers, so a resumed run sees what it would have seen.

    Parameters
    ----------
    train : (N, 784) uint8 digits, 0 is paper and 255 is ink, and (N,) labels
    options : see `utils.training.parse_options`
    """
    digits, labels = train[0].reshape(-1, 28, 28), train[1]

    def shuffled(epoch: int) -> Iterator[Pairs]:
        order = np.random.default_rng([options.seed, epoch]).permutation(len(labels))
        yield digits[order], encode(labels[order])

    def anew(epoch: int) -> Iterator[Pairs]:
        return handwriting(digits, labels, options.seed, epoch, options.epochs)

    return anew if options.augment else shuffled
