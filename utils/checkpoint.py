"""What a stopped training leaves, so that the same command with --resume can go on; and no two trainings at once."""

import argparse
import contextlib
import csv
import io
import json
import os
import re
import shutil
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from utils import reason, say, whole_file

if TYPE_CHECKING:
    import keras

WEIGHTS = "latest.npz"
KEPT = "options.json", "history.csv", WEIGHTS  # the files of a checkpoint
UNFINISHED = re.compile(r"\.[0-9]+\.part")  # what `whole_file` was writing when a run was killed
ENDINGS = ".keras", ".tflite", "_curves.png", "_confusion.png", "_misread.png"  # of the files that a training makes


def lock(output: Path) -> TextIO:
    """Keep other trainings from the same output for as long as the file that is returned is in use.

    Raises
    ------
    OSError
        If another training has it.
    """
    path = output.with_name(f".{output.stem}.lock")
    if path.exists() and path.stat().st_size:
        raise FileExistsError(f"{path}: not ours, and in the way; move it, or choose another --output")
    file = path.open("a")
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise OSError(f"{output}: another training is to write it; wait for its end, or choose another") from None
    weakref.finalize(file, path.unlink, missing_ok=True)
    return file


@contextlib.contextmanager
def keep_checkpoint(options: argparse.Namespace) -> Iterator[None]:
    """Keep what a stopped run needs to go on, in a folder beside the output, until all is saved.

    Raises
    ------
    OSError, KeyboardInterrupt
        What stopped the run; its text says what there is to resume.
    """
    scratch = open_checkpoint(options)
    try:
        yield
    except (OSError, KeyboardInterrupt) as stop:
        done = len(read_history(scratch))
        if not done:
            shutil.rmtree(scratch)
        left = f"after {done} of {options.epochs} epochs; the same command with --resume goes on from there"
        if isinstance(stop, OSError):
            fault = reason(stop) if isinstance(stop, BrokenPipeError) else reason(stop, where=scratch)
            raise OSError(f"{fault}; stopped {left}" if done else fault) from None
        nothing = "before the end of the first epoch; there is nothing to resume"
        raise KeyboardInterrupt(f" {left if done else nothing}") from None
    shutil.rmtree(scratch)


def open_checkpoint(options: argparse.Namespace) -> Path:
    """Make the folder for the checkpoint and for files that are not whole yet, or take the one that is there.

    Raises
    ------
    ValueError
        If the checkpoint there is of another run.
    """
    from utils.handwriting import JUNK, PRINTED  # here, as it imports OpenCV: --help and mistakes do not wait for that

    scratch = scratch_folder(options)
    settings = {name: getattr(options, name) for name in ("epochs", "batch_size", "seed", "limit", "augment")}
    settings |= {"script": Path(sys.argv[0]).name, "train": str(options.train), "test": str(options.test)}
    settings["size of --train"] = options.train.stat().st_size
    settings["print and junk for a digit"] = PRINTED + JUNK  # with more of them, an epoch has more steps
    described = scratch / "options.json"
    is_folder = scratch.is_dir() and not scratch.is_symlink()
    there = {path.name for path in scratch.iterdir() if not UNFINISHED.fullmatch(path.name)} if is_folder else set()
    ours = {*KEPT, *(options.output.stem + ending for ending in ENDINGS)}
    # the folder goes in the end, with all that is in it
    if there - ours or (there and not described.exists()) or (os.path.lexists(scratch) and not is_folder):
        raise FileExistsError(f"{scratch}: not a checkpoint, and in the way; move it, or choose another --output")
    if options.resume and described.exists():
        try:
            before = json.loads(described.read_text())
            other = next((name for name in settings if before.get(name) != settings[name]), None)
        except (ValueError, AttributeError):
            raise ValueError(f"{described}: damaged; start anew without --resume") from None
        if other:
            raise ValueError(
                f"{scratch}: this run was started with {other} {before.get(other)}, not {settings[other]}; "
                "repeat its options, or start anew without --resume"
            )
        return scratch
    if options.resume:
        say(f"{scratch}: no checkpoint, starting at epoch 1")
    elif (scratch / WEIGHTS).exists():
        say(f"{scratch}: what a stopped run left is given up; with --resume this command would have gone on")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    with whole_file(described) as part:
        part.write_text(json.dumps(settings))
    return scratch


def scratch_folder(options: argparse.Namespace) -> Path:
    """Where the checkpoint is: output/mnist.checkpoint for output/mnist.keras."""
    return options.output.with_suffix(".checkpoint")


def save_weights(model: "keras.Model", scratch: Path) -> None:
    """Keep a network's weights and its optimizer's in one file that is always whole, whenever the run is killed.

    Keras' own BackupAndRestore keeps the epoch in a second file, even with double_checkpoint: a run killed between the
    two would repeat an epoch. Here the optimizer's count of steps tells the epoch. And Keras writes with h5py, which
    crashes Python when the disk is full.
    """
    content = io.BytesIO()
    np.savez(content, *(np.asarray(variable) for variable in kept_variables(model)))
    with whole_file(scratch / WEIGHTS) as part:
        part.write_bytes(content.getbuffer())


def load_weights(model: "keras.Model", scratch: Path, steps: int) -> int:
    """Give a compiled network what `save_weights` kept; returns how many epochs of so many steps that was."""
    path = scratch / WEIGHTS
    if path.exists():
        model.optimizer.build(model.trainable_variables)
        try:
            with np.load(path) as kept:
                for variable, name in zip(kept_variables(model), kept.files, strict=True):
                    variable.assign(kept[name])
        except Exception as error:  # NumPy and Keras raise whatever they stumble over
            fault = str(error)[:100].partition("\n")[0]
            raise ValueError(f"{path}: damaged ({fault}); start anew without --resume") from None
    return int(model.optimizer.iterations) // steps


def kept_variables(model: "keras.Model") -> "list[keras.Variable]":
    """All that a training changes, in the same order for the same network."""
    return [*model.variables, *model.optimizer.variables]


def read_history(scratch: Path) -> list[dict[str, float]]:
    """Read what Keras noted after each epoch, over all runs that led here; rows that a full disk cut short are left."""
    path = scratch / "history.csv"
    if not path.exists():
        return []
    try:
        with path.open(newline="") as file:
            whole = [row for row in csv.DictReader(file) if None not in (*row, *row.values())]
        rows = [{name: float(value) for name, value in row.items()} for row in whole]
        return list({row["epoch"]: row for row in rows}.values())
    except (ValueError, KeyError, csv.Error):
        raise ValueError(f"{path}: damaged; start anew without --resume") from None
