"""Trained networks as classifiers of digits: .keras through Keras, .tflite through OpenCV and without TensorFlow."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from utils import import_keras, silence, what_is
from utils.dataset import to_input
from utils.frame import center_digits
from utils.segment import Piece

AT_ONCE = 32  # digits per forward pass in OpenCV: they stay in the cache, and are answered twice as fast as a thousand
KERAS_AT_ONCE = 1000  # Keras takes 5 ms to start; about 100 MB of activations in the CNN
SMALLEST, LARGEST = 1_000, 100_000_000  # bytes of a model file; the CNN has 2.4 million
SEAL = struct.Struct("<5s3HI")  # ends a .tflite that a trainer wrote: a mark, the network's input shape, a checksum


@dataclass
class Classifier:
    """A network that tells digits apart."""

    shape: tuple[int, ...]  # its input shape without the batch: (784,), (28, 28, 1) or (1, 28, 28)
    forward: Callable[[np.ndarray], np.ndarray]  # (n, *shape) float32 in 0..1 -> (n, 10) probabilities
    at_once: int  # n, at most

    def predict(self, digits: np.ndarray) -> np.ndarray:
        """Give each digit its probabilities of being 0 to 9.

        Parameters
        ----------
        digits : (N, 28, 28) uint8, 0 is paper and 255 is ink, in MNIST's own frame; N may be 0

        Returns
        -------
        (N, 10) float32, rows that sum to 1

        Raises
        ------
        ValueError
            If the digits are not uint8 or of another size.
        """
        starts = range(0, len(digits), self.at_once)
        answers = [self.forward(to_input(digits[start : start + self.at_once], self.shape)) for start in starts]
        return np.concatenate(answers) if answers else np.empty((0, 10), np.float32)


class Memory:
    """A network that is asked about each shape once, however often it comes up."""

    def __init__(self, classifier: Classifier):
        self.classifier = classifier
        self.known: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}

    def look(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Give pieces their crops and the network's answers."""
        keys = [(piece.ink.shape, piece.ink.tobytes()) for piece in pieces]
        new = {key: piece.ink for key, piece in zip(keys, pieces) if key not in self.known}
        crops = center_digits(list(new.values()))
        self.known |= zip(new, zip(crops, self.classifier.predict(crops)))
        return [piece._replace(crop=self.known[key][0], answer=self.known[key][1]) for piece, key in zip(pieces, keys)]


def load_classifier(path: str | Path) -> Classifier:
    """Load what a trainer saved; the file itself says whether it is the MLP or the CNN.

    Parameters
    ----------
    path : path of a .keras or .tflite file

    Raises
    ------
    OSError, ValueError
        In one line: the file, what was found and what was expected.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".model", ".h5", ".hdf5"):
        raise ValueError(f"{path}: a model of the {path.suffix} kind is not read; train it anew, today's end in .keras")
    if suffix not in (".keras", ".tflite"):
        raise ValueError(f"{path}: suffix {path.suffix or 'missing'}, expected a model that ends in .keras or .tflite")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {what_is(path)}, expected a trained model")
    if not SMALLEST <= (size := path.stat().st_size) <= LARGEST:
        raise ValueError(f"{path}: {size:,} bytes, expected {SMALLEST:,} to {LARGEST:,}")
    return (load_keras if suffix == ".keras" else load_tflite)(path)


def load_keras(path: Path) -> Classifier:
    """Load a Keras model, never running code that a file brings along."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError):
        raise ValueError(f"{path}: not a .keras file, or a damaged one") from None
    if unpacked > LARGEST:
        raise ValueError(f"{path}: {unpacked:,} bytes unpacked, expected at most {LARGEST:,}")
    if path.suffix != ".keras":
        raise ValueError(f"{path}: Keras expects small letters, a name that ends in .keras")
    keras = import_keras()
    try:
        with silence():  # of warnings
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        shape = model.input_shape
        if not isinstance(shape, tuple) or isinstance(model(np.zeros((1, *shape[1:]), "float32")), (list, dict)):
            raise TypeError("it has several inputs or outputs, or names them")
    except Exception as error:  # Keras raises whatever its layers raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: Keras cannot load it ({reason[:200]})") from None

    def forward(batch: np.ndarray) -> np.ndarray:
        return np.asarray(model(batch, training=False), "float32")

    return checked(Classifier(shape[1:], forward, KERAS_AT_ONCE), path)


def load_tflite(path: Path) -> Classifier:
    """Load a TensorFlow Lite model with OpenCV, which takes images as (n, 1, 28, 28) whatever order the file has.

    OpenCV believes whatever a file says and may bring Python down, so it is shown whole files only.
    """
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{path}: not a .tflite file")
    _, *sizes, _ = SEAL.unpack(content[-SEAL.size :])
    shape = tuple(size for size in sizes if size)
    if seal(content[: -SEAL.size], shape) != content:
        raise ValueError(f"{path}: damaged, or not from a trainer of this project: its checksum is not right")

    def forward(batch: np.ndarray) -> np.ndarray:
        net.setInput(batch)
        return net.forward()

    try:
        with silence():
            net = cv2.dnn.readNetFromTFLite(np.frombuffer(content, "uint8"))
            return checked(Classifier((1, 28, 28) if shape == (28, 28, 1) else shape, forward, AT_ONCE), path)
    except cv2.error as error:
        raise ValueError(f"{path}: OpenCV cannot run it ({error.err.strip()})") from None


def checked(classifier: Classifier, path: Path) -> Classifier:
    """Return a network, or refuse one that does not answer a digit with ten probabilities."""
    if classifier.shape not in ((784,), (28, 28, 1), (1, 28, 28)):
        raise ValueError(f"{path}: a network that reads {classifier.shape}, expected (784,) or (28, 28, 1)")
    bar = np.zeros((2, 28, 28), np.uint8)
    bar[1, 4:24, 13:15] = 255
    try:
        with silence():  # of warnings
            answers = classifier.predict(bar)
    except Exception as error:  # Keras raises whatever its layers raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: a network that cannot answer a digit ({reason[:200]})") from None
    if answers.shape != (2, 10):
        raise ValueError(f"{path}: a network that gives each digit {answers.shape[1:]} answers, expected (10,)")
    if not (np.isfinite(answers).all() and (answers >= 0).all() and np.allclose(answers.sum(axis=1), 1, atol=1e-3)):
        raise ValueError(f"{path}: a network whose answers are no probabilities, which are 0 to 1 and sum to 1")
    return classifier


def seal(content: bytes, shape: tuple[int, ...]) -> bytes:
    """Append the shape of its input and a checksum to a TensorFlow Lite model; readers of the format do not mind."""
    content += SEAL.pack(b"DIGIT", *shape, *[0] * (3 - len(shape)), 0)[:-4]
    return content + zlib.crc32(content).to_bytes(4, "little")
