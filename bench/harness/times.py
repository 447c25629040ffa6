# SPDX-License-Identifier: BSL-1.0
"""CPU time for a request: medians, and ratios to the bare loop, of rounds in which all take turns."""
import contextlib
import dataclasses
import json
import statistics
from typing import ClassVar

from .contestants import (
    CLIENTS,
    LAYERS,
    PROXIES,
    SERVERS,
    asking,
    client_of,
    present,
    proxying,
    serving,
    serving_files,
    serving_gzip,
)
from .machine import CPUS, GIB
from .scenario import Scenario

# These answer every path alike.
PEERS = ("sluice_asio", "beast", "beast_uring", "beast_callback", "restinio", "httplib", "node", "nginx", "h2o")
# A thread for each connection: neither where they come and go nor where several requests come at once.
EVENT_LOOPS = tuple(name for name in PEERS if name != "httplib")


def compare(rounds, contestants, measure, base):
    """By contestant, taken in turns so that a change of the weather meets all of them.

    `measure` tells CPU seconds for a unit and, by name, what else was seen.
    """
    samples = {name: [] for name in contestants}
    seen = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in contestants:
            used, others = measure(name)
            samples[name].append(used * 1e6)
            seen[name].append(others)
    result = {}
    for name in contestants:
        # In each round apart: the quotient of two medians may be of two moments.
        ratio = statistics.median(mine / theirs for mine, theirs in zip(samples[name], samples[base]))
        result[name] = {
            "cpu_us": round(statistics.median(samples[name]), 4),
            "ratio": round(ratio, 3),
            "samples_us": [round(sample, 4) for sample in samples[name]],
            **{what: statistics.median(others[what] for others in seen[name]) for what in seen[name][0]},
        }
    return result


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timed(Scenario):
    """CPU time of contestants for a unit of the same work."""

    heading: ClassVar[str] = "CPU microseconds for a request; in brackets to the bare loop"
    section: ClassVar[str] = "times"
    # What the others are compared to.
    base: ClassVar[str] = "bare"

    # Requests in a round; the peers, of which most are slower, get half of them.
    count: int
    peers: tuple = ()
    # Whether a short run may have fewer requests.
    scales: bool = True
    # What the figure is for: so many of them are in a request.
    unit: str = "request"
    units: float = 1
    # What ratio is to be reached.
    budget: float | None = None

    def contestants(self, quick):
        raise NotImplementedError

    def measure(self, name, quick):
        raise NotImplementedError

    def count_for(self, name, quick):
        count = self.count // 4 if quick and self.scales else self.count
        return count // 2 if name in self.peers and self.scales else count

    def take(self, quick, figures):
        found = compare(3 if quick else 5, self.contestants(quick), lambda name: self.measure(name, quick), self.base)
        figures.setdefault(self.section, {})[self.name] = {"title": self.title, "unit": self.unit, "by": found}
        cells = [
            f"{name} {of['cpu_us']:.3f}" + (f" ({of['ratio']:.2f} x)" if name != self.base else "")
            for name, of in found.items()
        ]
        print(f"  {self.name:18}", "   ".join(cells), flush=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class OverLoopback(Timed):
    """Requests, or one body of a GiB, of which a short run has a quarter: "{size}" stands for it."""

    # What the bare server answers.
    bare: tuple = ("13",)
    connections: int = 64
    bulk: bool = False

    def sized(self, arguments, quick):
        return [argument.format(size=GIB // 4 if quick else GIB) for argument in arguments]

    def done(self, count, quick):
        """How many units so many requests are."""
        return count * self.units / (4 if quick and self.bulk else 1)


# What makes a scenario one of a single large body.
BULK = {"connections": 1, "count": 1, "scales": False, "unit": "GiB", "bulk": True}


def spent(process, driver, units):
    """CPU seconds of the process for a unit while the driver works."""
    before = process.cpu()
    driver.go()
    driver.line()
    used = process.cpu() - before
    return used / units


def latencies(load):
    """What a load tells at its end."""
    load.go()
    report = load.line()
    return {
        "p50_us": report["p50_us"],
        "p99_us": report["p99_us"],
        "per_second": round(report["answers"] / report["seconds"]),
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Server(OverLoopback):
    """What a server takes. One that is asked for another path needs a handler in sluice_server.cpp."""

    # What the load is to ask, in the words of load.cpp.
    load: tuple = ()
    count: int = 120_000
    # The load on the server's processor: no wake-up from one processor to another is measured.
    together: bool = False

    def contestants(self, quick):
        peers = [] if quick and self.name not in ("plain", "browser") else self.peers
        return [name for name in present("server", SERVERS) if name in ("bare", "sluice", *peers)]

    def measure(self, name, quick, loops=1):
        count = self.count_for(name, quick)
        with serving(name, self.sized(self.bare, quick), loops, cpus=range(loops)) as server:
            cpu = 0 if self.together else len(CPUS) - 1
            load = self.sized(self.load, quick)
            with asking(server, self.connections, max(count // 4, 1), count, load, cpu) as driver:
                return spent(server, driver, self.done(count, quick)), latencies(driver)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(Server):
    """What a router and its middleware add to a bare handler."""

    heading: ClassVar[str] = "CPU microseconds for a request; in brackets to the bare handler"
    section: ClassVar[str] = "layers"
    base: ClassVar[str] = "handler"

    def contestants(self, quick):
        return LAYERS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Files(Server):
    """What a file of some size costs, in staticFiles() and in nginx."""

    heading: ClassVar[str] = "CPU microseconds for a file; in brackets to nginx"
    section: ClassVar[str] = "files"
    base: ClassVar[str] = "nginx"

    size: int
    load: tuple = ("--path", "/body")

    def contestants(self, quick):
        return [*present("server", ("nginx",)), "files"]

    def serving(self, name):
        return serving_files(name, b"x" * self.size)

    def measure(self, name, quick):
        count = self.count_for(name, quick)
        with self.serving(name) as server:
            with asking(server, self.connections, max(count // 4, 1), count, self.load, len(CPUS) - 1) as driver:
                return spent(server, driver, count), latencies(driver)


def json_of(size):
    """A list of things as programs tell it: much is the same, and the numbers are not."""
    things = ({"id": i, "name": f"thing {i * 7919 % 10007}", "price": i * i % 99991 / 100} for i in range(size // 50))
    return json.dumps(list(things)).encode()[:size]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Gzip(Files):
    """What it costs to compress an answer, in compress::apply(), nginx and node, on the same bytes."""

    heading: ClassVar[str] = "CPU microseconds for a compressed answer; in brackets to nginx"
    section: ClassVar[str] = "gzip"

    level: int
    load: tuple = ("--path", "/body", "--headers", "browser")

    def contestants(self, quick):
        return [*present("server", ("nginx", "node")), "gzip"]

    def serving(self, name):
        return serving_gzip(name, json_of(self.size), self.level)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TwoLoops(Server):
    """What a request costs with two loops on either side and, on four processors, how many times as much two answer."""

    count: int = 60_000

    def contestants(self, quick):
        return ("bare", "sluice")

    def measure(self, name, quick):
        return super().measure(name, quick, 2)

    def take(self, quick, figures):
        super().take(quick, figures)
        figures["two loops"] = scaling(3, 40_000 if quick else 120_000)


def answered(loops, count):
    """Answers a second, with two loads, each on a processor that no loop is on."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving("sluice", loops=loops, cpus=range(loops)))
        loads = [stack.enter_context(asking(server, 64, count // 4, count, cpu=cpu)) for cpu in (2, 3)]
        for load in loads:
            load.go()
        for load in loads:
            load.line()
        return sum(latencies(load)["per_second"] for load in loads)


def scaling(rounds, count):
    """How many times as much two loops answer as one; None where there are not the processors."""
    if len(CPUS) < 4:
        print("  skipped: two loops against one; that takes four processors", flush=True)
        return None
    ratio = statistics.median(answered(2, count) / answered(1, count) for _ in range(rounds))
    print(f"  two loops answer {ratio:.2f} times as much as one", flush=True)
    return round(ratio, 3)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Client(OverLoopback):
    """What a client takes that asks the bare server."""

    # In the words of support/phases.hpp.
    arguments: tuple = ()
    count: int = 60_000
    peers: tuple = ("beast", "curl", "node", "undici")

    def contestants(self, quick):
        peers = () if quick else self.peers
        return [name for name in present("client", CLIENTS) if name in ("bare", "sluice", *peers)]

    def measure(self, name, quick):
        count = self.count_for(name, quick)
        arguments = self.sized(self.arguments, quick)
        with serving("bare", self.sized(self.bare, quick)) as server:
            with client_of(server, name, self.connections, max(count // 4, 1), count, arguments) as client:
                return spent(client, client, self.done(count, quick)), {}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proxy(Timed):
    """What a reverse proxy takes between a load and the bare server."""

    count: int = 60_000

    def contestants(self, quick):
        return present("proxy", PROXIES)

    def measure(self, name, quick):
        count = self.count_for(name, quick)
        with serving("bare", cpus=(1,)) as server, proxying(server, name) as proxy:
            with asking(proxy, 64, count // 4, count) as load:
                return spent(proxy, load, count), latencies(load)
