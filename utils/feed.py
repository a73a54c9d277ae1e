"""What a network is fed: a thread prepares the next epoch's digits while the network trains on this epoch's."""

import argparse
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import keras
import numpy as np
import tensorflow as tf

from utils.dataset import Digits, encode
from utils.handwriting import handwriting

Pairs = tuple[np.ndarray, np.ndarray]  # (n, 28, 28) uint8 digits, 0 is paper and 255 is ink; (n, 10) float32 targets


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
        self.digits = tf.Variable(tf.zeros((len(self.labels), *shape), "uint8"), trainable=False)
        self.targets = tf.Variable(tf.zeros((len(self.labels), 10)), trainable=False)
        self.thread, self.stopped, self.ahead = ThreadPoolExecutor(1), Event(), None

    def close(self) -> None:
        """End the thread, even in the midst of an epoch's digits."""
        self.stopped.set()
        self.thread.shutdown()

    def batches(self) -> tf.data.Dataset:
        """Give the epoch that has begun: inputs (n, *shape) float32, as `to_input` makes them, and targets (n, 10)."""

        def look_up(rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.cast(tf.gather(self.digits, rows), "float32") / 255, tf.gather(self.targets, rows)

        rows = tf.data.Dataset.range(len(self.labels)).batch(self.options.batch_size)
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

    def gather(self, epoch: int) -> Pairs:
        """Collect the digits of an epoch; a run that is stopped does not wait for all of them."""
        parts = []
        for part in self.write(epoch):
            parts.append(part)
            if self.stopped.is_set():
                break
        digits, targets = (np.concatenate(column) for column in zip(*parts))
        return digits.reshape(-1, *self.digits.shape[1:]), targets

    def write(self, epoch: int) -> Iterable[Pairs]:
        """Write the digits of an epoch anew, or with --no-augment as they are and in another order.

        Each epoch has its own random numbers, so a resumed run sees what it would have seen.
        """
        seed, epochs = self.options.seed, self.options.epochs
        if self.options.augment:
            return handwriting(self.images, self.labels, seed, epoch, epochs)
        order = np.random.default_rng([seed, epoch]).permutation(len(self.labels))
        return [(self.images[order], encode(self.labels[order]))]
