"""utils/picture.py: every form of picture arrives upright on white paper, bad ones end in one line, files are whole."""

import os
import resource

import cv2
import numpy as np
import pytest
from conftest import run
from PIL import Image, PngImagePlugin

from utils import picture
from utils.files import STEPS
from utils.picture import read_picture, write_picture, write_steps

COLOURS = np.array([[(10, 20, 30), (200, 100, 0), (0, 0, 255)], [(255, 255, 255), (0, 0, 0), (9, 8, 7)]], np.uint8)


def saved(path, image):
    assert cv2.imwrite(str(path), image)
    return path


def test_colour_and_grey(tmp_path):
    assert (read_picture(saved(tmp_path / "a.png", COLOURS)) == COLOURS).all()
    grey = read_picture(saved(tmp_path / "b.png", COLOURS[..., 0]))
    assert grey.shape == (2, 3, 3) and (grey == COLOURS[..., :1]).all()


def test_sixteen_bits(tmp_path):
    for suffix in ".png", ".tif":
        image = read_picture(saved(tmp_path / f"a{suffix}", COLOURS.astype(np.uint16) * 257))
        assert image.dtype == np.uint8 and (image == COLOURS).all()


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_fewer_bits_in_sixteen_are_stretched(tmp_path, bits):
    grey = np.uint16([[0, 2 ** (bits - 1), 2**bits - 1]])
    for suffix in ".png", ".tif":
        image = read_picture(saved(tmp_path / f"a{suffix}", grey))
        assert image.dtype == np.uint8 and image[..., 0].tolist() == [[0, 128, 255]]


def test_eight_bits_in_sixteen_are_stretched_and_so_are_transparent_ones(tmp_path):
    image = np.zeros((1, 3, 4), np.uint16)
    image[0, :, :3], image[..., 3] = [[0], [100], [200]], 1023
    for stored in image, image[..., :3], image[..., 0]:
        assert read_picture(saved(tmp_path / "a.png", stored))[0, :, 0].tolist() == [0, 128, 255]
    real = image.astype(np.float32) / 1023
    assert read_picture(saved(tmp_path / "a.tif", real))[0, :, 0].tolist() == [0, 128, 255]


def test_steps_are_written_all_or_none(tmp_path):
    drawings = [np.zeros((4, 4, 3), np.uint8)] * 5
    with pytest.raises(cv2.error):
        write_steps(tmp_path / "steps", [*drawings, None])
    assert os.listdir(tmp_path / "steps") == []
    write_steps(tmp_path / "steps", [*drawings, drawings[0]])
    with pytest.raises(cv2.error):
        write_steps(tmp_path / "steps", [*drawings, None])  # the pictures of an earlier run stay
    assert sorted(os.listdir(tmp_path / "steps")) == sorted(STEPS)


@pytest.mark.parametrize("bits", [np.uint8, np.uint16])
def test_a_png_is_turned_as_it_says(tmp_path, bits):
    stored = np.zeros((20, 30), bits)
    stored[:10, :10] = np.iinfo(bits).max
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png")[..., 0] > 0, np.rot90(stored, -1) > 0)


def test_palette(tmp_path):
    Image.fromarray(COLOURS[..., ::-1]).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png") == COLOURS).all()


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_four_printing_inks(tmp_path, suffix):
    Image.new("RGB", (16, 16), (200, 100, 0)).convert("CMYK").save(tmp_path / f"a{suffix}")
    image = read_picture(tmp_path / f"a{suffix}")
    assert image.shape == (16, 16, 3) and (abs(image.astype(int) - (0, 100, 200)) < 30).all()


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_the_first_of_several_frames(tmp_path, suffix):
    white, black = (Image.new("RGB", (16, 16), colour) for colour in ("white", "black"))
    white.save(tmp_path / f"a{suffix}", save_all=True, append_images=[black])
    assert (read_picture(tmp_path / f"a{suffix}") > 250).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_avif_is_turned_as_it_says(tmp_path, orientation):
    stored = np.zeros((32, 48), np.uint8)
    stored[:16, :16] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.avif", exif=exif)
    upright = np.rot90(stored, -1) if orientation == 6 else stored
    image = read_picture(tmp_path / "a.avif")
    assert image.shape[:2] == upright.shape and (abs(image[..., 0].astype(int) - upright) < 30).all()


def test_real_numbers_are_stretched(tmp_path):
    path = saved(tmp_path / "a.tif", np.float32([[0, 0.5, 1], [np.nan, 2, 0]]))
    assert read_picture(path)[..., 0].tolist() == [[0, 64, 128], [0, 255, 0]]


@pytest.mark.parametrize("bits", [np.uint8, np.uint16])
def test_what_is_transparent_is_white_paper_under_dark_ink(tmp_path, bits):
    top = np.iinfo(bits).max
    image = np.zeros((1, 3, 4), bits)
    image[0, :, 3] = 0, top // 5, top
    assert read_picture(saved(tmp_path / "a.png", image))[0].tolist() == [[255] * 3, [204] * 3, [0] * 3]


def test_what_is_transparent_is_black_paper_under_light_ink(tmp_path):
    image = np.full((1, 3, 4), 255, np.uint8)
    image[0, :, 3] = 0, 51, 255
    assert read_picture(saved(tmp_path / "a.png", image))[0].tolist() == [[0] * 3, [51] * 3, [255] * 3]


@pytest.mark.parametrize("orientation, turn", [(1, 0), (3, 2), (6, 1), (8, 3)])
def test_exif_rotation(tmp_path, orientation, turn):
    upright = np.zeros((32, 48), np.uint8)
    upright[:16, :16] = 255
    exif = Image.Exif()
    exif[0x112] = orientation
    Image.fromarray(np.rot90(upright, turn)).save(tmp_path / "a.jpg", exif=exif)
    image = read_picture(tmp_path / "a.jpg")
    assert image.shape == (32, 48, 3) and (abs(image[..., 0].astype(int) - upright) < 30).all()


def error_of(path, capfd):
    with pytest.raises((OSError, ValueError)) as error:
        read_picture(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")
    return str(error.value).removeprefix(f"{path}: ")


def test_what_is_no_picture_is_named(tmp_path, capfd):
    (tmp_path / "empty.png").touch()
    assert error_of(tmp_path / "empty.png", capfd) == "an empty file, expected a picture"
    (tmp_path / "text.jpg").write_text("seven")
    assert error_of(tmp_path / "text.jpg", capfd) == "not a picture that OpenCV reads, or not a whole one"


@pytest.mark.parametrize(
    "start, name",
    [
        (b"\x00\x00\x00\x18ftypheic", "HEIC, an iPhone's format,"),
        (b"%PDF-1.7", "a PDF"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'>", "an SVG"),
    ],
)
def test_a_format_that_is_not_read_is_named(tmp_path, capfd, start, name):
    (tmp_path / "a.png").write_bytes(start + bytes(3000))
    assert error_of(tmp_path / "a.png", capfd) == f"{name} is not read, save it as PNG or JPEG"


def test_a_picture_may_speak_of_other_formats(tmp_path):
    notes = PngImagePlugin.PngInfo()
    notes.add_text("source", "made from <svg > and %PDF-1.7")
    Image.fromarray(COLOURS[..., ::-1]).save(tmp_path / "a.png", pnginfo=notes)
    assert (read_picture(tmp_path / "a.png") == COLOURS).all()


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    write_picture(tmp_path / f"{'a' * 251}.png", COLOURS)
    assert (read_picture(tmp_path / f"{'a' * 251}.png") == COLOURS).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_half_a_picture_is_named(tmp_path, capfd, suffix):
    path = saved(tmp_path / f"half{suffix}", np.random.default_rng(1).integers(0, 255, (200, 200), np.uint8))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert error_of(path, capfd) == "not a picture that OpenCV reads, or not a whole one"


def test_a_header_that_claims_too_much_is_refused(tmp_path, capfd):
    path = saved(tmp_path / "vast.bmp", np.zeros((2, 2), np.uint8))
    content = bytearray(path.read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    assert error_of(path, capfd).startswith("too large, expected at most ")


def test_a_file_that_is_too_large_for_opencv_is_not_read(tmp_path):
    path = tmp_path / "large.png"
    path.touch()
    os.truncate(path, 2**31)
    with pytest.raises(ValueError, match="large.png: 2,147,483,648 bytes, expected a picture of at most 2,147,483,647"):
        read_picture(path)


def test_an_opencv_without_windows_is_named(monkeypatch):
    def no_windows(*_):
        raise cv2.error("The function is not implemented. Rebuild the library with GTK+")

    monkeypatch.setattr(picture.cv2, "imshow", no_windows)
    with pytest.raises(OSError, match="this OpenCV opens no windows, use --output FILE or --no-show"):
        picture.show({"Original": COLOURS})


def test_a_link_stays_one_and_the_picture_is_written_where_it_leads(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "link.png", tmp_path / "elsewhere" / "a.png"
    link.symlink_to(target)
    write_picture(link, COLOURS)
    assert link.is_symlink() and (cv2.imread(str(target)) == COLOURS).all() and os.listdir(target.parent) == ["a.png"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", COLOURS)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(picture.os, "replace", full)
    with pytest.raises(OSError, match=r"a\.png: cannot be written \(No space left on device\)"):
        write_picture(path, COLOURS * 0)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]


def test_a_full_disk_leaves_nothing(tmp_path):
    """The limit of a file's size stands for the disk's: the write fails in its midst."""
    code = "import numpy as np; from pathlib import Path; from utils.picture import write_picture as w; "
    code += f"w(Path({str(tmp_path / 'a.bmp')!r}), np.zeros((300, 300), np.uint8))"
    result = run("-c", code, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert "a.bmp: cannot be written (File too large)" in result.stderr and not os.listdir(tmp_path)


def test_a_picture_that_its_format_cannot_hold(tmp_path, capfd):
    with pytest.raises(ValueError, match="70000 x 1 pixels do not fit into a .jpg"):
        write_picture(tmp_path / "a.jpg", np.zeros((1, 70_000), np.uint8))
    assert not os.listdir(tmp_path)
