# SPDX-License-Identifier: BSL-1.0
import signal

from example import run, same

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def refused(server):
    try:
        server.open().close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it was in the listener's queue when that went
    return False


def finishes(server):
    busy = server.open(GET)
    busy.read(b"1\n\r\n")
    server.process.send_signal(signal.SIGTERM)
    same(server.line(), "stopping")
    # The listener goes in a turn of the loop that may come after the line.
    while not refused(server):
        pass
    same(busy.rest().endswith(b"5\n\r\n5\r\ndone\n\r\n0\r\n\r\n"), True)
    same(server.line(), "stopped")
    same(server.process.wait(), 0)


def isCut(server):
    busy = server.open(GET)
    busy.read(b"1\n\r\n")
    server.process.send_signal(signal.SIGINT)
    same(server.line(), "stopping")
    server.process.send_signal(signal.SIGINT)
    same(b"done" in busy.rest(), False)
    same(server.line(), "stopped")
    same(server.process.wait(), 0)


run(finishes)
run(isCut)
