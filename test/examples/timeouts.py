# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    talks, silent = server.open(b"hello\n"), server.open()
    same(talks.read(b"\n"), b"I hear you.\n")
    for client in (silent, talks):
        same(client.rest(), b"You are very quiet. Goodbye!\n")


run(check)
