"""What a network is fed: a thread writes the next epoch's digits while the network trains on this epoch's."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import keras
import numpy as np
import tensorflow as tf

from utils.augment import handwriting
from utils.dataset import to_input


class Feed(keras.callbacks.Callback):
    """Fresh handwriting at the beginning of each epoch; to be used in a with statement, which ends the thread.

    A generator behind `tf.data` would be shorter, but TensorFlow and Python wait for each other for ever when a run is
    stopped while it works.

    Parameters
    ----------
    digits : (N, 784) uint8, 0 is paper and 255 is ink
    labels : (N,) ints
    shape : the network's input shape without the batch
    seed, epochs : see `handwriting`
    """

    def __init__(self, digits: np.ndarray, labels: np.ndarray, shape: Sequence[int], seed: int, epochs: int):
        super().__init__()
        self.digits, self.labels, self.shape = digits.reshape(-1, 28, 28), labels, shape
        self.seed, self.epochs = seed, epochs
        self.inputs = tf.Variable(tf.zeros((len(digits), *shape)), trainable=False)
        self.targets = tf.Variable(tf.zeros((len(digits), 10)), trainable=False)
        self.thread, self.stopped, self.ahead = ThreadPoolExecutor(1), Event(), None

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_) -> None:
        self.stopped.set()
        self.thread.shutdown()

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """Give the digits of the epoch that has begun: float32 inputs (n, *shape) and targets (n, 10)."""
        rows = tf.data.Dataset.range(len(self.digits)).batch(batch_size)
        pairs = rows.map(lambda some: (tf.gather(self.inputs, some), tf.gather(self.targets, some)))
        return pairs.prefetch(tf.data.AUTOTUNE)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Show the network the digits of this epoch, and have the next one's written."""
        inputs, targets = (self.ahead or self.thread.submit(self.write, epoch)).result()
        self.inputs.assign(inputs)
        self.targets.assign(targets)
        if epoch + 1 < self.epochs:
            self.ahead = self.thread.submit(self.write, epoch + 1)

    def write(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Write the digits of an epoch, or as many as there is time for before the run is stopped."""
        inputs = np.empty(self.inputs.shape, "float32")
        targets = np.empty(self.targets.shape, "float32")
        start = 0
        for written, wanted in handwriting(self.digits, self.labels, self.seed, epoch, self.epochs):
            end = start + len(written)
            inputs[start:end], targets[start:end] = to_input(written, self.shape), wanted
            start = end
            if self.stopped.is_set():
                break
        return inputs, targets
