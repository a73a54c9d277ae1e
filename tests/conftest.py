"""What the tests share: real digits, the trainers' quick runs, and a way to run the scripts."""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from utils import download
from utils.dataset import load_dataset
from utils.segment import Piece

ROOT = Path(__file__).parents[1]


def run(*command, **options):
    """Run Python in the repository's root as a user would."""
    command = [sys.executable, *map(str, command)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, **options)


def answer(value, confidence):
    """Ten probabilities, the others all alike."""
    probabilities = np.full(10, (1 - confidence) / 9)
    probabilities[value] = confidence
    return probabilities


def digit(x, y, w=20, h=40, value=7, confidence=0.99, stroke=4.0):
    """A block of ink that the network has seen."""
    return Piece((x, y, w, h), np.full((h, w), 255, np.uint8), stroke, answer=answer(value, confidence))


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def mnist():
    """((60000, 784), (60000,)), ((10000, 784), (10000,)) uint8."""
    os.chdir(ROOT)
    download.ensure_dataset()
    return load_dataset(download.TRAIN_CSV), load_dataset(download.TEST_CSV)


@pytest.fixture(scope="session")
def quick_runs(mnist, tmp_path_factory):
    """Both trainers, run on 500 rows: a folder with all their files, and the two runs."""
    folder = tmp_path_factory.mktemp("trained")
    scripts = {"mnist": "train_keras.py", "mnist_cnn": "train_keras_cnn.py"}

    def train(name):
        return run(scripts[name], "--limit", 500, "--epochs", 1, "--output", folder / f"{name}.keras")

    with ThreadPoolExecutor() as pool:
        return folder, dict(zip(scripts, pool.map(train, scripts)))


@pytest.fixture
def small(mnist, tmp_path, monkeypatch):
    """Options and data of a run of two epochs on 200 digits, 4 steps each, print and junk included."""
    monkeypatch.setattr(sys, "argv", ["train_keras.py"])
    options = argparse.Namespace(epochs=2, batch_size=64, seed=1, limit=200, train=download.TRAIN_CSV, resume=False)
    options.augment, options.test = True, download.TEST_CSV
    options.output = tmp_path / "mnist.keras"
    train, test = ([column[:200] for column in half] for half in mnist)
    return options, train, test
