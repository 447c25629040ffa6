# SPDX-License-Identifier: BSL-1.0
import threading

from example import run, same

LARGE = bytes(range(256)) * (64 << 10)  # more than the buffers of both ends hold


def check(server):
    first, second = server.open(b"one!"), server.open(b"two!")
    same((second.read(b"!"), first.read(b"!")), (b"two!", b"one!"))
    second.close()

    # Both directions are full at times, and nothing piles up in between.
    def send():
        first.send(LARGE)
        first.finish()

    held = server.memory()
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    same(first.rest() == LARGE, True)
    sender.join()
    same(server.memory() - held < 1 << 20, True)


run(check)
