"""utils/files.py: which pictures are read, where their annotated copies go, and what is refused before any work."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from utils.files import STEPS, Picture, find_pictures, plan_output, plan_steps


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures of many formats, two of them without a name that tells."""
    image = np.full((64, 64, 3), 200, np.uint8)
    for name in "a.png", "b.webp", "c.ppm", "deeper/d.jp2", "e.gif", "read/f.png":
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(path), image)
    os.rename(tmp_path / "a.png", tmp_path / "a")
    (tmp_path / "notes.txt").write_text("seven")
    (tmp_path / "g.heic").write_bytes(bytes(100))
    (tmp_path / ".hidden.png").write_bytes(bytes(100))
    (tmp_path / "h_recognized.png").write_bytes(bytes(100))
    (tmp_path / "deeper" / "1_ink.jpg").write_bytes(bytes(100))
    os.mkfifo(tmp_path / "pipe.png")
    return tmp_path


def test_all_pictures_in_a_folder_are_found_and_what_is_left_out_is_said(folder):
    pictures, faults = find_pictures([folder], [folder / "read"])
    assert [str(name) for _, name in pictures] == ["a", "b.webp", "c.ppm", "e.gif", "g.heic", "deeper/d.jp2"]
    assert all(path == folder / name for path, name in pictures)
    assert faults == [
        f"skipped in {folder}, not a picture: {folder}/notes.txt",
        f"skipped in {folder}, made by an earlier run: 2",
    ]


def test_what_is_left_out_is_no_error_even_in_a_folder_of_errors(folder, monkeypatch):
    (folder / "errors").mkdir()
    os.rename(folder / "b.webp", folder / "errors" / "b.webp")
    os.rename(folder / "notes.txt", folder / "errors" / "notes.txt")
    monkeypatch.chdir(folder)
    _, faults = find_pictures([Path("errors")])
    assert faults == ["skipped in errors, not a picture: errors/notes.txt"]


def test_a_name_that_is_no_text_does_not_crash_opencv(tmp_path):
    (tmp_path / os.fsdecode(b"q\xff.txt")).write_text("seven")
    (tmp_path / os.fsdecode(b"q\xff.png")).write_bytes(bytes(100))
    pictures, faults = find_pictures([tmp_path])
    assert [os.fsencode(name) for _, name in pictures] == [b"q\xff.png"] and "not a picture" in faults[0]


def test_a_path_that_cannot_be_looked_at_does_not_stop_the_others(folder):
    pictures, faults = find_pictures([Path("a" * 300), folder / "b.webp"])
    assert [path for path, _ in pictures] == [folder / "b.webp"] and "no such file" in faults[0]


def test_a_link_that_leads_nowhere_is_no_folder(folder):
    (folder / "loop").symlink_to("loop")
    pictures = [Picture(folder / "b.webp", Path("b.webp"))]
    for plan in lambda: plan_output(folder / "loop", pictures), lambda: plan_steps(folder / "loop", pictures, []):
        with pytest.raises(NotADirectoryError, match="a link that leads nowhere"):
            plan()


def test_a_file_that_is_named_is_taken_as_it_is(folder):
    found, faults = find_pictures([folder / "h_recognized.png", folder / "notes.txt"])
    assert [str(name) for _, name in found] == ["h_recognized.png", "notes.txt"] and faults == []


@pytest.mark.parametrize("name, found", [("none.png", "no such file"), ("pipe.png", "not a regular file")])
def test_what_is_no_file_is_named(folder, name, found):
    assert find_pictures([folder / name]) == ([], [f"error: {folder}/{name}: {found}, expected a picture"])


def test_a_file_in_a_closed_folder_is_not_called_missing(folder, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", closed)
    told = f"error: {folder}/a.png: in a folder that is closed to you, expected a picture"
    assert find_pictures([folder / "a.png"]) == ([], [told])


def test_a_folder_that_cannot_be_searched_is_named(folder, monkeypatch):
    scandir = os.scandir

    def closed(path):
        if str(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    pictures, faults = find_pictures([folder])
    assert f"error: {folder}/deeper: cannot be searched (Permission denied)" in faults
    assert len(pictures) == 6


def test_names_of_annotated_pictures(tmp_path):
    one, two = (
        Picture(tmp_path / name, tmp_path.joinpath(name).relative_to(tmp_path)) for name in ("a.gif", "x/b.JPG")
    )
    assert plan_output(tmp_path / "read.png", [one]) == [tmp_path / "read.png"]
    assert plan_output(tmp_path / "read", [one]) == [tmp_path / "read" / "a_recognized.png"]
    assert plan_output(tmp_path, [one, two]) == [tmp_path / "a_recognized.png", tmp_path / "x" / "b_recognized.JPG"]


@pytest.mark.parametrize("name", ["out.png", "OUT.PNG", "out.jpeg"])
def test_a_file_for_several_pictures_is_refused(tmp_path, name):
    both = [Picture(tmp_path / name, tmp_path / name) for name in ("a.png", "b.png")]
    with pytest.raises(NotADirectoryError, match="a file for 2 pictures, expected a folder"):
        plan_output(tmp_path / name, both)


@pytest.mark.parametrize("name", [".png", ".JPG", ".gif"])
def test_a_suffix_alone_names_no_file_and_no_folder_but_a_hidden_folder_may_be_meant(tmp_path, name):
    one = Picture(tmp_path / "a.png", (tmp_path / "a.png").relative_to(tmp_path))
    with pytest.raises(ValueError, match=f"{name}: a suffix alone, expected a name before it"):
        plan_output(tmp_path / name, [one])
    assert plan_output(tmp_path / ".read", [one]) == [tmp_path / ".read" / "a_recognized.png"]
    (tmp_path / name).mkdir()
    assert plan_output(tmp_path / name, [one]) == [tmp_path / name / "a_recognized.png"]


def test_a_file_in_the_place_of_any_folder_is_refused(tmp_path):
    (tmp_path / "x").touch()
    with pytest.raises(NotADirectoryError, match="x: a file, expected a folder"):
        plan_output(tmp_path, [Picture(Path(name), Path(name)) for name in ("a.png", "x/b.png")])


def test_a_write_protected_file_is_refused(tmp_path, monkeypatch):
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "a.png").touch()
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "mine.png")  # who runs this may write all
    with pytest.raises(PermissionError, match="mine.png: write-protected, expected another name"):
        plan_output(tmp_path / "mine.png", [Picture(tmp_path / "a.png", Path("a.png"))])


def test_equal_names_are_refused_for_annotated_pictures_and_for_steps(tmp_path):
    twins = [Picture(tmp_path / place / "a.png", (tmp_path / "a.png").relative_to(tmp_path)) for place in ("x", "y")]
    for plan, name, *more in (plan_output, "a_recognized.png"), (plan_steps, "a.png", []):
        with pytest.raises(
            ValueError, match=f"{name}: the name for both .*x/a.png and .*y/a.png, give one another folder"
        ):
            plan(tmp_path, twins, *more)


def test_steps_of_one_picture_go_into_the_folder_itself_of_several_into_one_each(tmp_path):
    one, two = (Picture(tmp_path / name, (tmp_path / name).relative_to(tmp_path)) for name in ("a.png", "b.png"))
    assert plan_steps(tmp_path / "s", [one], []) == [tmp_path / "s"]
    assert plan_steps(tmp_path / "s", [one, two], []) == [tmp_path / "s" / "a.png", tmp_path / "s" / "b.png"]


def test_steps_never_replace_a_picture_that_is_read_or_annotated(tmp_path):
    one = Picture(tmp_path / "1_ink.jpg", (tmp_path / "1_ink.jpg").relative_to(tmp_path))
    with pytest.raises(ValueError, match="1_ink.jpg is there, expected another folder for the steps"):
        plan_steps(tmp_path, [one], [])
    with pytest.raises(ValueError, match="5_lines.jpg is there"):
        plan_steps(tmp_path / "s", [one], [tmp_path / "s" / "5_lines.jpg"])
    with pytest.raises(ValueError, match="s: the name for both the annotated picture and the folder of its steps"):
        plan_steps(tmp_path / "s", [one], [tmp_path / "s"])
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file: a file, expected a folder"):
        plan_steps(tmp_path / "file", [one], [])


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_an_annotated_picture_never_replaces_the_picture_under_another_name(folder, link):
    link(folder / "e.gif", folder / "other.png")
    with pytest.raises(ValueError, match="other.png: the picture itself, expected another name"):
        plan_output(folder / "other.png", [Picture(folder / "e.gif", folder / "e.gif")])


def test_an_annotated_picture_never_replaces_a_pipe(folder):
    one = Picture(folder / "a", (folder / "a").relative_to(folder))
    with pytest.raises(ValueError, match="pipe.png: not a regular file"):
        plan_output(folder / "pipe.png", [one])


@pytest.mark.parametrize("there", [["1_ink.jpg"], ["4_pieces.jpg", "6_crops.png", "notes.txt"], STEPS[:5]])
def test_steps_never_replace_a_picture_that_no_earlier_run_made(tmp_path, there):
    """A run makes all six."""
    one = Picture(tmp_path / "a.png", (tmp_path / "a.png").relative_to(tmp_path))
    for name in there:
        (tmp_path / name).write_text("the user's")
    with pytest.raises(ValueError, match=rf"{there[0]} is there, but not all six of an earlier run, expected another"):
        plan_steps(tmp_path, [one], [])
    assert plan_steps(tmp_path / "new", [one], []) == [tmp_path / "new"]


@pytest.mark.parametrize("there", [[], ["notes.txt", "ink.jpg"], [*STEPS, "notes.txt"]])
def test_steps_replace_those_of_an_earlier_run(tmp_path, there):
    one = Picture(tmp_path / "a.png", (tmp_path / "a.png").relative_to(tmp_path))
    for name in there:
        (tmp_path / name).touch()
    assert plan_steps(tmp_path, [one], []) == [tmp_path]
