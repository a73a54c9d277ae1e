"""Trained networks as classifiers of digits: .keras through Keras, .tflite through OpenCV and without TensorFlow."""

import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from utils import silence
from utils.dataset import to_input
from utils.frame import center_digits
from utils.segment import Piece

CHUNK = 1000  # digits per forward pass, about 100 MB of activations in the CNN
SMALLEST, LARGEST = 1_000, 100_000_000  # bytes of a model file; the CNN has 2.4 million
SEAL = b"CRC32"  # ends a .tflite that a trainer wrote, before the four bytes of its checksum
OLD_SUFFIXES = (".model", ".h5", ".hdf5")

Shape = tuple[int, ...]


class Classifier:
    """A network that tells digits apart.

    Parameters
    ----------
    shape : its input shape without the batch: (784,), (28, 28, 1) or (1, 28, 28)
    forward : (n, *shape) float32 in 0..1 -> (n, 10) probabilities
    """

    def __init__(self, shape: Shape, forward: Callable[[np.ndarray], np.ndarray]):
        self.shape = shape
        self.forward = forward

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
        chunks = [digits[start : start + CHUNK] for start in range(0, max(1, len(digits)), CHUNK)]
        inputs = (to_input(chunk, self.shape) for chunk in chunks)
        return np.concatenate([self.forward(batch) if len(batch) else np.empty((0, 10), "float32") for batch in inputs])


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
    if path.suffix in OLD_SUFFIXES:
        raise ValueError(f"{path}: a model of the {path.suffix} kind is not read; train it anew, today's end in .keras")
    if path.suffix not in (".keras", ".tflite"):
        raise ValueError(f"{path}: suffix {path.suffix or 'missing'}, expected a model that ends in .keras or .tflite")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}, expected a trained model")
    if not SMALLEST <= (size := path.stat().st_size) <= LARGEST:
        raise ValueError(f"{path}: {size:,} bytes, expected {SMALLEST:,} to {LARGEST:,}")
    return (load_keras if path.suffix == ".keras" else load_tflite)(path)


def check_shapes(path: Path, shape: Shape, classes: Shape, *expected: Shape) -> None:
    """Refuse a network that reads something else than digits or does not answer with ten probabilities."""
    if shape not in expected or classes != (10,):
        raise ValueError(
            f"{path}: a network from {shape} to {classes}, expected one from {' or '.join(map(str, expected))} to (10,)"
        )


def load_keras(path: Path) -> Classifier:
    """Load a Keras model, never running code that a file brings along."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise ValueError(f"{path}: not a .keras file, or a damaged one") from None
    if unpacked > LARGEST:
        raise ValueError(f"{path}: {unpacked:,} bytes unpacked, expected at most {LARGEST:,}")
    with silence():
        import keras
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        shape, classes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    except Exception as error:  # Keras raises whatever its layers raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path}: Keras cannot load it ({reason[:200]})") from None
    check_shapes(path, shape, classes, (784,), (28, 28, 1), (1, 28, 28))
    return Classifier(shape, lambda batch: np.asarray(model(batch, training=False)))


def load_tflite(path: Path) -> Classifier:
    """Load a TensorFlow Lite model with OpenCV, which takes images as (n, 1, 28, 28) whatever order the file has.

    OpenCV believes whatever a file says and may bring Python down, so it is shown whole files only.
    """
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{path}: not a .tflite file")
    if seal(content[: -len(seal(b""))]) != content:
        raise ValueError(f"{path}: damaged, or not from a trainer of this project: its checksum is not right")
    try:
        shape, classes = tflite_shapes(content)
    except (struct.error, IndexError):
        raise ValueError(f"{path}: a damaged .tflite file") from None
    check_shapes(path, shape, classes, (784,), (28, 28, 1))

    def forward(batch: np.ndarray) -> np.ndarray:
        net.setInput(batch)
        return net.forward()

    classifier = Classifier((1, 28, 28) if shape == (28, 28, 1) else shape, forward)
    try:
        with silence():
            net = cv2.dnn.readNetFromTFLite(np.frombuffer(content, "uint8"))
            classifier.predict(np.zeros((1, 28, 28), "uint8"))
    except cv2.error as error:
        raise ValueError(f"{path}: OpenCV cannot run it ({error.err.strip()})") from None
    return classifier


def seal(content: bytes) -> bytes:
    """Append its checksum to a TensorFlow Lite model; readers of the format do not mind."""
    return content + SEAL + struct.pack("<I", zlib.crc32(content))


def tflite_shapes(content: bytes) -> tuple[Shape, Shape]:
    """Read the input and output shapes, without the batch, of a TensorFlow Lite model.

    OpenCV does not tell them. The file is a flatbuffer: tables point to their fields by offsets, see the schema
    `tensorflow/compiler/mlir/lite/schema/schema.fbs`.
    """

    def number(kind: str, position: int) -> int:
        return struct.unpack_from(f"<{kind}", content, position)[0]

    def target(position: int) -> int:
        return position + number("I", position)

    def field(table: int, index: int) -> int:
        fields = table - number("i", table)
        return target(table + number("H", fields + 4 + 2 * index))

    def items(vector: int) -> range:
        return range(vector + 4, vector + 4 + 4 * number("I", vector), 4)

    subgraph = target(items(field(target(0), 2))[0])  # Model.subgraphs[0]
    tensors = items(field(subgraph, 0))

    def shape(ports: int) -> Shape:
        tensor = target(tensors[number("I", items(field(subgraph, ports))[0])])
        return tuple(number("i", dimension) for dimension in items(field(tensor, 0)))[1:]

    return shape(1), shape(2)  # of SubGraph.inputs[0] and SubGraph.outputs[0]
