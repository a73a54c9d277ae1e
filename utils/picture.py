"""Pictures in and out: files in every form that cameras and scanners leave, whole files written, windows."""

import contextlib
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from utils import silence, whole_file
from utils.files import STEPS

LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"  # an environment variable that `utils` sets
LARGEST = 2**31 - 1  # bytes of a file: OpenCV counts them in 32 bits
HALF = 2**15 - 1  # the most in a 16-bit picture of fewer bits: cameras leave 10, 12 or 14
JPEG = b"\xff\xd8"
AVIF = re.compile(rb"^....ftypavi[fs]", re.DOTALL)
UNREAD = {  # what people send, and OpenCV does not read, by what stands in its first thousand bytes
    "HEIC, an iPhone's format,": re.compile(rb"^....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL),
    "a PDF": re.compile(rb"%PDF-"),
    "an SVG": re.compile(rb"<svg[\s>]", re.IGNORECASE),
}
SCREEN = 1200, 800  # pixels: the largest window


def read_picture(path: Path) -> np.ndarray:
    """Read a picture as a person sees it: turned as its EXIF data say, and on paper where it is transparent.

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
    cv2.error
        If there is no memory for it.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise ValueError(f"{path}: {size:,} bytes, expected a picture of at most {LARGEST:,}")
    content = np.fromfile(path, "uint8")
    start = content[:1000].tobytes()
    if not start:
        raise ValueError(f"{path}: an empty file, expected a picture")
    if AVIF.search(start):
        return read_avif(path)
    try:
        with silence():
            stored = None if start[:2] == JPEG else cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
            if stored is not None and stored.ndim == 3 and stored.shape[2] == 4:
                return laid_on_paper(stored)
            if stored is not None and not (stored.dtype == np.uint8 or fills_16_bits(stored)):
                image = to_eight_bits(stored)
                return image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
            stored = None  # two copies of a large picture need too much memory
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise
        if "MAX_IMAGE_PIXELS" not in error.err:
            raise ValueError(f"{path}: OpenCV cannot read it ({error.err.strip()})") from None
        limit = int(os.environ[LIMIT])
        raise ValueError(f"{path}: too large, expected at most {limit:,} pixels (set {LIMIT} to raise it)") from None
    if image is None:
        for name, mark in UNREAD.items():
            if mark.search(start):
                raise ValueError(f"{path}: {name} is not read, save it as PNG or JPEG")
        raise ValueError(f"{path}: not a picture that OpenCV reads, or not a whole one")
    return image


def read_avif(path: Path) -> np.ndarray:
    """Read an AVIF with Pillow, which turns it as the file itself says; OpenCV does not."""
    from PIL import Image, ImageOps

    try:
        Image.MAX_IMAGE_PIXELS = int(os.environ[LIMIT])
        with warnings.catch_warnings(action="error"), Image.open(path) as image:
            pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
    except Exception as error:  # Pillow raises whatever its decoders raise
        raise ValueError(f"{path}: not a whole AVIF ({error})") from None
    return laid_on_paper(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))


def laid_on_paper(image: np.ndarray) -> np.ndarray:
    """Lay a transparent picture (H, W, 4) of any depth on paper: (H, W, 3) uint8.

    The paper is white, but black where all that is drawn is light.
    """
    colour, alpha = to_eight_bits(image[..., :3]), np.ascontiguousarray(image[..., 3])
    if alpha.dtype != np.uint8:
        alpha = cv2.normalize(np.nan_to_num(alpha), None, 255, 0, cv2.NORM_INF, cv2.CV_8U)
    drawn = cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)[alpha > 127]
    is_light = drawn.size > 0 and np.percentile(drawn, 1) > 127  # a hundredth: compression leaves stray pixels
    opaque = cv2.merge([alpha] * 3)
    ink = cv2.multiply(colour, opaque, scale=1 / 255)
    return ink if is_light else cv2.add(ink, cv2.bitwise_not(opaque))


def to_eight_bits(image: np.ndarray) -> np.ndarray:
    """Make numbers uint8: those that fill 16 bits are divided, others stretched from the darkest to the lightest."""
    if image.dtype == np.uint8:
        return image
    if fills_16_bits(image):
        return cv2.convertScaleAbs(image, alpha=1 / 257)
    image = np.nan_to_num(image, nan=0, posinf=0, neginf=0)
    return cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)


def fills_16_bits(image: np.ndarray) -> bool:
    """Whether numbers are not only stored in 16 bits, but need them all."""
    return image.dtype == np.uint16 and image.max() > HALF


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
    with whole_file(path) as part:
        part.write_bytes(content)


def write_steps(folder: Path, drawings: Iterable[np.ndarray]) -> None:
    """Write the pictures of the steps, see `STEPS`; where there were none before, a failure leaves none."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in STEPS]
    before = paths[0].exists()
    try:
        for path, drawing in zip(paths, drawings):
            write_picture(path, drawing)
    except BaseException:
        for path in () if before else paths:
            path.unlink(missing_ok=True)
        raise


def has_screen() -> bool:
    """Whether a window can be opened; tried in a process of its own, since Qt ends the process where it cannot."""
    if sys.platform != "linux":
        return True
    window = [sys.executable, "-c", "import cv2; cv2.namedWindow('screen')"]
    return "DISPLAY" in os.environ and subprocess.run(window, capture_output=True).returncode == 0


def show(pictures: dict[str, np.ndarray]) -> None:
    """Show pictures in windows of these names until a key is pressed or all the windows are closed.

    Raises
    ------
    OSError
        If OpenCV cannot open windows.
    """
    import imutils  # here, since only windows need it

    try:
        with silence():  # Qt complains of fonts that nobody needs
            for name, image in pictures.items():
                height, width = image.shape[:2]
                scale = max(2 / min(height, width), min(SCREEN[0] / width, SCREEN[1] / height))  # 2 pixels stay
                cv2.imshow(name, imutils.resize(image, width=round(min(1.0, scale) * width)))
            visible = cv2.WND_PROP_VISIBLE
            with contextlib.suppress(cv2.error):  # Qt's answer when the last window was closed
                while cv2.waitKey(50) < 0 and any(cv2.getWindowProperty(name, visible) > 0 for name in pictures):
                    pass
            cv2.destroyAllWindows()
    except cv2.error:  # of opencv-python-headless, which another package may have brought
        raise OSError("this OpenCV opens no windows, use --output FILE or --no-show") from None
