"""What a trainer is told: its options and the digits. Nothing here needs Keras, so a mistake is named at once."""

import argparse
import os
from functools import partial
from pathlib import Path

from utils import nonempty_path, say
from utils.checkpoint import ENDINGS, lock
from utils.dataset import Digits, doubt, load_dataset
from utils.download import TEST_CSV, TRAIN_CSV, ensure_dataset

TRY = "_try"  # ends the name of a network that is not from the full recipe, which must not replace one that is


def parse_options(description: str, epochs: int, batch_size: int, seed: int, output: str) -> argparse.Namespace:
    """Read the command line; the arguments are the defaults.

    Raises
    ------
    OSError
        If the output could not be written at the end of the training, or another training is to write it.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    at_least_0, at_least_1 = partial(_at_least, 0), partial(_at_least, 1)
    add("--epochs", type=at_least_1, default=epochs, metavar="N", help=f"passes over the digits ({epochs})")
    add("--batch-size", type=at_least_1, default=batch_size, metavar="N", help=f"digits per step ({batch_size})")
    add("--seed", type=at_least_0, default=seed, metavar="N", help=f"another number gives another network ({seed})")
    add("--limit", type=at_least_1, metavar="N", help="use the first N rows of either file only, for a quick try")
    add("--train", type=nonempty_path, default=TRAIN_CSV, metavar="CSV", help=f"training digits ({TRAIN_CSV})")
    add("--test", type=nonempty_path, default=TEST_CSV, metavar="CSV", help=f"test digits ({TEST_CSV})")
    add("--output", type=nonempty_path, metavar="FILE", help=f"the trained network ({output})")
    add("--no-augment", dest="augment", action="store_false", help="MNIST's own digits alone, none written anew")
    add("--resume", action="store_true", help="go on where a stopped run of the same command was")
    options = parser.parse_args()
    changed = not options.augment or options.limit or (options.train, options.test) != (TRAIN_CSV, TEST_CSV)
    if not options.output:
        options.output = Path(output)
        if changed or options.epochs < epochs or options.batch_size != batch_size:
            options.output = options.output.with_stem(options.output.stem + TRY)
            say(f"not the full recipe, so {output} stays; the network will be {options.output}")
    if options.output.suffix != ".keras":
        parser.error(f"argument --output: {str(options.output)!r}, expected a name that ends in .keras")
    folder = options.output.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"{options.output}: cannot be written, there is no folder {folder}")
    for path in (options.output.with_name(options.output.stem + ending) for ending in ENDINGS):
        if path.is_dir() or not os.access(folder, os.W_OK):
            raise PermissionError(f"{path}: cannot be written, it is a folder, or in a folder that is read-only")
    options.lock = lock(options.output)
    return options


def _at_least(minimum: int, text: str) -> int:
    if not text.isdecimal() or not minimum <= int(text) < 2**32:
        raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number from {minimum} to {2**32 - 1}")
    return int(text)


def load_data(options: argparse.Namespace) -> tuple[Digits, Digits]:
    """Read the training and the test digits, after making MNIST's own files if those are wanted and missing."""
    halves = []
    for path in options.train, options.test:
        if path in (TRAIN_CSV, TEST_CSV) and not path.exists():
            ensure_dataset()
        half = load_dataset(path)
        if fault := doubt(*half, rows={TRAIN_CSV: 60_000, TEST_CSV: 10_000}.get(path)):
            say(f"warning: {path}: {fault}")
        halves.append([column[: options.limit] for column in half])
    train, test = halves
    print(f"{len(train[1]):,} training digits, {len(test[1]):,} test digits")
    return train, test
