"""utils/classifier.py: both kinds of file answer alike, bad ones end in one line; the shipped models read MNIST."""

import shutil
import zipfile

import cv2
import numpy as np
import pytest
from conftest import ROOT, run

from utils import report
from utils.classifier import load_classifier
from utils.frame import center_digit

KINDS = ".keras", ".tflite"
NETWORKS = "mnist", "mnist_cnn"
SHIPPED = {"mnist": 0.982, "mnist_cnn": 0.991}


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist[1][0][:500].reshape(-1, 28, 28)


@pytest.mark.parametrize("name", NETWORKS)
def test_both_kinds_give_the_same_probabilities(quick_runs, digits, name):
    keras, tflite = (load_classifier(quick_runs[0] / (name + kind)).predict(digits) for kind in KINDS)
    assert keras.dtype == tflite.dtype == np.float32 and keras.shape == (500, 10)
    np.testing.assert_allclose(keras.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(keras, tflite, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_number_of_digits(quick_runs, digits, name, kind, monkeypatch):
    reader = load_classifier(str(quick_runs[0] / (name + kind)))
    whole = reader.predict(digits[:7])
    assert reader.predict(digits[:0]).shape == (0, 10)
    assert reader.predict(digits[:0]).dtype == np.float32
    monkeypatch.setattr(reader, "at_once", 3)
    np.testing.assert_allclose(reader.predict(digits[:7]), whole, atol=1e-6)
    with pytest.raises(ValueError, match="digits are float64"):
        reader.predict(digits / 255)


def test_tflite_needs_no_tensorflow(quick_runs):
    code = "import sys; from utils.classifier import load_classifier as load; load(sys.argv[1]); print(*sys.modules)"
    result = run("-c", code, quick_runs[0] / "mnist_cnn.tflite")
    assert result.returncode == 0 and not {"tensorflow", "keras", "matplotlib"} & set(result.stdout.split())


def error_of(path, capfd):
    with pytest.raises((OSError, ValueError)) as error:
        load_classifier(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and "\n" not in message and len(message) < 400 + len(str(path))
    assert capfd.readouterr() == ("", "")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "name, message",
    [
        ("none.keras", "no such file, expected a trained model"),
        ("none.tflite", "no such file, expected a trained model"),
        ("none.h5", "a model of the .h5 kind is not read; train it anew, today's end in .keras"),
        ("mnist.model", "a model of the .model kind is not read; train it anew, today's end in .keras"),
        ("mnist.png", "suffix .png, expected a model that ends in .keras or .tflite"),
        ("mnist", "suffix missing, expected a model that ends in .keras or .tflite"),
    ],
)
def test_a_path_that_is_no_model_is_named(tmp_path, name, message, capfd):
    assert error_of(tmp_path / name, capfd) == message


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_and_an_empty_file_are_named(tmp_path, kind, capfd):
    (tmp_path / f"folder{kind}").mkdir()
    (tmp_path / f"empty{kind}").touch()
    assert error_of(tmp_path / f"folder{kind}", capfd) == "a folder, expected a trained model"
    assert error_of(tmp_path / f"empty{kind}", capfd) == "0 bytes, expected 1,000 to 100,000,000"


@pytest.mark.parametrize("kind, message", [(".keras", "not a .keras file"), (".tflite", "not a .tflite file")])
def test_random_bytes_are_named(tmp_path, kind, message, capfd):
    path = tmp_path / f"random{kind}"
    path.write_bytes(np.random.default_rng(1).bytes(10_000))
    assert message in error_of(path, capfd)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_truncated_files_are_named(tmp_path, quick_runs, name, kind, capfd):
    whole = (quick_runs[0] / (name + kind)).read_bytes()
    for share in 0.01, 0.5, 0.999:
        path = tmp_path / f"cut{kind}"
        path.write_bytes(whole[: int(share * len(whole))])
        error_of(path, capfd)


@pytest.mark.parametrize("place", [0, 100, 144_466, -40, -5, -1])
def test_a_tflite_with_one_bad_byte_is_named(tmp_path, quick_runs, place, capfd):
    """The third of these made OpenCV bring Python down."""
    content = bytearray((quick_runs[0] / "mnist_cnn.tflite").read_bytes())
    content[place] ^= 255
    (tmp_path / "bad.tflite").write_bytes(content)
    assert "its checksum is not right" in error_of(tmp_path / "bad.tflite", capfd)


def test_a_damaged_keras_file_is_named(tmp_path, quick_runs, capfd):
    content = bytearray((quick_runs[0] / "mnist.keras").read_bytes())
    content[500:600] = bytes(100)
    (tmp_path / "bad.keras").write_bytes(content)
    error_of(tmp_path / "bad.keras", capfd)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "inputs, units, message",
    [
        (100, 10, "a network that reads (100,), expected (784,) or (28, 28, 1)"),
        (784, 26, "a network that gives each digit (26,) answers, expected (10,)"),
    ],
)
def test_another_network_is_named(tmp_path, kind, inputs, units, message, capfd):
    import keras

    model = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(units)])
    path = saved(model, tmp_path / f"other{kind}", capfd)
    assert error_of(path, capfd).startswith(message)


def test_a_network_that_cannot_answer_is_named(tmp_path, capfd):
    import keras

    layers = [keras.layers.Embedding(1, 4), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    path = saved(keras.Sequential([keras.Input((784,)), *layers]), tmp_path / "words.keras", capfd)
    assert error_of(path, capfd).startswith("a network that cannot answer a digit (")


def saved(model, path, capfd):
    """Save a network as .keras or as .tflite, and forget what that printed."""
    if path.suffix == ".keras":
        model.save(path)
    else:
        path.write_bytes(report.to_tflite(model))
    capfd.readouterr()
    return path


@pytest.mark.parametrize("fault", ["no softmax", "not a number"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_whose_answers_are_no_probabilities_is_named(tmp_path, kind, fault, capfd):
    import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    if fault == "not a number":
        model.set_weights([weights * np.nan for weights in model.get_weights()])
    path = saved(model, tmp_path / f"odd{kind}", capfd)
    assert error_of(path, capfd) == "a network whose answers are no probabilities, which are 0 to 1 and sum to 1"


def test_a_network_that_names_its_answers_is_named(tmp_path, capfd):
    import keras

    digit = keras.Input((784,))
    keras.Model(digit, {"digit": keras.layers.Dense(10, "softmax")(digit)}).save(tmp_path / "named.keras")
    assert "it has several inputs or outputs, or names them" in error_of(tmp_path / "named.keras", capfd)


def test_a_name_in_capitals(tmp_path, quick_runs, digits, capfd):
    for kind in KINDS:
        shutil.copy(quick_runs[0] / f"mnist{kind}", tmp_path / f"MNIST{kind.upper()}")
    assert load_classifier(tmp_path / "MNIST.TFLITE").predict(digits[:1]).shape == (1, 10)
    assert error_of(tmp_path / "MNIST.KERAS", capfd) == "Keras expects small letters, a name that ends in .keras"


def test_code_in_a_model_is_not_run(tmp_path, capfd):
    import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Lambda(lambda x: x[:, :10])])
    model.save(tmp_path / "lambda.keras")
    assert "Keras cannot load it" in error_of(tmp_path / "lambda.keras", capfd)


def test_a_layer_of_unknown_code_is_not_run(tmp_path, quick_runs, capfd):
    path = rewritten(quick_runs[0] / "mnist.keras", tmp_path / "custom.keras", b'"Dense"', b'"Dance"')
    assert "Keras cannot load it" in error_of(path, capfd)


def rewritten(source, target, before, after):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(before, after))
    return target


def test_a_zip_bomb_is_not_unpacked(tmp_path, capfd):
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(200_000_000))
    assert error_of(tmp_path / "bomb.keras", capfd) == "200,000,000 bytes unpacked, expected at most 100,000,000"


@pytest.mark.parametrize("place, damage", [(6, b"\x63"), (46, b"\xff\xff")])
def test_an_archive_that_python_does_not_open_is_named(tmp_path, place, damage, capfd):
    """One of a later version of the format, and one whose names are no UTF-8."""
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\u00e9.json", bytes(2000))
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02") + place
    content[start : start + len(damage)] = damage
    path.write_bytes(content)
    assert error_of(path, capfd) == "not a .keras file, or a damaged one"


def test_the_posts_file_under_a_new_name_is_named(tmp_path, capfd):
    (tmp_path / "old.keras").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000))
    assert error_of(tmp_path / "old.keras", capfd) == "not a .keras file, or a damaged one"


def test_a_keras_model_of_images_channels_first_is_read(tmp_path, digits):
    import keras

    model = keras.Sequential([keras.Input((1, 28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    model.save(tmp_path / "first.keras")
    assert load_classifier(tmp_path / "first.keras").predict(digits[:2]).shape == (2, 10)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shipped_models_read_mnist(mnist, digits, name):
    keras, tflite = (ROOT / "output" / (name + kind) for kind in KINDS)
    if not (keras.exists() and tflite.exists()):
        pytest.skip(f"output/{name}.keras and .tflite are not there yet")
    data, labels = mnist[1]
    probabilities = load_classifier(keras).predict(data.reshape(-1, 28, 28))
    assert (probabilities.argmax(axis=1) == labels).mean() >= SHIPPED[name]
    np.testing.assert_allclose(load_classifier(tflite).predict(digits), probabilities[:500], rtol=0, atol=1e-4)


def drawn(*points, width):
    """A digit of straight strokes, as in a font without serifs."""
    canvas = np.zeros((200, 200), np.uint8)
    cv2.polylines(canvas, [np.int32(points)], False, 255, width, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect(canvas)
    return center_digit(canvas[y : y + h, x : x + w])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_shipped_models_tell_a_1_with_a_flag_and_no_foot_from_a_7(name):
    classifier = load_classifier(ROOT / "output" / f"{name}.tflite")
    shapes = [(width, reach, drop) for width in (8, 12, 16) for reach in (25, 33, 40) for drop in (0.7, 1.0)]
    ones = [
        drawn((120 - reach, 50 + drop * reach), (120, 50), (120, 150), width=width) for width, reach, drop in shapes
    ]
    sevens = [
        drawn((120 - reach, 50), (120, 50), (120 - lean, 150), width=width)
        for width in (8, 12, 16)
        for reach in (50, 60, 70)
        for lean in (20, 40)
    ]
    values = classifier.predict(np.array(ones + sevens)).argmax(axis=1)
    assert (values[: len(ones)] == 1).mean() >= 0.75  # half of them with networks that know print with feet alone
    assert (values[len(ones) :] == 7).mean() >= 0.9
