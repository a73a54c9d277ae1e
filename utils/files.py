"""Which pictures are read, and where what is drawn goes: all of it planned, and refused, before any work is done."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from utils import silence, what_is

WRITABLE = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
EXPECTED = (*WRITABLE, ".jfif", ".gif", ".avif", ".jp2", ".heic", ".heif")  # pictures, even where they cannot be read
STEPS = ("1_ink.jpg", "2_mask.png", "3_strokes.png", "4_pieces.jpg", "5_lines.jpg", "6_crops.png")  # see `draw_steps`
MARK = "_recognized"  # ends the name of an annotated picture; in a folder neither these nor steps are read


class Picture(NamedTuple):
    """A picture to be read."""

    path: Path
    name: Path  # its path in the folder that was given, or its file name


def find_pictures(paths: Sequence[Path], made: Sequence[Path] = ()) -> tuple[list[Picture], list[str]]:
    """List the pictures at these paths; folders are searched, and theirs too.

    Parameters
    ----------
    paths : files, which are taken as they are, and folders, of which every file is taken that OpenCV knows,
        or that is named like a picture
    made : folders that this run writes to: what an earlier run left there is not read

    Returns
    -------
    The pictures, and what is wrong, each in one line: a path without pictures, a folder that cannot be searched.
    """
    pictures, faults = [], []
    for path in dict.fromkeys(paths):
        if os.path.isdir(path):
            found, unread = search(path, made)
            pictures += found
            faults += unread
        elif os.path.isfile(path):
            pictures.append(Picture(path, Path(path.name)))
        else:
            faults.append(f"error: {path}: {what_is(path)}, expected a picture")
    return pictures, faults


def search(folder: Path, made: Sequence[Path]) -> tuple[list[Picture], list[str]]:
    """List the pictures in a folder and in its folders, but for hidden ones, and say what is left out."""
    made = [place.resolve() for place in made]
    pictures, made_before, others, closed = [], [], [], []
    with silence():  # OpenCV complains of files that may not be read
        for place, folders, files in os.walk(folder, onerror=closed.append):
            folders[:] = sorted(name for name in folders if name[0] != "." and Path(place, name).resolve() not in made)
            for path in (Path(place, name) for name in sorted(files) if name[0] != "."):
                if not os.path.isfile(path):  # a pipe or a device may never end
                    continue
                if path.stem.endswith(MARK) or path.name in STEPS:
                    made_before.append(path)
                elif is_picture(path):
                    pictures.append(Picture(path, path.relative_to(folder)))
                else:
                    others.append(path)
    faults = [f"error: {error.filename}: cannot be searched ({error.strerror})" for error in closed]
    if others:
        more = f" and {len(others) - 1:,} others" if len(others) > 1 else ""
        faults.append(f"skipped in {folder}, not a picture: {others[0]}{more}")
    if made_before:
        faults.append(f"skipped in {folder}, made by an earlier run: {len(made_before):,}")
    if not pictures and not closed:
        faults.append(f"error: {folder}: a folder without pictures, expected some")
    return pictures, faults


def is_picture(path: Path) -> bool:
    """Whether a file is named like a picture, or begins like one that OpenCV reads."""
    import cv2  # here, since a mistyped path needs no OpenCV

    if path.suffix.lower() in EXPECTED:
        return True
    try:
        str(path).encode()
    except UnicodeEncodeError:  # OpenCV would crash
        return False
    return cv2.haveImageReader(str(path))


def plan_output(output: Path, pictures: Sequence[Picture]) -> list[Path]:
    """Name the annotated pictures, in a folder photo_recognized.jpg for photo.jpg.

    `output` is the file for a single picture, else a folder. A path without a suffix, or of a folder, is a folder.

    Raises
    ------
    OSError, ValueError
        In one line: what could not be written later.
    """
    suffix = output.suffix.lower()
    if output.name.lower() in EXPECTED and not output.is_dir():
        raise ValueError(f"{output}: a suffix alone, expected a name before it")
    if output.is_dir() or (not suffix and not output.exists()):
        names = [name if name.suffix.lower() in WRITABLE else name.with_suffix(".png") for _, name in pictures]
        targets = [output / name.with_stem(name.stem + MARK) for name in names]
        check_names(targets, pictures)
    elif len(pictures) > 1:
        raise NotADirectoryError(f"{output}: a file for {len(pictures)} pictures, expected a folder")
    elif suffix not in WRITABLE:
        raise ValueError(f"{output}: suffix {output.suffix or 'missing'}, expected one of {' '.join(WRITABLE)}")
    elif not output.parent.is_dir():
        raise FileNotFoundError(f"{output}: cannot be written, there is no folder {output.parent}")
    else:
        targets = [output]
    for folder in {target.parent for target in targets}:
        check_folder(folder)
    there = [target for target in targets if target.exists()]
    read = {identity(path) for path, _ in pictures} if there else set()
    for target in there:
        if identity(target) in read:
            raise ValueError(f"{target}: the picture itself, expected another name for the annotated one")
        if not target.is_file():
            raise ValueError(f"{target}: not a regular file, expected one or a new name")
        if not os.access(target, os.W_OK):
            raise PermissionError(f"{target}: write-protected, expected another name for the annotated picture")
    return targets


def identity(path: Path) -> tuple[int, int]:
    """Tell a file from all others, whatever its name: a link is the file that it leads to."""
    file = path.stat()
    return file.st_dev, file.st_ino


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written, or made."""
    if folder.is_symlink() and not folder.exists():
        raise NotADirectoryError(f"{folder}: a link that leads nowhere, expected a folder")
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        what = "a file" if there == folder else f"{there} is a file"
        raise NotADirectoryError(f"{folder}: {what}, expected a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder}: cannot be written, {there} is closed to you")


def check_names(targets: Sequence[Path], pictures: Sequence[Picture]) -> None:
    """Refuse one name for what comes of two pictures."""
    owners: dict[Path, Path] = {}
    for target, (path, _) in zip(targets, pictures):
        if owners.setdefault(target, path) != path:
            raise ValueError(f"{target}: the name for both {owners[target]} and {path}, give one another folder")


def plan_steps(folder: Path, pictures: Sequence[Picture], targets: Sequence[Path]) -> list[Path]:
    """Name the folder for the steps of each picture: `folder` itself, or one in it for each of several.

    Raises
    ------
    OSError, ValueError
        If one cannot be a folder; if a picture, read or annotated, has the name of a step in it; or if it holds some of
        STEPS but not all, which no earlier run leaves.
    """
    folders = [folder / name for _, name in pictures] if len(pictures) > 1 else [folder]
    check_names(folders, pictures)
    for place in folders:
        check_folder(place)
    inside = {place.resolve() for place in folders}
    for path in (*(picture.path for picture in pictures), *targets):
        if path.resolve() in inside:
            raise ValueError(f"{path}: the name for both the annotated picture and the folder of its steps")
        if path.resolve().parent in inside and path.name in STEPS:
            raise ValueError(f"{folder}: {path} is there, expected another folder for the steps")
    for place in folders:
        there = [name for name in STEPS if os.path.lexists(place / name)]
        if 0 < len(there) < len(STEPS):
            what = f"{there[0]} is there, but not all six of an earlier run"
            raise ValueError(f"{place}: {what}, expected another folder for the steps")
    return folders
