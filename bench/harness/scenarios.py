# SPDX-License-Identifier: BSL-1.0
"""What is asked of whom. A new scenario is a row here and, if it needs one, a handler in sluice_server.cpp."""
import dataclasses

from .machine import GIB, MIB

# These answer every path alike.
PEERS = ("beast", "beast_callback", "restinio", "httplib", "node", "nginx", "h2o")
# A thread for each connection: neither where they come and go nor where several requests come at once.
EVENT_LOOPS = tuple(name for name in PEERS if name != "httplib")


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    load: tuple = ()
    # What the bare server answers.
    bare: tuple = ("13",)
    connections: int = 64
    # Requests in a round; the peers, of which most are slower, get half of them.
    count: int = 120_000
    peers: tuple = ()
    # Whether a short run may have fewer requests, and whether it has the scenario at all.
    scales: bool = True
    quick: bool = True
    # The load on the server's processor: no wake-up from one processor to another is measured.
    together: bool = False
    # What the figure is for, where it is not a request: so many of them are in one.
    unit: str = "request"
    units: int = 1


def bulk(size):
    return {"connections": 1, "count": 1, "scales": False, "unit": "GiB", "units": size / GIB}


def servers(quick):
    size = GIB // 4 if quick else GIB
    rows = {
        "plain": Scenario("13 bytes", peers=PEERS),
        "browser": Scenario("600-byte request head", ("--headers", "browser"), peers=PEERS),
        "pipelined": Scenario("pipelined by 16", ("--pipeline", "16"), count=600_000, peers=EVENT_LOOPS),
        "one connection": Scenario("one connection", connections=1, count=40_000, peers=PEERS, together=True),
        "close": Scenario("connection per request", ("--close",), count=5000, peers=EVENT_LOOPS, scales=False),
        "echo": Scenario("browser's head, two fields back", ("--headers", "browser", "--path", "/echo"), quick=False),
        "json": Scenario("1 KiB JSON, 4 headers set", ("--path", "/json"), ("1024",)),
        "64k": Scenario("64 KiB body", ("--path", "/64k"), (str(64 * 1024),), count=16_000),
        "1m": Scenario("1 MiB body", ("--path", "/1m"), (str(MIB),), connections=4, count=1600, quick=False),
        "chunked": Scenario(
            "16 KiB chunked both ways",
            ("--path", "/chunked", "--body", str(16 * 1024), "--chunked"),
            (str(16 * 1024), "chunked"),
            count=20_000,
        ),
        "events": Scenario(
            "an event to each of 1,000 streams",
            ("--path", "/events?100"),
            ("100", "events"),
            connections=1000,
            count=2000,
            scales=False,
            unit="event",
            units=100,
        ),
        "download": Scenario("download of 1 GiB", ("--path", f"/download?{size}"), (str(size),), **bulk(size)),
        "upload": Scenario("upload of 1 GiB", ("--path", "/upload", "--body", str(size)), **bulk(size)),
    }
    return {name: row for name, row in rows.items() if row.quick or not quick}


@dataclasses.dataclass(frozen=True)
class ClientScenario:
    title: str
    arguments: tuple = ()
    bare: tuple = ("13",)
    connections: int = 64
    count: int = 60_000
    peers: tuple = ("beast", "curl", "node", "undici")
    scales: bool = True
    unit: str = "request"
    units: float = 1


def clients(quick):
    size = GIB // 4 if quick else GIB
    # Beast's examples hold a body in memory.
    streaming = ("curl", "node", "undici")
    return {
        "client, 1 socket": ClientScenario("one socket", connections=1, count=30_000),
        "client, 64 sockets": ClientScenario("64 sockets"),
        "client, close": ClientScenario("connection per request", ("--close",), count=4000, scales=False),
        "client, download": ClientScenario(
            "download of 1 GiB", bare=(str(size),), peers=streaming, **bulk(size)
        ),
        "client, upload": ClientScenario("upload of 1 GiB", ("--upload", str(size)), peers=streaming, **bulk(size)),
    }
