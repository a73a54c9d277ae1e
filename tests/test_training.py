"""Both trainers, utils/options.py, course.py and report.py: options, files, pictures, stopping and going on."""

import argparse
import contextlib
import os
import re
import signal
import sys

import cv2
import numpy as np
import pytest
from conftest import ROOT, run

import train_keras
import train_keras_cnn
from utils import checkpoint, course, report
from utils import options as options_module
from utils import run as end
from utils.dataset import encode
from utils.download import TEST_CSV, TRAIN_CSV
from utils.options import load_data, parse_options

TRAINERS = "train_keras.py", "train_keras_cnn.py"
FILES = ".keras", ".tflite", "_curves.png", "_confusion.png", "_misread.png"


def error_of(capsys, monkeypatch, *arguments, trainer=train_keras):
    """Run a trainer in this process up to the user's mistake; give the exit code and the last line of stderr."""
    monkeypatch.setattr(sys, "argv", ["train_keras.py", *map(str, arguments)])
    try:
        code = end(trainer.main)
    except SystemExit as stop:
        code = stop.code
    return code, capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["mnist", "mnist_cnn"])
def test_a_quick_run_trains_reports_and_saves(quick_runs, name):
    folder, runs = quick_runs
    result = runs[name]
    assert result.returncode == 0 and result.stderr == ""
    assert "500 training digits, 500 test digits" in result.stdout
    assert "val_accuracy" in result.stdout and "Total params" in result.stdout
    assert re.search(r"^Test cost: \d", result.stdout, re.MULTILINE)
    accuracy = re.search(r"^Test accuracy: (\S+)", result.stdout, re.MULTILINE)
    assert float(accuracy[1]) > 0.2
    for ending in FILES:
        assert f"saved {folder / name}{ending}" in result.stdout


def test_a_run_leaves_its_files_and_nothing_else(quick_runs):
    folder, _ = quick_runs
    assert sorted(os.listdir(folder)) == sorted(name + end for name in ("mnist", "mnist_cnn") for end in FILES)


def test_the_model_file_has_no_optimizer(quick_runs):
    import keras

    for name, parameters in ("mnist", 269_322), ("mnist_cnn", 600_810):
        model = keras.saving.load_model(quick_runs[0] / f"{name}.keras")
        assert not model.compiled and model.count_params() == parameters


def test_the_pictures_are_as_wide_as_the_readme(quick_runs):
    for path in quick_runs[0].glob("*.png"):
        assert cv2.imread(str(path)).shape[1] == 800


@pytest.mark.parametrize("script", TRAINERS)
def test_help_and_mistakes_import_neither_tensorflow_nor_matplotlib(script, tmp_path):
    code = f"""
import runpy, sys
for arguments in ["--help"], ["--epochs", "0"], ["--train", "none.csv"], ["--output", "none/x.keras"]:
    sys.argv = [{script!r}, *arguments]
    try:
        runpy.run_path({script!r}, run_name="__main__")
    except SystemExit as stop:
        print(stop.code)
print([name for name in ("tensorflow", "keras", "matplotlib", "cv2") if name in sys.modules])
"""
    result = run("-c", code)
    assert result.stdout.endswith("0\n2\n1\n1\n[]\n"), result
    assert f"{script}: error: none.csv: no such file, expected a CSV file" in result.stderr
    assert f"{script}: error: none/x.keras: cannot be written, there is no folder none" in result.stderr


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--epochs", "0"], "argument --epochs: '0', expected a whole number from 1 to 4294967295"),
        (["--epochs", "two"], "argument --epochs: 'two', expected a whole number from 1 to 4294967295"),
        (["--batch-size=-5"], "argument --batch-size: '-5', expected a whole number from 1 to 4294967295"),
        (["--limit", "5000000000"], "argument --limit: '5000000000', expected a whole number from 1 to 4294967295"),
        (["--limit", "0"], "argument --limit: '0', expected a whole number from 1 to 4294967295"),
        (["--seed=-1"], "argument --seed: '-1', expected a whole number from 0 to 4294967295"),
        (["--output", "mnist.h5"], "argument --output: 'mnist.h5', expected a name that ends in .keras"),
        (["--train", ""], "argument --train: an empty name, expected a path"),
    ],
)
def test_a_wrong_option_is_named(capsys, monkeypatch, arguments, message):
    assert error_of(capsys, monkeypatch, *arguments) == (2, f"train_keras.py: error: {message}")


def test_an_output_that_cannot_be_written_is_found_before_training(capsys, monkeypatch, tmp_path):
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "file").touch()
    for output, reason in (
        (tmp_path / "none" / "x.keras", f"there is no folder {tmp_path / 'none'}"),
        (tmp_path / "file" / "x.keras", f"there is no folder {tmp_path / 'file'}"),
        (tmp_path / "folder.keras", "it is a folder, or in a folder that is read-only"),
    ):
        code, line = error_of(capsys, monkeypatch, "--output", output)
        assert (code, line) == (1, f"train_keras.py: error: {output}: cannot be written, {reason}")


@pytest.mark.parametrize(
    "arguments, name",
    [
        ([], "mnist.keras"),
        (["--seed", "7", "--epochs", "30"], "mnist.keras"),
        (["--limit", "500"], "mnist_try.keras"),
        (["--epochs", "24"], "mnist_try.keras"),
        (["--no-augment"], "mnist_try.keras"),
        (["--test", "other.csv"], "mnist_try.keras"),
        (["--batch-size", "60000"], "mnist_try.keras"),
        (["--limit", "500", "--output", "output/mnist.keras"], "mnist.keras"),
    ],
)
def test_only_the_full_recipe_replaces_the_network_unasked(monkeypatch, capsys, arguments, name):
    monkeypatch.setattr(sys, "argv", ["train_keras.py", *arguments])
    options = parse_options("", train_keras.EPOCHS, train_keras.BATCH_SIZE, 1, train_keras.OUTPUT)
    assert options.output.name == name
    told = "so output/mnist.keras stays; the network will be output/mnist_try.keras" in capsys.readouterr().err
    assert told == (name == "mnist_try.keras")


def test_a_second_training_to_the_same_output_is_refused_at_the_start(tmp_path):
    output = tmp_path / "a.keras"
    first = checkpoint.lock(output)
    result = run("train_keras.py", "--limit", "10", "--output", output)
    assert result.returncode == 1
    assert result.stderr == (
        f"train_keras.py: error: {output}: another training is to write it; wait for its end, or choose another\n"
    )
    first.close()
    del first
    assert os.listdir(tmp_path) == []
    assert checkpoint.lock(output).name.endswith(".a.lock")


@pytest.mark.parametrize("module", ["utils.download", "utils.handwriting"])
def test_the_help_of_a_module_does_nothing_else(module, tmp_path):
    result = run("-m", module, "--help", env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert result.returncode == 0 and result.stdout.startswith(f"usage: python -m {module}")
    assert result.stderr == ""


def test_keras_of_another_project_is_no_matter(tmp_path):
    """Its backend and its number format are another project's."""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float64", "backend": "torch", "epsilon": 1e-07}')
    environment = os.environ | {"HOME": str(tmp_path), "KERAS_BACKEND": "torch"}
    result = run("train_keras.py", "--limit", 200, "--epochs", 1, "--output", tmp_path / "a.keras", env=environment)
    assert result.returncode == 0 and result.stderr == ""
    assert all((tmp_path / f"a{ending}").exists() for ending in FILES)


def test_a_bad_csv_is_named(capsys, monkeypatch, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("1,2,3\n")
    code, line = error_of(capsys, monkeypatch, "--train", bad, "--output", tmp_path / "x.keras")
    assert code == 1
    assert line == f"train_keras.py: error: {bad}: line 1: 3 columns, expected 785 (the label, then 784 pixels)"
    assert os.listdir(tmp_path) == ["bad.csv"]


def test_only_missing_default_files_are_made(monkeypatch, mnist, tmp_path):
    made = []
    monkeypatch.setattr(options_module, "ensure_dataset", lambda: made.append("dataset"))
    options = argparse.Namespace(train=TRAIN_CSV, test=TEST_CSV, limit=3)
    (digits, labels), test = load_data(options)
    assert made == [] and len(digits) == len(labels) == len(test[0]) == 3

    with pytest.raises(FileNotFoundError):
        load_data(argparse.Namespace(train=tmp_path / "own.csv", test=tmp_path / "own.csv", limit=3))
    assert made == []

    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_data(options)
    assert made == ["dataset"]


def test_sigterm_stops_like_ctrl_c(capsys):
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert end(lambda: os.kill(os.getpid(), signal.SIGTERM)) == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err.endswith(": stopped\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_waits_for_the_end_of_a_step(number):
    before = {caught: signal.signal(caught, signal.default_int_handler) for caught in (signal.SIGINT, signal.SIGTERM)}
    reached = []
    try:
        with pytest.raises(KeyboardInterrupt), course.stops_between_steps() as callback:
            callback.on_train_batch_end(0, {})
            os.kill(os.getpid(), number)
            reached.append("the end of the step")
            callback.on_train_batch_end(1, {})
            reached.append("the next step")
        assert reached == ["the end of the step"]
        with pytest.raises(KeyboardInterrupt), course.stops_between_steps():
            os.kill(os.getpid(), number)
            reached.append("the end of the run")
        assert reached[1:] == ["the end of the run"]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


def fit(model, train, test, options):
    with course.prepare(model, train, options) as (digits, done, callbacks):
        model.fit(
            digits,
            shuffle=False,
            epochs=options.epochs,
            initial_epoch=done,
            validation_data=course.to_batches(model, test),
            callbacks=callbacks,
        )


def compiled_network(options):
    import keras

    keras.utils.set_random_seed(options.seed)
    model = train_keras.network()
    rate = course.decay(0.001, 4 * options.epochs)
    optimizer = keras.optimizers.Adam(rate, use_ema=options.augment, ema_momentum=0.9)
    model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"], steps_per_execution=2)
    return model


def test_decay_falls_faster_and_faster_to_zero():
    rate = course.decay(0.5, 10)
    assert [float(rate(step)) for step in (0, 5, 10)] == pytest.approx([0.5, 0.5 * 0.5**0.5, 0])


@pytest.mark.parametrize(
    "trainer, options, rate, steps, steps_at_once, momentum",
    [
        (train_keras, ["--batch-size", "20", "--epochs", "2"], 0.003, 60, 10, None),
        (train_keras, ["--batch-size", "6", "--epochs", "2"], 0.003, 200, 100, None),
        (train_keras, ["--batch-size", "7", "--epochs", "2", "--no-augment"], 0.001, 86, 1, None),
        (train_keras_cnn, ["--batch-size", "50", "--epochs", "10"], 4, 120, 1, 0.9),
        (train_keras_cnn, ["--batch-size", "600", "--epochs", "10"], 4, 10, 1, 0),  # a run of ten steps
        (train_keras_cnn, ["--batch-size", "25", "--epochs", "10", "--no-augment"], 1, 120, 1, None),
    ],
)
def test_rate_and_averaging_suit_the_length_of_the_run(
    mnist, monkeypatch, tmp_path, trainer, options, rate, steps, steps_at_once, momentum
):
    """The CNN's weights are averaged over a twelfth of the run while digits change; then an epoch shows others too."""
    import keras

    halves = [[column[:300] for column in half] for half in mnist]
    monkeypatch.setattr("utils.options.load_data", lambda _: halves)
    monkeypatch.setattr(course, "epoch_size", lambda n: 2 * n)
    monkeypatch.setattr(sys, "argv", ["train.py", "--output", str(tmp_path / "a.keras"), *options])
    compiled = []

    def fit(model, *_, **__):
        compiled.append(model)
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        trainer.main()
    optimizer = compiled[0].optimizer
    assert compiled[0].steps_per_execution == steps_at_once
    schedule = optimizer._learning_rate
    assert (schedule.initial_learning_rate, schedule.decay_steps) == (rate, steps)
    assert optimizer.use_ema == (momentum is not None)
    assert not optimizer.use_ema or optimizer.ema_momentum == pytest.approx(momentum)


def test_the_averaged_weights_are_tested_after_each_epoch_and_kept_at_the_end(small):
    options, train, test = small
    checkpoint.open_checkpoint(options)
    model = compiled_network(options)
    fit(model, train, test, options)
    kept = model.evaluate(test[0] / 255, encode(test[1]), verbose=0)
    history = checkpoint.read_history(checkpoint.scratch_folder(options))
    assert kept == pytest.approx([history[-1]["val_loss"], history[-1]["val_accuracy"]], rel=1e-5)


def test_without_augmentation_the_network_sees_the_digits_as_they_are_in_another_order(small):
    options, (digits, labels), _ = small
    options.augment = False
    with contextlib.closing(course.Feed((digits, labels), (784,), options)) as feed:
        (first, targets), (second, _), (again, _) = feed.gather(0), feed.gather(1), feed.gather(0)
    assert not np.array_equal(first, second) and np.array_equal(first, again)
    shown = {(digit.tobytes(), target.argmax()) for digit, target in zip(first, targets, strict=True)}
    assert shown == {(digit.tobytes(), label) for digit, label in zip(digits, labels, strict=True)}


@pytest.mark.parametrize("augment", [True, False])
def test_dropout_rests_while_digits_change_and_is_there_again_in_the_saved_network(small, augment):
    import keras

    options, train, _ = small
    options.augment = augment
    checkpoint.open_checkpoint(options)
    model = train_keras_cnn.network()
    model.compile("sgd", loss="categorical_crossentropy", metrics=["accuracy"])

    def rates(model):
        return [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    with course.prepare(model, train, options):
        assert rates(model) == ([0, 0] if augment else [0.25, 0.5])
    report.save_network(model, train_keras_cnn.network, options.output)
    assert rates(keras.saving.load_model(options.output)) == [0.25, 0.5]


def test_a_failure_while_saving_leaves_the_old_files(small, monkeypatch):
    options, train, test = small
    options.output.write_text("old")
    checkpoint.open_checkpoint(options)
    model = compiled_network(options)
    report.evaluate(model, test, options)

    def fail(_):
        raise OSError("No space left on device")

    monkeypatch.setattr(report, "to_tflite", fail)
    with pytest.raises(OSError):
        report.save(model, train_keras.network, options)
    assert options.output.read_text() == "old"
    assert sorted(os.listdir(options.output.parent)) == ["mnist.checkpoint", "mnist.keras"]


def test_ctrl_c_while_saving_leaves_the_old_files(small, monkeypatch):
    options, train, test = small
    options.output.write_text("old")
    model = compiled_network(options)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(report, "to_tflite", lambda _: (os.kill(os.getpid(), signal.SIGINT), b"network")[1])
    try:
        with pytest.raises(KeyboardInterrupt, match="before the end"), checkpoint.keep_checkpoint(options):
            report.evaluate(model, test, options)
            report.save(model, train_keras.network, options)
    finally:
        signal.signal(signal.SIGINT, before)
    assert options.output.read_text() == "old" and os.listdir(options.output.parent) == ["mnist.keras"]


def test_sixteen_digits_are_drawn_misread_ones_first(small, monkeypatch):
    options, _, (digits, labels) = small
    drawn = []
    monkeypatch.setattr(report, "plot_dataset", lambda *columns, path: drawn.append(columns))
    checkpoint.open_checkpoint(options)
    for count in 200, 5:
        report.evaluate(compiled_network(options), (digits[:count], labels[:count]), options)
        shown, true, predicted = drawn.pop()
        assert len(shown) == 16
        assert (true != predicted).all() or count == 5


def test_channels_first_networks_compute_the_same_and_are_saved_channels_last(mnist, tmp_path):
    import keras

    images = mnist[1][0][:4].reshape(-1, 1, 28, 28).astype("float32") / 255
    last = train_keras_cnn.network()
    keras.config.set_image_data_format("channels_first")
    try:
        first = train_keras_cnn.network()
        report.save_network(first, train_keras_cnn.network, tmp_path / "saved.keras")
    finally:
        keras.config.set_image_data_format("channels_last")
    saved = keras.saving.load_model(tmp_path / "saved.keras")
    assert first.input_shape == (None, 1, 28, 28)
    assert saved.input_shape == (None, 28, 28, 1)
    last.set_weights(first.get_weights())
    expected = last.predict(images.reshape(-1, 28, 28, 1), verbose=0)
    np.testing.assert_allclose(first.predict(images, verbose=0), expected, atol=1e-6)
    np.testing.assert_allclose(saved.predict(images.reshape(-1, 28, 28, 1), verbose=0), expected, atol=1e-6)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_missing_package_is_named(trainer):
    """Python starts without the packages that were installed, and says which it lacks first."""
    command = "import sys, runpy; sys.path.insert(0, '.'); sys.modules['numpy'] = None; sys.argv = [sys.argv[1]]; "
    result = run("-c", command + "runpy.run_path(sys.argv[0], run_name='__main__')", trainer)
    assert result.returncode == 1
    assert f"{trainer}: error: a package cannot be loaded, see requirements.txt (" in result.stderr
    assert "Traceback" not in result.stderr
