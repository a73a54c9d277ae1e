"""Kill a real training at random moments, and tell whether its files stayed whole.

    python -m tests.kill_training --kills 50

After each kill (SIGKILL, which no program can catch) every file of the network is the one that was there before, or
the new one; never a part of it. Half of the runs go on where the killed one was, and so does the last, which is left
to end.
"""

import argparse
import hashlib
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np

from utils.classifier import load_tflite

ROOT = pathlib.Path(__file__).parents[1]


def train(output: pathlib.Path, *options: str) -> subprocess.Popen:
    """Start a training of a few seconds."""
    command = [sys.executable, "train_keras.py", "--limit", "300", "--epochs", "2", "--output", str(output), *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def hashes(output: pathlib.Path) -> dict[str, str]:
    """SHA-256 of each file of a network; see `content`."""
    paths = filter(pathlib.Path.is_file, output.parent.iterdir())
    return {path.name: hashlib.sha256(content(path)).hexdigest() for path in paths}


def content(path: pathlib.Path) -> bytes:
    """Read what of a file is the same whenever it was written; of a .keras that is its weights."""
    if path.suffix != ".keras":
        return path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read("model.weights.h5")  # the other parts have dates, and addresses in memory
    except zipfile.BadZipFile:
        return b"not whole"


def kill_trainings(folder: pathlib.Path, kills: int, seed: int = 0) -> list[str]:
    """Train whole once, then with another seed and killed `kills` times, then to the end: what went wrong, if anything.

    The same command gives the same files, so a file is whole if it is one of the two that whole runs left.
    """
    output, rng = folder / "mnist.keras", np.random.default_rng(seed)
    start = time.monotonic()
    train(output, "--seed", "1").wait()
    seconds, before = time.monotonic() - start, hashes(output)
    found, wrong = [], []
    for k in range(kills):
        process = train(output, "--seed", "2", *["--resume"][: rng.integers(2)])
        time.sleep(seconds * rng.uniform(0.3, 1.05))
        process.kill()
        _, complaint = process.communicate()
        if process.returncode not in (0, -signal.SIGKILL):
            wrong.append(f"kill {k}: {complaint}")
        found.append(hashes(output))
    last = train(output, "--seed", "2", "--resume")
    _, complaint = last.communicate()
    after = hashes(output)
    load_tflite(output.with_suffix(".tflite"))
    if last.returncode or set(after) != set(before) or after == before:
        wrong.append(f"the last run: {complaint}")
    for k, files in enumerate(found):
        wrong += [f"kill {k}: {name}" for name in before if files.get(name) not in (before[name], after[name])]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=10, help="how many trainings to kill (%(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = kill_trainings(pathlib.Path(folder), args.kills)
    print(f"{args.kills} kills,", "all files whole" if not wrong else "\n".join(wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
