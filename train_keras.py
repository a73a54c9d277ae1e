"""Train a multi-layer perceptron (MLP) on MNIST.

In each epoch most digits are written anew, as other people would write them, and some are no digits at all; see
utils/handwriting.py. With --no-augment the network learns MNIST's own digits alone, as in the post.

It writes output/mnist.keras, the same network as output/mnist.tflite, and three pictures: cost and accuracy by epoch,
which digits it takes for which, and sixteen that it misreads. It replaces what is there.

  python train_keras.py                          # 25 epochs, 1 to 2 minutes on 2 cores
  python train_keras.py --limit 500 --epochs 1   # a quick try: output/mnist_try.keras, 35 to 60 % right
"""

import sys
from typing import TYPE_CHECKING

from utils import run

if TYPE_CHECKING:
    import keras

EPOCHS, BATCH_SIZE, SEED = 25, 100, 1  # the post's, but for the seed, which it does not set
RATE = 0.003  # Adam's, for digits that change every epoch
POST_RATE = 0.001  # for digits that do not: Keras' default, then and now
OUTPUT = "output/mnist.keras"


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
    """Build, compile, fit, evaluate, save."""
    from utils import report, training
    from utils.checkpoint import keep_checkpoint

    options = training.parse_options(__doc__, EPOCHS, BATCH_SIZE, SEED, OUTPUT)
    train, test = training.load_data(options)
    training.start_keras(options.seed)
    from keras.optimizers import Adam

    model = network()
    model.summary()
    rate = training.decay(RATE if options.augment else POST_RATE, len(train[1]), options)
    model.compile(
        Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=training.steps_at_once(100, len(train[1]), options),
        jit_compile=True,
    )
    with keep_checkpoint(options), training.course(model, train, test, options) as course:
        model.fit(**course, epochs=options.epochs)
        report.evaluate(model, test, options)
        training.save(model, network, options)


if __name__ == "__main__":
    sys.exit(run(main))
