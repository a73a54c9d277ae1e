"""Read the handwritten digits in photos.

It prints the digits, one line for each line of writing, and shows where it found them.

  python recognize.py -i photo.jpg -m output/mnist_cnn.tflite                # in windows, as in the post
  python recognize.py -i photo.jpg -m output/mnist_cnn.tflite -o read.png    # in a file
  python recognize.py -i photos/ -m output/mnist_cnn.tflite --no-show --json
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from utils.classifier import Classifier
    from utils.segment import Piece as Digit
    from utils.reader import Page

SCRIPT = Path(__file__).name
WRITABLE = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
ELSEWHERE = Path("output")  # where annotated pictures go when there is no screen


def read_digits(image: "np.ndarray", classifier: "Classifier") -> "list[list[Digit]]":
    """Read the digits in a picture.

    Parameters
    ----------
    image : (H, W, 3) BGR or (H, W) grey, uint8
    classifier : what `utils.classifier.load_classifier` returns

    Returns
    -------
    Lines of writing from top to bottom, each a list of digits from left to right; no lines where there are no digits.
    A digit has a `value` (0 to 9), the network's `confidence` in it (0 to 1), and a `box` (x, y, width, height) in
    pixels of the picture.

    Raises
    ------
    ValueError
        If the picture is not uint8, or of another shape.
    """
    from utils.reader import read_page

    if image.dtype != "uint8" or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        raise ValueError(f"the picture is {image.dtype} {image.shape}, expected uint8 (H, W) or (H, W, 3)")
    return read_page(image, classifier).in_picture(image.shape)


def locate(page: "Page", shape: tuple[int, ...]) -> "list[list[Digit]]":
    """Give the digits of a page, which may have been read reduced, their boxes in the picture (H, W) itself."""
    return [[digit._replace(box=enlarge(digit.box, page.scale, shape)) for digit in line] for line in page.lines]


def enlarge(box, scale, shape):
    x, y, w, h = box
    left, right = (min(shape[1], round(edge / scale)) for edge in (x, x + w))
    top, bottom = (min(shape[0], round(edge / scale)) for edge in (y, y + h))
    return left, top, right - left, bottom - top


class Picture(NamedTuple):
    path: Path
    name: Path  # its path in the folder that was given, or its file name


def main() -> int:
    """Read the pictures that the command line names; a user's mistake ends in one line on stderr.

    Returns
    -------
    The exit code: 0, 1 if anything failed, 130 when stopped by Ctrl-C.
    """
    options = parse_options()
    try:
        return recognize(options)
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-i", "--image", type=Path, nargs="+", required=True, help="pictures, or folders of them")
    add("-m", "--model", type=Path, required=True, help="a trained network, .keras or (much faster) .tflite")
    add("-o", "--output", type=Path, metavar="FILE", help="write the annotated picture; a folder for several")
    add("--json", action="store_true", help="print one JSON array with boxes and confidences instead")
    add("--no-show", action="store_true", help="open no window")
    add("--debug", type=Path, metavar="DIR", help="write a picture of every step to this folder")
    return parser.parse_args()


def recognize(options: argparse.Namespace) -> int:
    """Read, print and show or write one picture after the other; one that fails does not stop the others."""
    pictures, failed = find_pictures(options.image)
    if not pictures:
        return 1
    several = len(pictures) > 1 or len(options.image) > 1
    targets = plan_output(options.output, pictures) if options.output else []

    from utils.classifier import load_classifier
    from utils.draw import annotate
    from utils.picture import has_screen, read_picture, show, write_picture
    from utils.reader import read_page

    classifier = load_classifier(options.model)
    windows = not (options.output or options.no_show)
    if windows and not has_screen():
        say(f"there is no screen, the annotated picture goes to {ELSEWHERE}{os.sep}")
        windows, targets = False, plan_output(ELSEWHERE, pictures)

    records = []
    for number, picture in enumerate(pictures):
        if several and sys.stderr.isatty() and not sys.stdout.isatty():
            print(f"{number + 1:,}/{len(pictures):,} pictures", end="\r", file=sys.stderr, flush=True)
        try:
            image = read_picture(picture.path)
            page = read_page(image, classifier)
            lines = locate(page, image.shape)
            if not lines:
                say(f"{picture.path}: no digits found")
            if options.json:
                records.append(describe(picture.path, image, lines))
            else:
                print_lines(lines, f"{picture.path}\t" if several else "")
            if options.debug:
                write_steps(page, options.debug / picture.name if several else options.debug)
            if targets:
                targets[number].parent.mkdir(parents=True, exist_ok=True)
                write_picture(targets[number], annotate(image, lines))
            if windows:
                show({"Original": image, "Thresh": page.mask, "Recognized": annotate(image, lines)})
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            say(f"error: {error}")
            failed = True
    if options.json:
        print(json.dumps(records))
    return int(failed)


def find_pictures(paths: list[Path]) -> tuple[list[Picture], bool]:
    """List the pictures at these paths, looking into folders; returns also whether one of the paths was no good."""
    pictures, failed = [], False
    for path in paths:
        found = []
        if path.is_dir():
            from imutils.paths import list_images

            inside = sorted(map(Path, list_images(str(path))))
            found = [Picture(picture, picture.relative_to(path)) for picture in inside]
        elif path.is_file():
            found = [Picture(path, Path(path.name))]
        if not found:
            say(
                f"error: {path}: {'a folder without pictures' if path.is_dir() else 'no such file'}, expected a picture"
            )
            failed = True
        pictures += found
    return pictures, failed


def plan_output(output: Path, pictures: list[Picture]) -> list[Path]:
    """Name the annotated pictures, refusing before any work what could not be written after it."""
    if len(pictures) > 1 or output.is_dir() or (not output.suffix and not output.exists()):
        if (output.exists() and not output.is_dir()) or output.suffix in WRITABLE:
            raise NotADirectoryError(f"{output}: a file for {len(pictures)} pictures, expected a folder")
        targets = name_in(output, pictures)
    elif output.suffix.lower() not in WRITABLE:
        raise ValueError(f"{output}: suffix {output.suffix or 'missing'}, expected one of {' '.join(WRITABLE)}")
    elif not output.parent.is_dir():
        raise FileNotFoundError(f"{output}: cannot be written, there is no folder {output.parent}")
    else:
        targets = [output]
    read = {picture.path.resolve() for picture in pictures}
    for target in targets:
        if target.resolve() in read:
            raise ValueError(f"{target}: the picture itself, expected another name for the annotated one")
    return targets


def name_in(folder: Path, pictures: list[Picture]) -> list[Path]:
    """Name the annotated pictures in a folder: photo_recognized.jpg for photo.jpg."""
    targets = {}
    for path, name in pictures:
        suffix = name.suffix if name.suffix.lower() in WRITABLE else ".png"
        target = folder / name.with_name(f"{name.stem}_recognized{suffix}")
        if target in targets:
            raise ValueError(f"{target}: the name for both {targets[target]} and {path}, read them one by one")
        targets[target] = path
    return list(targets)


def print_lines(lines: "list[list[Digit]]", start: str) -> None:
    for line in lines:
        print(start + "".join(str(digit.value) for digit in line), flush=True)


def describe(path: Path, image: "np.ndarray", lines: "list[list[Digit]]") -> dict:
    """Say what was read in a form that JSON has."""
    height, width = image.shape[:2]
    digits = [[{"value": d.value, "confidence": round(d.confidence, 4), "box": d.box} for d in line] for line in lines]
    return {"path": str(path), "width": width, "height": height, "lines": digits}


def write_steps(page: "Page", folder: Path) -> None:
    """Write a numbered picture of every step of reading a page."""
    from utils.draw import draw_steps
    from utils.picture import write_picture

    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, drawing) in enumerate(draw_steps(page).items(), 1):
        write_picture(folder / f"{number}_{name}", drawing)


def say(message: str) -> None:
    print(f"{SCRIPT}: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
