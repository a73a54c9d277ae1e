"""Which pictures are read, and where what is drawn goes: all of it planned, and refused, before any work is done."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from utils import silence

WRITABLE = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
EXPECTED = (*WRITABLE, ".jfif", ".gif", ".avif", ".jp2", ".heic", ".heif")  # pictures, even where they cannot be read
STEP = re.compile(r"[1-6]_(ink|mask|strokes|pieces|lines|crops)\.(jpg|png)")  # what `utils.draw.draw_steps` makes
MARK = "_recognized"  # ends the name of an annotated picture; in a folder neither these nor steps are read


class Picture(NamedTuple):
    """A picture to be read."""

    path: Path
    name: Path  # its path in the folder that was given, or its file name


def find_pictures(paths: Sequence[Path], made: Sequence[Path] = ()) -> tuple[list[Picture], list[str]]:
    """List the pictures at these paths; folders are searched, and theirs too.

    Parameters
    ----------
    paths : files, which are taken as they are, and folders, of which every file is taken that OpenCV knows
    made : folders that this run writes to: what an earlier run left there is not read

    Returns
    -------
    The pictures, and what is wrong, each in one line: a path without pictures, a folder that cannot be searched.
    """
    pictures, faults = [], []
    for path in dict.fromkeys(paths):
        if path.is_dir():
            found, unread = search(path, made)
            pictures += found
            faults += unread
        elif is_regular(path):
            pictures.append(Picture(path, Path(path.name)))
        else:
            faults.append(f"error: {path}: {'not a regular' if path.exists() else 'no such'} file, expected a picture")
    return pictures, faults


def search(folder: Path, made: Sequence[Path]) -> tuple[list[Picture], list[str]]:
    """List the pictures in a folder and in its folders, and say what is left out."""
    import cv2  # here, since a mistyped path needs no OpenCV

    def is_picture(path: Path) -> bool:
        with silence():  # of files that may not be read
            return path.suffix.lower() in EXPECTED or cv2.haveImageReader(str(path))

    closed: list[OSError] = []
    pictures, others, made_here = [], [], 0
    for path in walk(folder, [folder.resolve() for folder in made], closed):
        if path.stem.endswith(MARK) or STEP.fullmatch(path.name):
            made_here += 1
        elif is_picture(path):
            pictures.append(Picture(path, path.relative_to(folder)))
        else:
            others.append(path)
    faults = [f"error: {error.filename}: cannot be searched ({error.strerror})" for error in closed]
    if others:
        more = f" and {len(others) - 1:,} others" if len(others) > 1 else ""
        faults.append(f"{folder}: skipped, not a picture: {others[0]}{more}")
    if made_here:
        faults.append(f"{folder}: skipped, made by an earlier run: {made_here:,}")
    if not pictures and not closed:
        faults.append(f"error: {folder}: a folder without pictures, expected some")
    return pictures, faults


def walk(folder: Path, made: Sequence[Path], closed: list[OSError]) -> Iterator[Path]:
    """Go through the regular files in a folder and its folders, in order; not those in `made`, nor hidden ones."""
    for place, folders, files in os.walk(folder, onerror=closed.append):
        inside = Path(place)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (inside / name).resolve() not in made
        )
        yield from (inside / name for name in sorted(files) if not name.startswith(".") and is_regular(inside / name))


def is_regular(path: Path) -> bool:
    """Whether this is an ordinary file, not a pipe or a device, which may never end."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def plan_output(output: Path, pictures: Sequence[Picture]) -> list[Path]:
    """Name the annotated pictures.

    `output` is the file for a single picture, else a folder. A path without a suffix, or of a folder, is a folder.

    Raises
    ------
    OSError, ValueError
        In one line: what could not be written later.
    """
    suffix = output.suffix.lower()
    if output.is_dir() or (not suffix and not output.exists()):
        targets = name_in(output, pictures)
    elif len(pictures) > 1:
        raise NotADirectoryError(f"{output}: a file for {len(pictures)} pictures, expected a folder")
    elif suffix not in WRITABLE:
        raise ValueError(f"{output}: suffix {output.suffix or 'missing'}, expected one of {' '.join(WRITABLE)}")
    elif not output.parent.is_dir():
        raise FileNotFoundError(f"{output}: cannot be written, there is no folder {output.parent}")
    else:
        targets = [output]
    check_folder(targets[0].parent)
    read = {identity(picture.path) for picture in pictures}
    for target in targets:
        if target.exists() and identity(target) in read:
            raise ValueError(f"{target}: the picture itself, expected another name for the annotated one")
        if target.exists() and not is_regular(target):
            raise ValueError(f"{target}: not a regular file, expected one or a new name")
    return targets


def identity(path: Path) -> tuple[int, int] | None:
    """Tell a file from all others, whatever its name: a link is the file that it leads to. None where there is none."""
    try:
        file = path.stat()
    except OSError:
        return None
    return file.st_dev, file.st_ino


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, or made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(
            f"{folder}: {'a file' if there == folder else f'{there} is a file'}, expected a folder"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder}: cannot be written, {there} is closed to you")


def name_in(folder: Path, pictures: Sequence[Picture]) -> list[Path]:
    """Name the annotated pictures in a folder: photo_recognized.jpg for photo.jpg."""
    targets: dict[Path, Path] = {}
    for path, name in pictures:
        suffix = name.suffix if name.suffix.lower() in WRITABLE else ".png"
        target = folder / name.with_name(f"{name.stem}{MARK}{suffix}")
        add_once(targets, target, path)
    return list(targets)


def plan_steps(folder: Path, pictures: Sequence[Picture], targets: Sequence[Path]) -> list[Path]:
    """Name the folder for the steps of each picture: `folder` itself, or one in it for each of several.

    Raises
    ------
    OSError, ValueError
        If one is no folder, or holds a picture that is read, or an annotated one, under the name of a step.
    """
    folders: dict[Path, Path] = {}
    for path, name in pictures:
        add_once(folders, folder / name if len(pictures) > 1 else folder, path)
    for place in folders:
        check_folder(place)
    inside = {place.resolve() for place in folders}
    for target in targets:
        if target.resolve() in inside:
            raise ValueError(f"{target}: the name for both the annotated picture and the folder of its steps")
    for path in (*(picture.path for picture in pictures), *targets):
        if path.resolve().parent in inside and STEP.fullmatch(path.name):
            raise ValueError(f"{folder}: {path} is there, expected another folder for the steps")
    return list(folders)


def add_once(targets: dict[Path, Path], target: Path, path: Path) -> None:
    """Note that `target` is for `path`, and refuse one that is taken."""
    if target in targets:
        raise ValueError(f"{target}: the name for both {targets[target]} and {path}, give one another folder")
    targets[target] = path
