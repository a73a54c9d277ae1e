"""Both README.md: their commands run, print and draw what they say, and the files that they name are there."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, run

CI = os.environ.get("CI") == "true"
README = "".join((ROOT / folder / "README.md").read_text() for folder in (".", "tests"))
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
INSTALL, TESTS = (
    next(c for c in COMMANDS if c.startswith("python3 -m venv") and word in c) for word in ("-i", "pytest")
)
SHORTER = {  # what makes a long command quick
    "train_keras.py": "--limit 300 --epochs 1 --output {folder}/mnist.keras",
    "train_keras_cnn.py": "--limit 300 --epochs 1 --output {folder}/mnist_cnn.keras",
    "tests.score_pages": "--pages 1 --condition clean",
    "tests.ablation": "--pages 1 --column borders --step 'dropping the desk'",
    "tests.fuzz": "--seconds 3 --processes 1",
    "tests.kill_training": "--kills 1",
}

pytestmark = pytest.mark.skipif(
    not (ROOT / "output" / "mnist_cnn.tflite").exists(), reason="output/mnist_cnn.tflite is not there yet"
)


def python_commands():
    """What follows `python` in every command but those that install, and in the one that does, its last part."""
    commands = [c.rpartition("&& ")[2] if c == INSTALL else c for c in COMMANDS if c != TESTS]
    assert all(c.startswith("python ") for c in commands)
    return [c.removeprefix("python ") for c in commands]


@pytest.fixture
def copy(tmp_path):
    """The project as a user has it, with the data, so that the commands change nothing here."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.csv", "*.checkpoint"))
    for data in (ROOT / "dataset").glob("*.csv"):
        (copy / "dataset" / data.name).symlink_to(data)
    return copy


@pytest.mark.parametrize("command", python_commands())
def test_the_command_runs(command, copy, mnist):
    words = shlex.split(command)
    if words[0].startswith("train_") and not CI:
        pytest.skip("training takes a minute; CI=true does it, and test_training.py in any case")
    script = words[1] if words[0] == "-m" else words[0]
    words += shlex.split(SHORTER.get(script, "").format(folder=copy / "output"))
    result = subprocess.run([sys.executable, *words], cwd=copy, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    for name in re.findall(r"output/[\w/.]+", command):
        assert (copy / name).exists()


def test_the_sample_is_read_as_shown():
    command = INSTALL.rpartition("&& python ")[2].replace("-o output/sample_recognized.jpg", "--no-show")
    shown = next(text for kind, text in BLOCKS if kind == "text")
    assert run(*shlex.split(command)).stdout == shown


def test_the_lines_for_python_run():
    code = next(text for kind, text in BLOCKS if kind == "python")
    result = run("-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n") == next(text for kind, text in BLOCKS if kind == "text").count("\n")


def test_files_and_pictures_that_it_names_are_there():
    named = set(re.findall(r"(?:\]\(|src=\")([\w/.]+)[)\"]", README))
    named |= set(re.findall(r"`((?:utils|output|tests|dataset)/[\w/.]*|\w+\.py)`", README))
    assert "recognize.py" in named and "output/steps/1_ink.jpg" in named
    missing = {name for name in named - {"dataset/"} if not (ROOT / name).exists()}
    assert not missing


def test_every_room_and_option_is_named():
    rooms = {f"utils/{path.name}" for path in (ROOT / "utils").glob("*.py")} - {"utils/__init__.py"}
    assert not {room for room in rooms if f"`{room}`" not in README}
    for script in "recognize.py", "train_keras_cnn.py":
        options = set(re.findall(r"--[\w-]+", run(script, "--help").stdout)) - {"--help"}
        assert not {option for option in options if f"`{option}`" not in README}


@pytest.mark.skipif(not CI, reason="installing takes minutes; CI=true does it")
def test_the_first_command_installs_and_reads(copy):
    """`.ci/run` does what the other one, which installs and tests, says."""
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    result = subprocess.run(["bash", "-c", INSTALL], cwd=copy, env=clean, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith(next(text for kind, text in BLOCKS if kind == "text"))
