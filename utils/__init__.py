"""What every script needs: its libraries' environment, one way to end, a sign of life, files that are always whole."""

import argparse
import contextlib
import os
import re
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

os.environ["KERAS_BACKEND"] = "tensorflow"  # the .tflite export needs it, whatever another project has set
if not re.fullmatch("[0-9]{1,18}", os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", "")):  # OpenCV does not import then
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = "250000000"  # a page of 200 megapixels is read
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # not the default on all CPUs; the CNN trains a third faster

PATIENCE = 2.0  # seconds that a user waits without a sign of life
ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(32), 127)}  # lest a file's name break a line, or a terminal


def say(message: str) -> None:
    """Tell the user something on stderr, in one line that starts with the script's name."""
    line = " ".join(message.splitlines()).translate(ESCAPES)
    print(f"{Path(sys.argv[0]).name}: {line}", file=sys.stderr, flush=True)


def reason(error: Exception, where: str | Path = "standard output") -> str:
    """Say what is wrong: where the system itself tells, the path first, as in our own messages."""
    if isinstance(error, OSError) and error.errno:
        return f"{error.filename or where}: {error.strerror}"
    return str(error)


def what_is(path: Path) -> str:
    """Say what is at a path where a regular file is expected."""
    try:
        return "a folder" if stat.S_ISDIR(os.stat(path).st_mode) else "not a regular file"
    except PermissionError:
        return "in a folder that is closed to you"
    except (OSError, ValueError):  # also of a name that is too long, or has a zero byte
        return "no such file"


def nonempty_path(text: str) -> Path:
    """Take an option's text for a path; an empty one would be the folder itself."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name, expected a path")
    return Path(text)


def run(main: Callable[[], int | None]) -> int:
    """Run a script; a user's mistake ends in one line on stderr, never in a traceback.

    Returns
    -------
    The exit code: what `main` returns, or 0; 1 after an error, 130 when stopped by Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if sys.stdout is None or sys.stderr is None:  # the next file that is opened would get its number, and its text
        if sys.stderr:
            print("error: standard output is closed", file=sys.stderr)
        return 1
    for stream in sys.stdout, sys.stderr:
        stream.reconfigure(errors="backslashreplace")  # a console may lack the letters of a file's name
    try:
        code = main() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ImportError as error:
        say(f"error: a package cannot be loaded, see requirements.txt ({error})")
        return 1
    except (OSError, ValueError) as error:
        say(f"error: {reason(error)}")
        return 1
    except KeyboardInterrupt as stop:
        for number in signal.SIGINT, signal.SIGTERM:  # a second one would interrupt Python's own end
            signal.signal(number, signal.SIG_IGN)
        say(f"stopped{stop}")
        return 130


def end_quietly(kind: type[BaseException], error: BaseException, trace) -> None:
    """End what Ctrl-C stops before `run` has begun, among the imports, as `run` would."""
    if issubclass(kind, KeyboardInterrupt):
        say("stopped")
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = end_quietly


@contextlib.contextmanager
def sign_of_life(task: str) -> Iterator[None]:
    """Show on a terminal what takes longer than PATIENCE, and for how many seconds it has."""
    done = threading.Event()

    def show() -> None:
        seconds = PATIENCE
        while not done.wait(PATIENCE if seconds == PATIENCE else 1):
            print(f"\r\033[K{task}: {seconds:.0f} s", end="", file=sys.stderr, flush=True)
            seconds += 1
        if seconds > PATIENCE:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=show, daemon=True)
    if sys.stderr.isatty():
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()


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


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Name a hidden file to write to, which takes the place of `path` when it is whole; a link stays one.

    Raises
    ------
    OSError
        In one line; the file that was there stays.
    """
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{os.getpid()}.part")  # short: the name itself may be as long as names can be
    try:
        yield part
        os.replace(part, target)
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        part.unlink(missing_ok=True)


def import_keras() -> ModuleType:
    """Import Keras without TensorFlow's start-up messages, and return it; afterwards `import keras` is quiet.

    Raises
    ------
    ValueError
        If Keras stumbles over its own settings.
    """
    try:
        with silence():
            import keras
    except (AttributeError, ValueError) as error:
        settings = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"), "keras.json")
        raise ValueError(f"{settings}: Keras cannot use its settings ({error})") from None
    keras.config.set_floatx("float32")  # whatever the settings say
    return keras
