"""utils/pool.py: several processes give what one gives, and end with it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from utils.pool import map_in_processes


def test_results_come_in_the_order_of_the_items():
    assert list(map_in_processes(abs, range(-30, 0), os.getpid)) == list(range(30, 0, -1))


def test_an_error_in_one_process_is_raised_in_its_turn():
    results = map_in_processes(os.path.getsize, [__file__, "/none"], os.getpid)
    assert next(results) == os.path.getsize(__file__)
    with pytest.raises(FileNotFoundError):
        next(results)


def test_a_process_that_is_killed_is_one_line():
    with pytest.raises(OSError, match="was killed"):
        list(map_in_processes(os._exit, [9], os.getpid))


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_processes_end_with_the_script(number, code):
    script = (
        "import os, sys, time; sys.path.insert(0, '.'); from utils import run; from utils.pool import map_in_processes;"
        "sys.exit(run(lambda: print(*map_in_processes(time.sleep, [0.5] * 100, os.getpid))))"
    )
    script = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True)
    time.sleep(2)
    os.kill(script.pid, number)
    assert script.wait(timeout=20) == code
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(script.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("processes of a script that has ended are still there")
    assert b"Traceback" not in script.stderr.read()
