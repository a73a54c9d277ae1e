"""Read random pictures and damaged files for a while, and tell what broke.

    python -m tests.fuzz --seconds 600

Each input is made from its number alone, so `--first N` begins with the one that broke. Whatever it is, `recognize.py`
must end with 0, or with 1 and one line on stderr: no traceback, no dead process, no more than ten seconds of computing.
"""

import argparse
import contextlib
import io
import multiprocessing.connection
import pathlib
import sys
import tempfile
import time
import traceback
from collections import Counter

import cv2
import numpy as np

import recognize
from utils import run

MODELS = [pathlib.Path("output") / name for name in ("mnist_cnn.tflite", "mnist.tflite")]
SAMPLE = pathlib.Path("output/sample.jpg")
SUFFIXES = (".png", ".jpg", ".bmp", ".tif", ".webp")
COMPUTING, PATIENCE = 10, 60  # seconds for one input: of computing, and on the clock of a busy machine


def draw(rng: np.random.Generator) -> np.ndarray:
    """Draw noise, strokes, rules and patches of many sizes, types and channels."""
    height, width = (int(2 ** rng.uniform(0, 10)) for _ in "hw")
    shape = (height, width, int(rng.choice([1, 3, 4])))
    image = np.full(shape, rng.integers(256), np.uint8)
    for _ in range(int(rng.integers(0, 30))):
        ends = rng.integers(-20, 1044, (2, 2)).tolist()
        colour, thick = rng.integers(0, 256, 4).tolist(), int(rng.integers(1, 30))
        cv2.line(image, *ends, colour, thick) if rng.random() < 0.7 else cv2.rectangle(image, *ends, colour, -1)
    if rng.random() < 0.5:
        image = np.clip(image + rng.normal(0, 2 ** rng.uniform(0, 7), shape), 0, 255).astype(np.uint8)
    return image.astype(np.uint16) * 257 if rng.random() < 0.2 else image


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Cut a file short, or overwrite or insert bytes, mostly near its ends, where formats keep their structure."""
    data = bytearray(content)
    for _ in range(int(2 ** rng.uniform(0, 6))):
        near = int(len(data) * rng.random() ** rng.choice([1, 8]))
        at = min(len(data) - 1, near) if rng.random() < 0.5 else max(0, len(data) - 1 - near)
        data[at] = int(rng.choice([0, 1, 127, 128, 255, int(rng.integers(256))]))
    if rng.random() < 0.3:
        del data[int(len(data) * rng.random()) :]
    if rng.random() < 0.1:
        data[:0] = rng.bytes(int(rng.integers(1, 9)))
    return bytes(data)


def make(number: int, folder: pathlib.Path) -> tuple[str, pathlib.Path, pathlib.Path]:
    """Make an input: what it is, the picture to read, the model to read it with."""
    rng = np.random.default_rng(number)
    kind = ("picture", "damaged picture", "damaged model")[int(rng.choice(3, p=[0.6, 0.3, 0.1]))]
    model = MODELS[int(rng.integers(len(MODELS)))]
    if kind == "damaged model":
        broken = folder / "model.tflite"
        broken.write_bytes(damage(model.read_bytes(), rng))
        return kind, SAMPLE, broken
    suffix = SUFFIXES[int(rng.integers(len(SUFFIXES)))]
    image = draw(rng)
    if suffix in (".jpg", ".webp", ".bmp"):
        image = cv2.convertScaleAbs(image[..., :3], alpha=1 / 257 if image.dtype == np.uint16 else 1)
    content = cv2.imencode(suffix, image)[1].tobytes()
    path = folder / f"picture{suffix}"
    path.write_bytes(damage(content, rng) if kind == "damaged picture" else content)
    return kind, path, model


def read(number: int, folder: pathlib.Path) -> tuple[str, str]:
    """Read an input as the command line does: what it is, and what broke, if anything."""
    kind, picture, model = make(number, folder)
    out, error = (io.TextIOWrapper(io.BytesIO()) for _ in "oe")
    target = folder / "read.png"
    sys.argv = ["recognize.py", "-i", str(picture), "-m", str(model), "-o", str(target)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            code = run(recognize.main)
    except BaseException:
        return kind, traceback.format_exc()
    message = error.buffer.getvalue().decode()
    if code not in (0, 1) or (code == 1 and message.count("\n") != 1) or "Traceback" in message:
        return kind, f"exit code {code}: {message}"
    if code == 1 and target.exists():
        return kind, "an annotated picture after an error"
    target.unlink(missing_ok=True)
    return kind, ""


def work(pipe: multiprocessing.connection.Connection, first: int, step: int) -> None:
    """Read every `step`-th input from `first` on, telling what came of each."""
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, sys.maxsize, step):
            begun = time.process_time()
            kind, problem = read(number, pathlib.Path(folder))
            spent = time.process_time() - begun
            pipe.send((number, kind, problem or (f"{spent:.0f} s of computing" if spent > COMPUTING else ""), spent))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to go on (%(default)s)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first input (%(default)s)")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    args = parser.parse_args()
    context, step = multiprocessing.get_context("spawn"), args.processes
    tried, broken, slowest, end = Counter(), 0, 0.0, time.monotonic() + args.seconds

    def start(first: int):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, first, step), daemon=True)
        process.start()
        theirs.close()
        return process, ours, first

    workers = [start(args.first + k) for k in range(step)]
    while time.monotonic() < end:
        for k, (process, pipe, number) in enumerate(workers):
            try:
                if not pipe.poll(PATIENCE):
                    raise EOFError
                number, kind, problem, spent = pipe.recv()
                slowest = max(slowest, spent)
                workers[k] = process, pipe, number + step
            except EOFError:
                process.kill()
                process.join()
                kind, problem = "input", f"no answer within {PATIENCE} s, or a dead process ({process.exitcode})"
                workers[k] = start(number + step)
            tried[kind] += 1
            if problem:
                broken += 1
                print(f"{kind} {number}: {problem}", flush=True)
        if sys.stderr.isatty():
            print(f"{sum(tried.values()):,} inputs, {broken} broke something", end="\r", file=sys.stderr)
    for process, *_ in workers:
        process.kill()
    kinds = ", ".join(f"{count:,} {kind}s" for kind, count in sorted(tried.items()))
    print(f"{kinds} tried; {broken} broke something; the slowest took {slowest:.1f} s of computing")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
