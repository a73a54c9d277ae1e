"""Train a multi-layer perceptron on MNIST.

In each epoch most digits are written anew, as other people would write them, and some are no digits at all; see
utils/handwriting.py. With --no-augment the network learns MNIST's own digits alone, as in the post.

It writes output/mnist.keras, the same network as output/mnist.tflite, and three pictures: cost and accuracy by epoch,
which digits it takes for which, and sixteen that it misreads.

  python train_keras.py                          # 25 epochs, 1 to 2 minutes on 2 cores
  python train_keras.py --no-augment             # some 40 to 70 seconds
  python train_keras.py --limit 500 --epochs 1   # a quick try
"""

import sys
from typing import TYPE_CHECKING

from utils import training
from utils.checkpoint import keep_checkpoint

if TYPE_CHECKING:
    import keras


def network() -> "keras.Sequential":
    """Build 784-256-256-10, untrained."""
    from keras import Input, Sequential
    from keras.layers import Dense

    return Sequential(
        [
            Input((784,)),
            Dense(256, activation="relu", kernel_initializer="random_normal"),
            Dense(256, activation="relu", kernel_initializer="random_normal"),
            Dense(10, activation="softmax"),
        ]
    )


def main() -> None:
    """Train, report, save."""
    options = training.parse_options(__doc__, epochs=25, batch_size=100, seed=1, output="output/mnist.keras")
    train, test = training.load_data(options)
    training.start_keras(options.seed)
    from keras.optimizers import Adam

    model = network()
    highest = 0.003 if options.augment else 0.001  # digits that never repeat bear larger steps
    rate = training.decay(highest, len(train[1]), options)
    model.compile(
        Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=training.steps_at_once(100, len(train[1]), options),
        jit_compile=True,
    )
    with keep_checkpoint(options):
        training.fit(model, train, test, options)
        training.report(model, test, options)
        training.save(model, options)


if __name__ == "__main__":
    sys.exit(training.run(main))
