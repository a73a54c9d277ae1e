"""recognize.py: what read_digits promises, and the command line as a user meets it."""

import io
import json
import os
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
from conftest import ROOT, run
from PIL import Image, ImageDraw, ImageFont

import utils
from recognize import read_digits, remark
from tests.compose import compose_sample
from tests.score_pages import align
from utils.classifier import load_classifier
from utils.page import Hypothesis, Page
from utils.segment import Piece

MODELS = [ROOT / "output" / name for name in ("mnist_cnn.tflite", "mnist.tflite", "mnist_cnn.keras", "mnist.keras")]
MODEL = MODELS[0]
NO_SCREEN = {name: value for name, value in os.environ.items() if name != "DISPLAY"}

pytestmark = pytest.mark.skipif(
    not MODEL.exists(), reason=f"{MODEL.name} is not there yet: train_keras_cnn.py makes it"
)


@pytest.fixture(scope="module")
def sample(mnist):
    return compose_sample(*mnist[1])


@pytest.fixture(scope="module")
def path(sample, tmp_path_factory):
    """The sample picture as a file, small enough to be quick."""
    path = tmp_path_factory.mktemp("sample") / "sample.png"
    cv2.imwrite(str(path), cv2.resize(sample.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return path


@pytest.fixture(scope="module")
def printed(path):
    """What is printed for the sample picture."""
    result = recognize(path, "--no-show")
    assert result.returncode == 0 and result.stderr == ""
    return result.stdout


def recognize(*options, model=MODEL, **how):
    return run("recognize.py", "-m", model, "-i", *options, env=NO_SCREEN, **how)


def values(lines):
    return ["".join(str(digit.value) for digit in line) for line in lines]


# read_digits


@pytest.mark.parametrize("grey", [False, True])
def test_lines_of_digits_with_boxes_in_the_picture(sample, grey):
    image = cv2.cvtColor(sample.image, cv2.COLOR_BGR2GRAY) if grey else sample.image
    before = image.copy()
    lines = read_digits(image, load_classifier(MODEL))
    assert (image == before).all()
    assert len(lines) == len(sample.lines)
    assert align("".join(sample.lines), "".join(values(lines)))[0] <= 2
    for line in lines:
        assert [d.box[0] for d in line] == sorted(d.box[0] for d in line)
    digits = [d for line in lines for d in line]
    assert all(type(number) is int for d in digits for number in (d.value, *d.box))
    assert all(type(d.confidence) is float and 0 < d.confidence <= 1 for d in digits)
    if len(digits) == len(sample.boxes):
        distance = np.abs(np.array([d.box for d in digits]) - sample.boxes)
        assert np.percentile(distance, 90) <= 6 and distance.max() <= 20


def test_boxes_are_in_pixels_of_the_picture_whatever_its_size(sample):
    classifier = load_classifier(MODEL)
    large = cv2.resize(sample.image, None, fx=2.5, fy=2.5)
    one, other = (read_digits(image, classifier) for image in (sample.image, large))
    assert align("".join(values(one)), "".join(values(other)))[0] <= 2
    edges = [
        (min(d.box[0] for line in lines for d in line), max(d.box[1] + d.box[3] for line in lines for d in line))
        for lines in (one, other)
    ]
    np.testing.assert_allclose(edges[1], 2.5 * np.array(edges[0]), atol=12)


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (60, 40), (300, 400, 3), (1, 20_000), (20_000, 1)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_read_in_a_picture_of_one_colour(shape, level):
    assert read_digits(np.full(shape, level, np.uint8), load_classifier(MODEL)) == []


@pytest.mark.parametrize(
    "image",
    [np.zeros((9, 9)), np.zeros((9, 9, 4), np.uint8), np.zeros(9, np.uint8), np.zeros((0, 9), np.uint8)],
)
def test_an_array_that_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match=r"the picture is .*, expected uint8 \(H, W\) or \(H, W, 3\)"):
        read_digits(image, load_classifier(MODEL))


def test_a_picture_that_opencv_could_not_read_is_named():
    with pytest.raises(ValueError, match="the picture is None, which is what cv2.imread returns"):
        read_digits(cv2.imread("none.png"), load_classifier(MODEL))
    with pytest.raises(ValueError, match="the picture is a str, expected what cv2.imread returns"):
        read_digits("none.png", load_classifier(MODEL))


# the command line


@pytest.mark.parametrize("model", MODELS[1:], ids=lambda model: model.name)
def test_every_model_reads_the_sample(sample, path, model):
    if not model.exists():
        pytest.skip(f"{model.name} is not there yet")
    result = recognize(path, "--no-show", model=model)
    assert result.returncode == 0 and result.stderr == ""
    assert align("".join(sample.lines), result.stdout.replace("\n", ""))[0] <= 4


def test_digits_line_by_line(sample, printed):
    assert printed.endswith("\n") and len(printed.splitlines()) == len(sample.lines)
    assert align("".join(sample.lines), printed.replace("\n", ""))[0] <= 3


def test_tensorflow_is_not_imported_for_a_tflite(path, tmp_path):
    code = "import sys, recognize; code = recognize.main(); print(*sys.modules, file=sys.stderr); sys.exit(code)"
    result = run("-c", code, "-i", path, "-m", MODEL, "-o", tmp_path / "o.png", "--debug", tmp_path, env=NO_SCREEN)
    assert result.returncode == 0
    assert not {"tensorflow", "keras", "matplotlib", "imutils"} & set(result.stderr.split())


def test_help_and_a_mistyped_path_import_nothing_large():
    for options, code in (("--help",), 0), (("-i", "none.jpg", "-m", "none.tflite"), 1):
        result = run("-X", "importtime", "recognize.py", *options)
        modules = {
            line.split("|")[-1].strip() for line in result.stderr.splitlines() if line.startswith("import time:")
        }
        assert result.returncode == code and "argparse" in modules and not {"numpy", "cv2", "imutils"} & modules


def test_json(path, printed):
    result = recognize(path, "--json", "--no-show")
    assert result.returncode == 0 and result.stderr == ""
    (record,) = json.loads(result.stdout)
    height, width = cv2.imread(str(path)).shape[:2]
    assert (record["path"], record["width"], record["height"]) == (str(path), width, height)
    read = [" ".join("".join(str(d["value"]) for d in number) for number in line) for line in record["lines"]]
    assert read == printed.splitlines()
    for d in (d for line in record["lines"] for number in line for d in number):
        x, y, w, h = d["box"]
        assert 0 <= x < x + w <= width and 0 <= y < y + h <= height and 0 < d["confidence"] <= 1


def test_an_option_may_be_given_for_each_picture(path, printed, tmp_path):
    twin = shutil.copy(path, tmp_path / "twin.png")
    result = run("recognize.py", "-i", path, "-i", twin, "-m", MODEL, "--no-show")
    assert result.stdout == "".join(f"{name}\t{line}\n" for name in (path, twin) for line in printed.splitlines())


def test_several_pictures_and_a_bad_one(path, printed, tmp_path):
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    shutil.copy(path, folder / "a.png")
    shutil.copy(path, folder / "deeper" / "a.png")
    (folder / "b.jpg").write_text("seven")
    (folder / "notes.txt").write_text("no picture")
    cv2.imwrite(str(folder / "c.png"), np.full((50, 50), 255, np.uint8))
    result = recognize(folder, tmp_path / "none.png", "-o", tmp_path / "read", "--debug", tmp_path / "steps")
    assert result.returncode == 1
    assert result.stdout == "".join(
        f"{name}\t{line}\n" for name in (folder / "a.png", folder / "deeper" / "a.png") for line in printed.splitlines()
    )
    assert result.stderr.splitlines() == [
        f"recognize.py: skipped in {folder}, not a picture: {folder}/notes.txt",
        f"recognize.py: error: {tmp_path}/none.png: no such file, expected a picture",
        f"recognize.py: error: {folder}/b.jpg: not a picture that OpenCV reads, or not a whole one",
        f"recognize.py: {folder}/c.png: no digits found",
    ]
    written = sorted(str(file.relative_to(tmp_path / "read")) for file in (tmp_path / "read").rglob("*.*"))
    assert written == ["a_recognized.png", "c_recognized.png", "deeper/a_recognized.png"]
    assert len(list((tmp_path / "steps" / "deeper" / "a.png").iterdir())) == 6
    records = json.loads(recognize(folder, "--json", "--no-show").stdout)
    assert [len(record["lines"]) > 0 for record in records] == [True, False, True]


def test_pictures_of_every_form_read_alike(path, printed, tmp_path):
    upright = Image.open(path)
    exif = Image.Exif()
    exif[0x112] = 6
    upright.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif, quality=98)
    upright.convert("L").save(tmp_path / "grey.png")
    upright.quantize(64).save(tmp_path / "palette.png")
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 257)
    ink = np.zeros((*grey.shape, 4), np.uint8)
    ink[..., 3] = np.clip(2.0 * (cv2.GaussianBlur(grey, (0, 0), 40).astype(float) - grey), 0, 255)
    cv2.imwrite(str(tmp_path / "clear.png"), ink)
    result = recognize(tmp_path, "--json", "--no-show")
    assert result.returncode == 0 and result.stderr == ""
    records = json.loads(result.stdout)
    assert len(records) == 5
    for record in records:
        read = "".join(str(d["value"]) for line in record["lines"] for number in line for d in number)
        assert (record["width"], record["height"]) == upright.size
        assert align(printed.replace("\n", ""), read)[0] <= 2, record["path"]


def test_the_annotated_picture(path, tmp_path):
    result = recognize(path, "-o", tmp_path / "read.jpg")
    assert result.returncode == 0 and result.stderr == ""
    drawn, image = cv2.imread(str(tmp_path / "read.jpg")), cv2.imread(str(path))
    assert drawn.shape == image.shape and np.abs(drawn.astype(int) - image).max() > 100
    assert os.listdir(tmp_path) == ["read.jpg"]


def test_a_picture_of_28_pixels_is_annotated_enlarged_and_its_boxes_are_in_its_own_pixels(mnist, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), mnist[1][0][0].reshape(28, 28))
    (record,) = json.loads(recognize(tmp_path / "a.png", "-o", tmp_path / "read.png", "--json").stdout)
    assert (record["width"], record["height"]) == (28, 28) and max(record["lines"][0][0][0]["box"]) < 28
    drawn = cv2.imread(str(tmp_path / "read.png"))
    assert drawn.shape == (224, 224, 3)
    assert all((drawn == colour).all(axis=2).sum() > 50 for colour in ((0, 0, 255), (0, 255, 0)))


def test_a_folder_that_is_there_takes_a_single_picture(path, tmp_path):
    assert recognize(path, "-o", tmp_path).returncode == 0
    assert os.listdir(tmp_path) == ["sample_recognized.png"]


def page_of(answers):
    """A page with a line of digits, each as the network answered: value and confidence."""
    paper = np.zeros((9, 9), np.uint8)
    digits = [Piece((0, 0, 9, 9), paper, 1.0, answer=np.eye(10)[value] * sure) for value, sure in answers]
    return Page(Hypothesis(False, 240), (9, 9), 1.0, paper, paper, paper, lines=[digits])


@pytest.mark.parametrize(
    "sure, said", [([0.99, 0.95, 0.5], ""), ([0.99, 0.6, 0.5], "doubtful, the network is sure of 1 of 3 digits")]
)
def test_a_reading_that_is_mostly_doubtful_is_named_so(sure, said):
    assert remark(page_of([(4, one) for one in sure])) == said


@pytest.mark.parametrize(
    "ones, sevens, said",
    [(29, 0, ""), (27, 3, "doubtful, 27 of 30 digits are 1s, as in a pattern"), (26, 4, "")],
)
def test_many_digits_that_are_all_but_the_same_are_named_a_pattern(ones, sevens, said):
    assert remark(page_of([(1, 0.99)] * ones + [(7, 0.99)] * sevens)) == said


def test_nothing_found_is_no_error(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((200, 300), 230, np.uint8))
    result = recognize(tmp_path / "blank.png", "-o", tmp_path / "o.png")
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"recognize.py: {tmp_path}/blank.png: no digits found\n"
    assert (tmp_path / "o.png").exists()


@pytest.mark.parametrize(
    "output, message",
    [
        ("read.txt", "suffix .txt, expected one of .png .jpg"),
        ("none/read.png", "cannot be written, there is no folder"),
        ("sample.png/read", "{folder}/sample.png is a file, expected a folder"),
        ("sample.png", "the picture itself, expected another name"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_any_work(path, tmp_path, output, message):
    photo = shutil.copy(path, tmp_path / "sample.png")
    before = path.read_bytes()
    result = recognize(photo, "-o", tmp_path / output)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"recognize.py: error: {tmp_path / output}: {message.format(folder=tmp_path)}")
    assert result.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["sample.png"] and (tmp_path / "sample.png").read_bytes() == before


def test_one_file_for_several_pictures_is_refused(path, tmp_path):
    other = shutil.copy(path, tmp_path / "other.png")
    for output in tmp_path / "read.png", path:
        result = recognize(path, path, other, "-o", output)  # a picture that is given twice is read once
        assert result.returncode == 1
        assert result.stderr == f"recognize.py: error: {output}: a file for 2 pictures, expected a folder\n"


def test_the_same_command_again_reads_the_same_pictures(path, printed, tmp_path):
    photo = shutil.copy(path, tmp_path / "a.png")
    for folder in tmp_path, tmp_path / "read":
        options = tmp_path, "-o", folder, "--debug", tmp_path / "steps"
        first, second = recognize(*options), recognize(*options)
        assert first.returncode == second.returncode == 0
        assert first.stdout == second.stdout == printed
    assert ", made by an earlier run: 1" in second.stderr
    assert (tmp_path / "read" / "a_recognized.png").exists() and open(photo, "rb").read() == path.read_bytes()


def test_an_annotated_picture_never_replaces_one_that_is_read(path, tmp_path):
    photo = shutil.copy(path, tmp_path / "a_recognized.png")
    other = shutil.copy(path, tmp_path / "a.png")
    result = recognize(other, photo, "-o", tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith(f"recognize.py: error: {tmp_path}/a_recognized.png: the picture itself")
    assert (tmp_path / "a_recognized.png").read_bytes() == path.read_bytes()


def test_numbers_are_kept_apart(mnist, tmp_path):
    images, labels = mnist[1]
    digit = {value: images[labels == value][2].reshape(28, 28) for value in range(10)}
    strip = np.hstack([np.pad(digit[int(c)], 4) if c != " " else np.zeros((36, 40), np.uint8) for c in "23 45 678"])
    page = 255 - np.pad(strip, 20)
    cv2.imwrite(str(tmp_path / "a.png"), cv2.resize(page, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    assert recognize(tmp_path / "a.png", "--no-show").stdout == "23 45 678\n"
    (record,) = json.loads(recognize(tmp_path / "a.png", "--no-show", "--json").stdout)
    assert [[[d["value"] for d in number] for number in line] for line in record["lines"]] == [
        [[2, 3], [4, 5], [6, 7, 8]]
    ]


def test_a_page_of_text_is_named(tmp_path):
    page = Image.new("L", (1200, 900), 255)
    font = matplotlib_font(28)
    for row in range(12):
        ImageDraw.Draw(page).text((60, 60 + 60 * row), "every letter of a word is passed over in silence", 0, font)
    page.save(tmp_path / "a.png")
    result = recognize(tmp_path / "a.png", "--no-show")
    assert "most of it seems to be text or a pattern, not digits" in result.stderr
    assert len(result.stdout.replace("\n", "")) <= 5


def matplotlib_font(size):
    from matplotlib import get_data_path

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/cmr10.ttf", size)


def test_a_file_name_with_a_line_break_stays_in_its_line(path, printed, tmp_path):
    for name in "odd\nname.png", "b.png":
        shutil.copy(path, tmp_path / name)
    result = recognize(tmp_path, "--no-show")
    assert result.returncode == 0 and result.stdout.count("\n") == 2 * printed.count("\n")
    assert "/odd\\nname.png\t" in result.stdout


def test_control_characters_in_a_file_name_do_not_reach_the_terminal(path, tmp_path):
    shutil.copy(path, tmp_path / "red\x1b[31m.png")
    (tmp_path / "none\x1b[31m.png").touch()
    result = recognize(tmp_path, "--no-show")
    assert "/red\\x1b[31m.png\t" in result.stdout and "/none\\x1b[31m.png: an empty file" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr


def test_a_file_name_that_the_console_lacks_letters_for(path, printed, tmp_path):
    for name in "数字.png", "b.png":
        shutil.copy(path, tmp_path / name)
    command = [sys.executable, ROOT / "recognize.py", "-m", MODEL, "-i", tmp_path, "--no-show"]
    environment = NO_SCREEN | {"PYTHONIOENCODING": "cp1252"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == 2 * printed.count("\n") and "\\u6570\\u5b57.png\t" in result.stdout


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="only Linux has a folder in which nothing can be made")
def test_what_the_system_itself_refuses_is_named_first(path):
    result = recognize(path, "--no-show", "--debug", "/proc/none")
    assert (result.returncode, result.stderr) == (1, "recognize.py: error: /proc/none: No such file or directory\n")


def test_a_picture_for_which_there_is_no_memory_does_not_stop_the_others(path, printed, tmp_path):
    for name in "a.png", "b.png":
        shutil.copy(path, tmp_path / name)
    code = """if True:
        import sys, recognize, utils.reader
        read, seen = utils.reader.read_page, []
        def read_but_the_first(image, classifier):
            seen.append(image)
            if len(seen) == 1:
                raise MemoryError("Unable to allocate 9 GiB")
            return read(image, classifier)
        utils.reader.read_page = read_but_the_first
        sys.exit(utils.run(recognize.main))"""
    result = run("-c", code, "-m", MODEL, "--no-show", "-i", tmp_path)
    assert result.returncode == 1 and result.stderr.count("\n") == 1
    assert f"error: {tmp_path}/a.png: too large for this computer's memory" in result.stderr
    assert result.stdout == "".join(f"{tmp_path}/b.png\t{line}\n" for line in printed.splitlines())


def test_standard_output_that_is_closed(path):
    command = f"{sys.executable} recognize.py -m {MODEL} -i {path} --no-show >&-"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (1, "error: standard output is closed\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_standard_output_that_is_full_is_named_once_whatever_the_number_of_pictures(path, tmp_path, options):
    for name in "a.png", "b.png":
        shutil.copy(path, tmp_path / name)
    command = [sys.executable, "recognize.py", "-m", MODEL, "-i", tmp_path, "--no-show", *options]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr == "recognize.py: error: standard output: No space left on device\n"


def test_a_reader_that_has_seen_enough_ends_the_script_quietly(path):
    command = f"{sys.executable} recognize.py -m {MODEL} -i {path} --no-show | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (1, "")


def test_ctrl_c_among_the_imports_ends_in_one_line():
    code = "import sys; sys.argv = ['recognize.py']; import utils; raise KeyboardInterrupt"
    result = run("-c", code)
    assert result.returncode != 0 and result.stderr == "recognize.py: stopped\n"


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_a_second_signal_does_not_interrupt_the_end(second):
    code = "import signal, sys, utils; signal.signal(signal.SIGINT, signal.default_int_handler); "  # not as inherited
    code += "code = utils.run(lambda: signal.raise_signal(signal.SIGINT)); "
    result = run("-c", f"{code} signal.raise_signal(signal.{second}); sys.exit(code)")
    assert (result.returncode, result.stderr) == (130, "-c: stopped\n")


@pytest.mark.parametrize("terminal", [True, False])
def test_long_work_shows_a_sign_of_life_on_a_terminal(monkeypatch, terminal):
    shown = io.StringIO()
    shown.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(utils, "PATIENCE", 0.01)
    with utils.sign_of_life("picture 1 of 2, a.png"):
        time.sleep(0.2)
    assert shown.getvalue() == ("\r\033[Kpicture 1 of 2, a.png: 0 s\r\033[K" if terminal else "")


def test_two_pictures_of_one_name_are_refused(path, tmp_path):
    twin = shutil.copy(path, tmp_path / "sample.png")
    result = recognize(path, twin, "-o", tmp_path)
    assert result.returncode == 1 and "sample_recognized.png: the name for both" in result.stderr


def test_a_folder_without_pictures(tmp_path):
    assert recognize(tmp_path, "--no-show", "--json").stdout == "[]\n"
    result = recognize(tmp_path, "--no-show")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"recognize.py: error: {tmp_path}: a folder without pictures, expected some\n"


def test_a_missing_model(path):
    result = recognize(path, "--no-show", model="none.tflite")
    assert result.returncode == 1
    assert result.stderr == "recognize.py: error: none.tflite: no such file, expected a trained model\n"


def test_options_that_are_wrong():
    result = run("recognize.py", "-i", "a.png")
    assert result.returncode == 2 and "-m/--model" in result.stderr


def test_without_a_screen_the_picture_goes_to_a_file(path, printed, tmp_path):
    script = [sys.executable, ROOT / "recognize.py", "-i", path, "-m", MODEL]
    for environment in NO_SCREEN, NO_SCREEN | {"DISPLAY": ":no-such-screen"}:
        result = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stdout) == (0, printed)
        assert result.stderr == "recognize.py: there is no screen, the annotated picture goes to output/\n"
        assert os.listdir(tmp_path / "output") == ["sample_recognized.png"]


@pytest.fixture
def screen():
    """The name of a virtual screen."""
    for tool in "Xvfb", "xwininfo", "xdotool":
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-noreset", "-displayfd", str(write)]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


def test_windows_until_a_key_is_pressed(path, printed, screen, tmp_path):
    environment = NO_SCREEN | {"DISPLAY": screen}
    script = [sys.executable, ROOT / "recognize.py", "-i", path, "-m", MODEL]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    reader = subprocess.Popen(script, cwd=tmp_path, env=environment, **pipes)
    wanted, listed, end = {"Original", "Thresh", "Recognized"}, "", time.monotonic() + 30
    while not all(f'"{name}"' in listed for name in wanted) and time.monotonic() < end:
        time.sleep(0.2)
        listed = subprocess.run(["xwininfo", "-root", "-tree"], env=environment, capture_output=True, text=True).stdout
    time.sleep(0.3)
    assert reader.poll() is None, reader.communicate()
    key = ["xdotool", "search", "--name", "^Recognized$", "key", "q"]
    subprocess.run(key, env=environment, capture_output=True, timeout=20)
    assert reader.communicate(timeout=20) == (printed, "")
    assert reader.returncode == 0
