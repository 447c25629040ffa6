# SPDX-License-Identifier: BSL-1.0
import json
import re

from example import run, same


class States:
    """What the program says of itself, event by event."""

    def __init__(self, server):
        self.stream = server.open(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        same(b"Content-Type: text/event-stream\r\n" in self.stream.read(b"\r\n\r\n"), True)

    def until(self, holds):
        """The first state of which this holds."""
        while event := self.stream.read(b"\n\n\r\n"):
            data = re.search(rb"^data: (\{.*\})$", event, re.M)
            state = json.loads(data[1]) if data else None
            if state and holds(state):
                return state
        raise AssertionError("the events ended")


def check(server):
    for path, kind in (("/", "text/html"), ("/style.css", "text/css"), ("/page.js", "text/javascript")):
        status, headers, body = server.ask("GET", path)
        same((status, headers["Content-Type"].split(";")[0], bool(body)), (200, kind, True))
        same(re.findall(rb"https?://", body), [])

    # However much is read, the writer holds its mark and one chunk at most.
    states = States(server)
    same(server.ask("POST", "/speed?kib=65536")[0], 204)
    state = states.until(lambda s: s["drains"] > 2)
    same((state["highWaterMark"], state["mostHeld"] < 16384 + 2048), (16384, True))
    same(server.ask("POST", "/speed?kib=fast")[0], 400)

    same(server.ask("POST", "/burst?n=24")[0], 204)
    state = states.until(lambda s: s["used"] == 4 and s["queued"] > 0)
    state = states.until(lambda s: s["answered"] == 24)
    same((state["queued"], state["free"] + state["used"]), (0, 4))

    same(server.ask("GET", "/late")[0], 503)
    states.until(lambda s: (s["late"], s["lateRunning"]) == (1, 0))

    tab = server.open(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
    states.until(lambda s: s["waiting"] == 1)
    tab.close()
    states.until(lambda s: (s["waiting"], s["cancelled"]) == (0, 1))

    status, _, body = server.ask("POST", "/upload", b"x" * 3_000_000)
    same((status, json.loads(body)), (200, {"bytes": 3_000_000}))
    same(b'route="/upload"' in server.ask("GET", "/metrics")[2], True)


run(check)
