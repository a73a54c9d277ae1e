"""Read the handwritten digits in pictures.

It prints the digits, one line for each line of writing, with a space between numbers, and shows where it found them.

  python recognize.py -i photo.jpg -m output/mnist_cnn.tflite                # in windows
  python recognize.py -i photo.jpg -m output/mnist_cnn.tflite -o read.png    # in a file
  python recognize.py -i photos/ -m output/mnist_cnn.tflite --no-show --json

It reads PNG, JPEG, WebP, AVIF, TIFF, GIF (the first frame), BMP, JPEG 2000, PPM and whatever else OpenCV reads.
The windows stay until a key is pressed in one of them, or all of them are closed.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from utils import ESCAPES, nonempty_path, reason, run, say, sign_of_life
from utils.files import Picture, find_pictures, plan_output, plan_steps

if TYPE_CHECKING:
    import numpy as np

    from utils.classifier import Classifier
    from utils.page import Page
    from utils.segment import Piece

ELSEWHERE = Path("output")  # where annotated pictures go when there is no screen
MANY, ALIKE = 30, 0.9  # digits, and share of them: if so many are one and the same, it may be a pattern


def read_digits(image: "np.ndarray", classifier: "Classifier") -> "list[list[Piece]]":
    """Read the digits in a picture.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8
    classifier : what `utils.classifier.load_classifier` returns

    Returns
    -------
    Lines of writing from top to bottom, each a list of digits from left to right, as they are when the page is upright;
    no lines where there are no digits. A digit has a `value` (0 to 9), the network's `confidence` in it (0 to 1), and a
    `box` (x, y, width, height) in pixels of the picture; it `is_spaced` where another number ends before it.

    Raises
    ------
    ValueError
        If the picture is no array, not uint8, of another shape, or None.
    """
    from utils.reader import read_page

    if image is None:
        raise ValueError("the picture is None, which is what cv2.imread returns for a file that it cannot read")
    if not hasattr(image, "dtype"):
        raise ValueError(f"the picture is a {type(image).__name__}, expected what cv2.imread returns")
    if image.dtype != "uint8" or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        raise ValueError(f"the picture is {image.dtype} {image.shape}, expected uint8 (H, W) or (H, W, 3)")
    return read_page(image, classifier).in_picture()


def main() -> int:
    """Find the pictures, plan where everything goes, and recognize; the exit code is 1 if anything failed."""
    options = parse_options()
    folders = [folder for folder in (options.output, options.debug) if folder and folder.is_dir()]
    pictures, faults = find_pictures(options.image, folders)
    for fault in faults:
        say(fault)
    if not pictures:
        if options.json:
            print("[]")
        return 1
    from utils.picture import has_screen  # OpenCV from here on: a mistyped path needs none

    if not (options.output or options.no_show or has_screen()):
        say(f"there is no screen, the annotated picture goes to {ELSEWHERE}{os.sep}")
        options.output = ELSEWHERE
    targets = plan_output(options.output, pictures) if options.output else []
    steps = plan_steps(options.debug, pictures, targets) if options.debug else []
    failed = recognize(pictures, targets, steps, options)
    return int(failed or any(fault.startswith("error") for fault in faults))


def recognize(
    pictures: Sequence[Picture], targets: Sequence[Path], steps: Sequence[Path], options: argparse.Namespace
) -> bool:
    """Read, print, draw, show: one picture after the other. Returns whether any failed; that does not stop the others.

    `targets` are where the annotated pictures go, `steps` the folders for the pictures of the steps; both may be empty.
    """
    import cv2

    from utils.classifier import load_classifier
    from utils.draw import annotate, draw_steps, enlarge
    from utils.picture import read_picture, show, write_picture, write_steps
    from utils.reader import read_page

    classifier = load_classifier(options.model)
    several = len(pictures) > 1 or len(options.image) > 1
    records, failed = [], False
    for i, (path, _) in enumerate(pictures):
        try:
            with sign_of_life(f"picture {i + 1:,} of {len(pictures):,}, {path}"):
                image = read_picture(path)
                page = read_page(image, classifier)
            lines = page.in_picture()
            if note := remark(page):
                say(f"{path}: {note}")
            if options.json:
                records.append(describe(path, image, lines))
            else:
                start = f"{str(path).translate(ESCAPES)}\t" if several else ""
                for line in lines:
                    print(start + "".join(" " * digit.is_spaced + str(digit.value) for digit in line), flush=True)
            if steps:
                write_steps(steps[i], draw_steps(page))
            if targets:
                targets[i].parent.mkdir(parents=True, exist_ok=True)
                write_picture(targets[i], annotate(*enlarge(image, lines)))
            if not (options.output or options.no_show):
                show({"Original": image, "Thresh": page.mask, "Recognized": annotate(*enlarge(image, lines))})
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno and not error.filename:
                raise  # standard output is full, or nobody reads it any more
            say(f"error: {reason(error)}")
            failed = True
        except (MemoryError, cv2.error) as error:
            say(f"error: {path}: too large for this computer's memory, make it smaller ({error})")
            failed = True
    if options.json:
        print(json.dumps(records))
    return failed


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-i", "--image", type=nonempty_path, nargs="+", action="extend", required=True, help="pictures, or folders")
    add("-m", "--model", type=nonempty_path, required=True, help="best output/mnist_cnn.tflite; a .keras is slower")
    add("-o", "--output", type=nonempty_path, metavar="PATH", help="write the annotated picture to this file or folder")
    add("--json", action="store_true", help="print one JSON array with boxes and confidences instead")
    add("--no-show", action="store_true", help="open no window")
    add("--debug", type=nonempty_path, metavar="DIR", help="write a picture of every step to this folder")
    return parser.parse_args()


def remark(page: "Page") -> str:
    """Say what a user should know of a reading, if anything."""
    values, letters = [digit.value for digit in page.digits], len(page.letters)
    if page.is_wordy:
        return f"most of it seems to be text or a pattern, not digits; {letters:,} shapes in it were passed over"
    if 2 * page.doubtful > len(values):
        return f"doubtful, the network is sure of {len(values) - page.doubtful:,} of {len(values):,} digits"
    most = max(range(10), key=values.count)
    if len(values) >= MANY and values.count(most) >= ALIKE * len(values):
        return f"doubtful, {values.count(most):,} of {len(values):,} digits are {most}s, as in a pattern"
    return "" if page.lines else "no digits found"


def describe(path: Path, image: "np.ndarray", lines: "list[list[Piece]]") -> dict:
    """Say what was read in a form that JSON has: lines of numbers of digits."""
    numbers = []
    for line in lines:
        numbers.append([])
        for digit in line:
            if digit.is_spaced or not numbers[-1]:
                numbers[-1].append([])
            numbers[-1][-1].append({"value": digit.value, "confidence": round(digit.confidence, 4), "box": digit.box})
    height, width = image.shape[:2]
    return {"path": str(path), "width": width, "height": height, "lines": numbers}


if __name__ == "__main__":
    sys.exit(run(main))
