"""Both networks against independent twins in plain TensorFlow operations: the same outputs, the same training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import train_keras
import train_keras_cnn
from utils import course
from utils.dataset import encode, to_input


def mlp(x, w):
    x = tf.nn.relu(tf.matmul(x, w[0]) + w[1])
    x = tf.nn.relu(tf.matmul(x, w[2]) + w[3])
    return tf.matmul(x, w[4]) + w[5]


def cnn(x, w):
    x = tf.nn.relu(tf.nn.conv2d(x, w[0], strides=1, padding="VALID") + w[1])
    x = tf.nn.relu(tf.nn.conv2d(x, w[2], strides=1, padding="VALID") + w[3])
    x = tf.nn.max_pool2d(x, ksize=2, strides=2, padding="VALID")
    x = tf.reshape(x, (len(x), -1))
    x = tf.nn.relu(tf.matmul(x, w[4]) + w[5])
    return tf.matmul(x, w[6]) + w[7]


def adam_step(gradient, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-7):
    """First step of Kingma and Ba (2015), in the form of the end of its section 2."""
    m, v = (1 - beta1) * gradient, (1 - beta2) * gradient**2
    return -rate * np.sqrt(1 - beta2) / (1 - beta1) * m / (np.sqrt(v) + epsilon)


def adadelta_step(gradient, rate=1.0, rho=0.95, epsilon=1e-7):
    """First step of Zeiler (2012)."""
    return -rate * np.sqrt(epsilon) / np.sqrt((1 - rho) * gradient**2 + epsilon) * gradient


@pytest.fixture(
    params=[
        (train_keras, mlp, keras.optimizers.Adam, 0.001, adam_step),
        (train_keras_cnn, cnn, keras.optimizers.Adadelta, 1.0, adadelta_step),
    ],
    ids=["mlp", "cnn"],
)
def pair(request, mnist):
    """A network in Keras with dropout off, its twin, its optimizer and the twin's, and a batch of real digits."""
    trainer, twin, optimizer, rate, step = request.param
    keras.utils.set_random_seed(7)
    model = trainer.network()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0
    digits, labels = (column[:100] for column in mnist[0])
    model.compile(optimizer(course.decay(rate, 12 * 600)), loss="categorical_crossentropy")
    return model, twin, step, to_input(digits, model.input_shape[1:]), encode(labels)


def test_the_same_weights_give_the_same_outputs(pair):
    model, twin, _, x, _ = pair
    outputs = tf.nn.softmax(twin(x, model.get_weights()))
    np.testing.assert_allclose(model.predict(x, verbose=0), outputs, rtol=0, atol=1e-5)


def test_one_optimizer_step_gives_the_same_weights(pair):
    model, twin, step, x, y = pair
    weights = [tf.Variable(weight) for weight in model.get_weights()]
    with tf.GradientTape() as tape:
        cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=twin(x, weights)))
    expected = [w + step(g) for w, g in zip(weights, tape.gradient(cost, weights))]
    before = model.get_weights()
    assert model.train_on_batch(x, y) == pytest.approx(float(cost), abs=1e-5)
    for old, new, twins in zip(before, model.get_weights(), expected):
        assert abs(new - old).max() > 1e-4
        np.testing.assert_allclose(new, twins, rtol=0, atol=1e-5)


@pytest.mark.parametrize("trainer, stddev", [(train_keras, 0.05)])
def test_hidden_layers_start_from_a_random_normal(trainer, stddev):
    keras.utils.set_random_seed(1)
    for layer in trainer.network().layers[:2]:
        kernel = layer.get_weights()[0]
        assert kernel.mean() == pytest.approx(0, abs=0.001) and kernel.std() == pytest.approx(stddev, abs=0.001)


def test_the_cnn_drops_a_quarter_and_a_half():
    rates = [layer.rate for layer in train_keras_cnn.network().layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25, 0.5]
