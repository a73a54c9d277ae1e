"""Train a multi-layer perceptron (MLP) on MNIST.

In each epoch most digits are written anew, as other people would write them, and print and shapes that are no digits
are added; see utils/handwriting.py. With --no-augment the network learns MNIST's own digits alone, as in the post.

It writes output/mnist.keras, the same network as output/mnist.tflite, and three pictures: cost and accuracy by epoch,
which digits it takes for which, and sixteen that it misreads. It replaces what is there.

  python train_keras.py                          # 25 epochs, 1 to 3 minutes on 2 cores
  python train_keras.py --limit 500 --epochs 1   # a quick try: output/mnist_try.keras, 35 to 70 % right
"""

import math
import sys

from utils import import_keras, run

EPOCHS, BATCH_SIZE, SEED = 25, 100, 1  # the post's, but for the seed, which it does not set
RATE = 0.003  # Adam's, for digits that change every epoch
POST_RATE = 0.001  # for digits that do not: Keras' default, then and now
OUTPUT = "output/mnist.keras"


def network():
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
    from utils.options import load_data, parse_options  # here, so that `run` names a package that is missing

    options = parse_options(__doc__, EPOCHS, BATCH_SIZE, SEED, OUTPUT)
    train, test = load_data(options)
    keras = import_keras()  # it takes seconds, so mistakes come first
    from utils import course, report
    from utils.checkpoint import keep_checkpoint

    keras.utils.set_random_seed(options.seed)
    model = network()
    model.summary()
    steps = course.count_steps(train, options)  # of an epoch
    rate = course.decay(RATE if options.augment else POST_RATE, options.epochs * steps)
    model.compile(
        keras.optimizers.Adam(rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=math.gcd(steps, 100),  # each takes less than Python needs to show progress
        jit_compile=True,
    )
    with keep_checkpoint(options):
        with course.prepare(model, train, options) as (digits, done, callbacks):
            model.fit(
                digits,  # batches of inputs and targets, others in each epoch
                shuffle=False,  # they are already
                epochs=options.epochs,
                initial_epoch=done,  # 0, or with --resume the epochs that a stopped run has done
                validation_data=course.to_batches(model, test),  # for display only
                callbacks=callbacks,
                verbose=1 if sys.stdout.isatty() else 2,
            )
            report.evaluate(model, test, options)
        report.save(model, network, options)


if __name__ == "__main__":
    sys.exit(run(main))
