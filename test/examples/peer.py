# SPDX-License-Identifier: BSL-1.0
"""Other people's programs that a test talks to: where they are, and how they are started and ended."""
import contextlib
import os
import shutil
import socket
import subprocess
import time

from example import PATIENCE


def program(name):
    """Its path, also if only root has its folder in the path; None if it is not there."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def accepts(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@contextlib.contextmanager
def running(port, *command, answers=accepts):
    """A program that runs until the block ends. The block begins when it answers at the port."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} does not answer at port {port}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)
