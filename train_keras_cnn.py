"""Train a convolutional neural network (CNN) on MNIST.

In each epoch most digits are written anew, as other people would write them, and print and shapes that are no digits
are added; see utils/handwriting.py. With --no-augment the network learns MNIST's own digits alone, as in the post.

It writes output/mnist_cnn.keras, the same network as output/mnist_cnn.tflite, and three pictures: cost and accuracy by
epoch, which digits it takes for which, and sixteen that it misreads. It replaces what is there.

  python train_keras_cnn.py                          # 12 epochs, 5 to 13 minutes on 2 cores
  python train_keras_cnn.py --limit 500 --epochs 1   # a quick try: output/mnist_cnn_try.keras, 35 to 70 % right
"""

import sys

from utils import import_keras, run

EPOCHS, BATCH_SIZE, SEED = 12, 128, 1337  # the post's
RATE = 4.0  # Adadelta's, for digits that change every epoch
POST_RATE = 1.0  # for digits that do not: Keras' default in 2016, not today's 0.001
OUTPUT = "output/mnist_cnn.keras"


def network():
    """Build two convolutions and two dense layers, untrained, in the channel order that Keras is set to."""
    from keras import Input, Sequential
    from keras.config import image_data_format
    from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D

    return Sequential(
        [
            Input((1, 28, 28) if image_data_format() == "channels_first" else (28, 28, 1)),
            Conv2D(32, (3, 3), padding="valid"),
            Activation("relu"),
            Conv2D(32, (3, 3)),
            Activation("relu"),
            MaxPooling2D((2, 2)),
            Dropout(0.25),
            Flatten(),
            Dense(128),
            Activation("relu"),
            Dropout(0.5),
            Dense(10),
            Activation("softmax"),
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
    steps = options.epochs * course.count_steps(train, options)
    rate = course.decay(RATE if options.augment else POST_RATE, steps)
    # If digits change, the weights are averaged over a twelfth of the run (Polyak and Juditsky 1992): unseen digits are
    # read a little more surely. The MLP gained nothing.
    model.compile(
        keras.optimizers.Adadelta(rate, use_ema=options.augment, ema_momentum=max(0, 1 - 12 / steps)),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU, XLA's convolutions are slow
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
