"""Rooms of the digit recogniser; README.md says which does what."""

import contextlib
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # the .tflite export needs it
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "250000000")  # OpenCV reads it when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # not the default on all CPUs; the CNN trains a third faster


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keep what C++ code writes past Python (file descriptors 1 and 2) off the screen; exceptions still pass."""
    sys.stdout.flush()
    saved = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for descriptor, copy in zip((1, 2), saved):
            os.dup2(copy, descriptor)
            os.close(copy)
