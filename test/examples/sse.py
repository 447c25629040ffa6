# SPDX-License-Identifier: BSL-1.0
from example import run, same

HELLO = b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n"


def listen(server):
    client = server.open(HELLO)
    head = client.read(b"\r\n\r\n")
    same(b"Content-Type: text/event-stream\r\n" in head, True)
    return client, client.read(b"welcome\n\n\r\n")


def check(server):
    def say(text):
        return server.ask("POST", "/say", text)[2].decode()

    same(say("anybody?"), "heard by 0\n")
    listeners = [listen(server)[0] for _ in range(3)]
    same(say("one"), "heard by 3\n")
    same(say("two\nlines\r\nor three"), "heard by 3\n")
    for client in listeners:
        same(client.read(b"\n\n\r\n"), b"b\r\ndata: one\n\n\r\n")
        got = client.read(b"\n\n\r\n").split(b"\r\n")[1]
        same(got, b"data: two\ndata: lines\ndata: or three\n\n")

    # Who goes is taken off the list; the server hears of it some turns later.
    listeners.pop().close()
    while (answer := say("three")) == "heard by 3\n":
        pass
    same(answer, "heard by 2\n")
    same(server.ask("GET", "/")[0], 200)
    same(server.ask("GET", "/none")[0], 404)


run(check)
