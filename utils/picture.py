"""Pictures in and out: files in every form that cameras and scanners leave, whole files written, windows."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from utils import silence

LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"  # an environment variable; OpenCV reads it when it is imported
JPEG = b"\xff\xd8"
SCREEN = 1200, 800  # pixels: the largest window


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as a person sees it: turned as its EXIF data say, on white paper where it is transparent.

    Parameters
    ----------
    path : path of a picture; 8 or 16 bits or float, grey, colour, palette or CMYK

    Returns
    -------
    (H, W, 3) uint8, BGR

    Raises
    ------
    OSError, ValueError
        In one line: the file, what was found and what was expected.
    """
    content = np.fromfile(path, "uint8")
    if not len(content):
        raise ValueError(f"{path}: an empty file, expected a picture")
    try:
        with silence():
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
            stored = image if content[:2].tobytes() == JPEG else cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "MAX_IMAGE" not in error.err:
            raise ValueError(f"{path}: OpenCV cannot read it ({error.err.strip()})") from None
        limit = int(os.environ.get(LIMIT, 2**30))
        raise ValueError(f"{path}: too large, expected at most {limit:,} pixels (set {LIMIT} to raise it)") from None
    if stored is None:
        raise ValueError(f"{path}: not a picture that OpenCV reads, or not a whole one")
    if stored.ndim == 3 and stored.shape[2] == 4:
        return on_white(stored)
    return from_float(stored) if stored.dtype.kind == "f" else image


def on_white(image: np.ndarray) -> np.ndarray:
    """Lay a transparent picture (H, W, 4), uint8 or uint16, on white paper: (H, W, 3) uint8."""
    image = cv2.convertScaleAbs(image, alpha=1 / 257) if image.dtype == np.uint16 else image
    colour, alpha = image[..., :3].astype(np.float32), image[..., 3:].astype(np.float32) / 255
    return (colour * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def from_float(image: np.ndarray) -> np.ndarray:
    """Stretch a picture (H, W) or (H, W, 3) of real numbers from its darkest to its lightest: (H, W, 3) uint8."""
    image = np.nan_to_num(image, nan=0, posinf=0, neginf=0)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write a picture; its name appears when it is whole, and a failure leaves nothing.

    Raises
    ------
    OSError, ValueError
        If the folder cannot be written, the disk is full, or the format has no room for the picture.
    """
    with silence():
        done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise ValueError(f"{path}: {image.shape[1]} x {image.shape[0]} pixels do not fit into a {path.suffix}")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        part.unlink(missing_ok=True)


def has_screen() -> bool:
    """Whether a window can be opened; tried in a process of its own, since Qt ends the process where it cannot."""
    if sys.platform != "linux":
        return True
    window = [sys.executable, "-c", "import cv2; cv2.namedWindow('screen')"]
    nowhere = subprocess.DEVNULL
    return "DISPLAY" in os.environ and subprocess.run(window, stdout=nowhere, stderr=nowhere).returncode == 0


def show(pictures: dict[str, np.ndarray]) -> None:
    """Show pictures in windows of these names until a key is pressed or all the windows are closed."""
    with silence():  # Qt complains of fonts that nobody needs
        for name, image in pictures.items():
            scale = min(1.0, *(most / size for most, size in zip(SCREEN, image.shape[1::-1])))
            size = [max(1, round(scale * n)) for n in image.shape[1::-1]]
            cv2.imshow(name, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        while cv2.waitKey(50) < 0 and any(is_open(name) for name in pictures):
            pass
        cv2.destroyAllWindows()


def is_open(window: str) -> bool:
    try:
        return cv2.getWindowProperty(window, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:  # Qt's answer when it was the last one
        return False
