"""utils/checkpoint.py: a stopped run goes on where it was."""

import errno
import json
import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, run
from test_training import FILES, compiled_network, fit

from utils import checkpoint


def fitted_network(options, train, test):
    checkpoint.open_checkpoint(options)
    model = compiled_network(options)
    fit(model, train, test, options)
    return model


def test_a_stopped_run_can_be_resumed_to_its_end(mnist, tmp_path):
    few = tmp_path / "few.csv"
    np.savetxt(few, np.column_stack([mnist[0][1], mnist[0][0]])[:300], fmt="%d", delimiter=",")
    output = tmp_path / "out" / "mnist.keras"
    output.parent.mkdir()
    command = ["-u", "train_keras.py", "--train", few, "--test", few, "--epochs", "30", "--output", output]

    arguments = [sys.executable, *map(str, command)]
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    for line in process.stdout:
        if "Epoch 3/30" in line:
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=120)
    done = re.search(r"stopped after (\d+) of 30 epochs; the same command with --resume goes on from there", errors)
    assert process.returncode == 130 and done and int(done[1]) >= 2 and "Traceback" not in errors
    assert os.listdir(output.parent) == ["mnist.checkpoint"]

    resumed = run(*command, "--resume")
    assert resumed.returncode == 0 and resumed.stderr == ""
    assert re.search(r"Epoch (\d+)/30", resumed.stdout)[1] == str(int(done[1]) + 1)
    assert sorted(os.listdir(output.parent)) == sorted("mnist" + ending for ending in FILES)


@pytest.mark.parametrize("augment", [True, False])
def test_resume_restores_weights_rate_and_history_and_a_fresh_start_does_not(small, augment):
    options, train, test = small
    options.augment = augment
    whole = fitted_network(options, train, test)
    scratch = checkpoint.scratch_folder(options)
    history = checkpoint.read_history(scratch)
    assert [row["epoch"] for row in history] == [0, 1] and set(history[0]) >= {"loss", "accuracy", "val_loss"}

    options.resume = True
    resumed = fitted_network(options, train, test)
    assert all((a == b).all() for a, b in zip(whole.get_weights(), resumed.get_weights()))
    assert int(resumed.optimizer.iterations) == 2 * 4
    assert float(resumed.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    assert checkpoint.read_history(scratch) == history

    options.resume = False
    (scratch / "mnist_curves.png").touch()
    again = fitted_network(options, train, test)
    assert not (scratch / "mnist_curves.png").exists()
    assert checkpoint.read_history(scratch) == history
    assert all((a == b).all() for a, b in zip(whole.get_weights(), again.get_weights()))


def test_a_run_stopped_between_epochs_ends_as_if_it_had_not_been(small, monkeypatch):
    import keras

    options, train, test = small
    options.epochs = 3
    whole = fitted_network(options, train, test)
    history = checkpoint.read_history(checkpoint.scratch_folder(options))

    def stop(_, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    note = keras.callbacks.CSVLogger.on_epoch_end
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keras.callbacks.CSVLogger, "on_epoch_end", lambda *a, **k: (note(*a, **k), stop(*a, **k)))
        fitted_network(options, train, test)
    options.resume = True
    resumed = fitted_network(options, train, test)
    assert checkpoint.read_history(checkpoint.scratch_folder(options)) == history
    assert all((a == b).all() for a, b in zip(whole.get_weights(), resumed.get_weights()))


def test_a_run_killed_while_it_kept_its_weights_goes_on_from_the_epoch_before(small):
    options, train, test = small
    whole = fitted_network(options, train, test)
    scratch = checkpoint.scratch_folder(options)
    (scratch / ".123.part").write_bytes((scratch / "latest.npz").read_bytes()[:5000])
    assert checkpoint.load_weights(compiled_network(options), scratch, 4) == options.epochs
    options.resume = True
    resumed = fitted_network(options, train, test)
    assert all((a == b).all() for a, b in zip(whole.get_weights(), resumed.get_weights()))


def test_a_run_killed_while_it_described_itself_is_in_nobody_s_way(small):
    options, *_ = small
    scratch = checkpoint.scratch_folder(options)
    scratch.mkdir(parents=True)
    (scratch / ".123.part").touch()
    assert checkpoint.open_checkpoint(options) == scratch
    assert os.listdir(scratch) == ["options.json"]


def test_rows_of_the_history_that_a_full_disk_cut_short_are_left(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss,val_loss\n0,0.5,0.4\n1,0.42,0.3,0.2\n3,0.3\n")
    assert checkpoint.read_history(tmp_path) == [{"epoch": 0, "loss": 0.5, "val_loss": 0.4}]


def test_a_full_disk_ends_a_training_in_one_line_and_leaves_nothing(mnist, tmp_path):
    few = tmp_path / "few.csv"
    np.savetxt(few, np.column_stack([mnist[0][1], mnist[0][0]])[:100], fmt="%d", delimiter=",")
    (tmp_path / "out").mkdir()
    command = ["train_keras.py", "--train", few, "--test", few, "--epochs", "1", "--output", tmp_path / "out/a.keras"]
    result = run(*command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert result.stderr.startswith("train_keras.py: error:") and "too large" in result.stderr
    assert os.listdir(tmp_path / "out") == []


def test_a_disk_that_is_full_later_leaves_what_can_be_resumed(small, monkeypatch):
    options, *_ = small
    options.output.parent.mkdir(exist_ok=True)
    fault = OSError(errno.ENOSPC, "No space left on device")
    model = compiled_network(options)
    scratch = checkpoint.open_checkpoint(options)
    checkpoint.save_weights(model, scratch)
    (scratch / "history.csv").write_text("epoch,loss\n0,0.5\n")
    options.resume = True

    def fill(path, content):
        path.touch()
        raise fault

    monkeypatch.setattr("pathlib.Path.write_bytes", fill)
    told = r"mnist.checkpoint/latest.npz: cannot be written \(No space left on device\); stopped after 1 of 2 epochs; "
    told += "the same command with --resume"
    with pytest.raises(OSError, match=told), checkpoint.keep_checkpoint(options):
        checkpoint.save_weights(model, scratch)
    assert sorted(os.listdir(scratch)) == ["history.csv", "latest.npz", "options.json"]


def test_a_closed_pipe_is_not_blamed_on_the_checkpoint(small):
    options, *_ = small
    options.output.parent.mkdir(exist_ok=True)
    with pytest.raises(OSError, match="^standard output: Broken pipe$"), checkpoint.keep_checkpoint(options):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_fresh_start_says_that_it_gives_a_stopped_run_up(small, capsys):
    options, *_ = small
    scratch = checkpoint.open_checkpoint(options)
    assert capsys.readouterr().err == ""
    (scratch / "latest.npz").touch()
    checkpoint.open_checkpoint(options)
    assert "mnist.checkpoint: what a stopped run left is given up; with --resume" in capsys.readouterr().err


def test_a_checkpoint_tells_what_is_left_to_resume_and_goes_when_all_is_done(small):
    options, *_ = small
    scratch = checkpoint.scratch_folder(options)
    with (
        pytest.raises(KeyboardInterrupt, match="before the end of the first epoch"),
        checkpoint.keep_checkpoint(options),
    ):
        raise KeyboardInterrupt
    assert not scratch.exists()

    with pytest.raises(KeyboardInterrupt, match="after 1 of 2 epochs; the same"), checkpoint.keep_checkpoint(options):
        (scratch / "history.csv").write_text("epoch,loss\n0,0.5\n")
        raise KeyboardInterrupt
    assert scratch.exists()

    options.resume = True
    with checkpoint.keep_checkpoint(options):
        assert checkpoint.read_history(scratch) == [{"epoch": 0, "loss": 0.5}]
    assert not scratch.exists()


@pytest.mark.parametrize("content", ["{", "[]", "5"])
def test_a_damaged_checkpoint_is_named(small, content):
    options, *_ = small
    described = checkpoint.open_checkpoint(options) / "options.json"
    described.write_text(content)
    options.resume = True
    with pytest.raises(ValueError, match="options.json: damaged; start anew without --resume"):
        checkpoint.open_checkpoint(options)


def test_damaged_weights_and_history_are_named(small, tmp_path):
    options, *_ = small
    (tmp_path / "latest.npz").write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"latest.npz: damaged \(.*\); start anew without --resume"):
        checkpoint.load_weights(compiled_network(options), tmp_path, 4)
    for content in b"epoch,loss\n0,x\n", b"a,b\n1,2\n", b"\xff\xfe\n0,1\n":
        (tmp_path / "history.csv").write_bytes(content)
        with pytest.raises(ValueError, match="history.csv: damaged; start anew without --resume"):
            checkpoint.read_history(tmp_path)


def test_a_folder_or_a_file_of_the_user_in_the_way_stays(small):
    options, *_ = small
    scratch = checkpoint.scratch_folder(options)
    scratch.mkdir()
    (scratch / "mnist_mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="mnist.checkpoint: not a checkpoint, and in the way"):
        checkpoint.open_checkpoint(options)
    (scratch / "options.json").write_text('{"mine": 1}')
    with pytest.raises(FileExistsError, match="not a checkpoint, and in the way"):
        checkpoint.open_checkpoint(options)
    (options.output.parent / ".mnist.lock").write_text("mine")
    with pytest.raises(FileExistsError, match=".mnist.lock: not ours, and in the way"):
        checkpoint.lock(options.output)
    assert (scratch / "mnist_mine.txt").exists() and (options.output.parent / ".mnist.lock").read_text() == "mine"


@pytest.mark.parametrize("make", [lambda path: path.touch(), lambda path: path.symlink_to(path.parent)])
def test_what_is_no_folder_is_no_checkpoint_either(small, make):
    options, *_ = small
    options.output.parent.mkdir(exist_ok=True)
    make(checkpoint.scratch_folder(options))
    with pytest.raises(FileExistsError, match="mnist.checkpoint: not a checkpoint, and in the way"):
        checkpoint.open_checkpoint(options)


@pytest.mark.parametrize(
    "name, other",
    [
        ("script", "train_keras_cnn.py"),
        ("epochs", 61),
        ("limit", None),
        ("augment", None),
        ("test", "own.csv"),
        ("print and junk for a digit", None),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(small, name, other):
    options, *_ = small
    described = checkpoint.open_checkpoint(options) / "options.json"
    settings = json.loads(described.read_text())
    described.write_text(json.dumps(settings | {name: other}))
    options.resume = True
    with pytest.raises(ValueError, match=f"started with {name} {other}, not {settings[name]}; repeat its options, or"):
        checkpoint.open_checkpoint(options)


def test_the_checkpoint_of_other_digits_is_refused(small, tmp_path):
    options, *_ = small
    options.train = tmp_path / "own.csv"
    options.train.write_text("12345")
    checkpoint.open_checkpoint(options)
    options.train.write_text("1234567")
    options.resume = True
    with pytest.raises(ValueError, match="started with size of --train 5, not 7; repeat its options, or start anew"):
        checkpoint.open_checkpoint(options)
