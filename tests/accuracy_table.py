"""Make the README's table: both networks, with and without augmentation, trained with several seeds.

    python -m tests.accuracy_table --runs output/runs                              # some two hours on 2 cores
    python -m tests.accuracy_table --runs output/runs --mlp --cnn --photos photos/   # of the runs that are there

A run that is in the folder is not trained again. The photos' folder holds labels.json, a list of entries
{"file": "photo.jpg", "lines": ["0123", "456"]}; digits right is 1 - edits / digits over all photos.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from recognize import read_digits
from tests.score_pages import align
from utils import run, silence
from utils.classifier import Classifier, load_classifier
from utils.dataset import load_dataset
from utils.download import TEST_CSV, ensure_dataset
from utils.picture import read_picture

ROWS = {  # file name of the runs: name in the table, command
    "mlp": ("MLP", ["train_keras.py"]),
    "mlp_plain": ("MLP, `--no-augment`", ["train_keras.py", "--no-augment"]),
    "cnn": ("CNN", ["train_keras_cnn.py"]),
    "cnn_plain": ("CNN, `--no-augment`", ["train_keras_cnn.py", "--no-augment"]),
}


def train(folder: Path, kind: str, seed: int) -> None:
    """Train one network, unless the folder has it, and note how many seconds that took."""
    model = folder / f"{kind}-{seed}.keras"
    noted = model.with_suffix(".seconds")
    if noted.exists():
        return
    start = time.monotonic()
    subprocess.run([sys.executable, *ROWS[kind][1], "--seed", str(seed), "--output", model], check=True)
    noted.write_text(f"{time.monotonic() - start:.0f}")


def accuracy(classifier: Classifier, digits: np.ndarray, labels: np.ndarray) -> float:
    return float((classifier.predict(digits.reshape(-1, 28, 28)).argmax(axis=1) == labels).mean())


def digits_right(classifier: Classifier, folder: Path) -> float:
    """Read the labelled photos of a folder."""
    edits = digits = 0
    for entry in json.loads((folder / "labels.json").read_text()):
        truth = "".join(entry["lines"])
        lines = read_digits(read_picture(folder / entry["file"]), classifier)
        read = "".join(str(digit.value) for line in lines for digit in line)
        edits, digits = edits + min(len(truth), align(truth, read)[0]), digits + len(truth)
    return 1 - edits / digits


def parameters(model: Path) -> int:
    with silence():
        import keras

    return keras.saving.load_model(model).count_params()


def spread(shares: list[float]) -> str:
    """Mean and sample standard deviation, in percent."""
    deviation = f" ± {100 * np.std(shares, ddof=1):.2f}" if len(shares) > 1 else ""
    return f"{100 * np.mean(shares):.2f}{deviation} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--runs", type=Path, required=True, metavar="DIR", help="where the trained networks are and go")
    add("--mlp", type=int, nargs="*", default=[1, 2, 3, 4, 5], metavar="SEED", help="to train (1 2 3 4 5)")
    add("--cnn", type=int, nargs="*", default=[1, 2, 3], metavar="SEED", help="to train (1 2 3)")
    add("--photos", type=Path, metavar="DIR", help="labelled photos to read with each network")
    options = parser.parse_args()

    ensure_dataset()
    options.runs.mkdir(parents=True, exist_ok=True)
    for kind in ROWS:
        for seed in options.mlp if kind.startswith("mlp") else options.cnn:
            train(options.runs, kind, seed)

    test = load_dataset(TEST_CSV)
    print("| network | parameters | MNIST test accuracy | seeds | training |" + " photos |" * bool(options.photos))
    print("|---|---|---|---|---|" + "---|" * bool(options.photos))
    for kind, (name, _) in ROWS.items():
        noted = sorted(options.runs.glob(f"{kind}-*.seconds"))
        if not noted:
            continue
        classifiers = [load_classifier(path.with_suffix(".tflite")) for path in noted]
        minutes = np.median([float(path.read_text()) for path in noted]) / 60
        row = [
            name,
            f"{parameters(noted[0].with_suffix('.keras')):,}",
            spread([accuracy(one, *test) for one in classifiers]),
        ]
        row += [str(len(noted)), f"{minutes:.1f} min"]
        if options.photos:
            row.append(spread([digits_right(one, options.photos) for one in classifiers]))
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    sys.exit(run(main))
