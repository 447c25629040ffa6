# SPDX-License-Identifier: BSL-1.0
"""Scenarios of what does not depend on the weather: calls, allocations, instructions and bytes."""
import dataclasses
from typing import ClassVar

from .contestants import CLIENTS, MARKED, SERVERS, present
from .counts import TRACER, counts, held, idle
from .scenario import Scenario
from .valgrind import SCENARIOS, allocations, by_layer, instructions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counts(Scenario):
    """System calls and allocations for a request of other scenarios."""

    heading: ClassVar[str] = f"system calls (by {TRACER.__name__.lower()}), allocations and their bytes for a request"

    # Names of scenarios: what sluice is asked, the bare loop and Beast, and everybody else.
    ours: tuple
    compared: tuple
    peers: tuple

    def take(self, quick, figures):
        wanted = {"bare": self.compared, "beast": self.compared, "sluice": self.ours}
        clients = ["bare", "sluice"]
        if not quick:
            others = [name for name in present("server", SERVERS) if name not in wanted and name != "httplib"]
            wanted.update({name: self.peers for name in others})
            clients = present("client", CLIENTS)
        found = figures["counts"] = counts(wanted, clients, 20_000 if quick else 40_000)
        for name, of in found.items():
            if name == "counted with":
                continue
            for scenario, row in of.items():
                told = f"{row['allocations']:8.2f} {row['bytes']:8.0f}" if "bytes" in row else f"{'-':>8}"
                print(f"  {name:16} {scenario:16} {row['system_calls']:8.2f} {told}", flush=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Idle(Scenario):
    """What so many connections hold that wait for their next request."""

    heading: ClassVar[str] = "bytes for an idle connection: heap, resident; resident KiB at rest"
    part: ClassVar[str] = "idle"

    connections: int

    def contestants(self, quick):
        names = ("bare", "sluice", "beast") if quick else present("server", SERVERS)
        return [name for name in names if name != "httplib"]

    def measure(self, name, connections):
        return idle(name, connections)

    def take(self, quick, figures):
        found = figures[self.part] = {}
        for name in self.contestants(quick):
            of = found[name] = self.measure(name, self.connections // 5 if quick else self.connections)
            heap = f"{of['heap']:8.0f}" if "heap" in of else f"{'-':>8}"
            print(f"  {name:16} {heap} {of['resident']:8.0f} {of['resident at rest'] / 1024:8.0f}", flush=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held(Scenario):
    """What so many connections hold in the middle of a request, by its path."""

    heading: ClassVar[str] = "bytes held by sluice for a connection in the middle of a request"

    connections: int
    paths: dict

    def take(self, quick, figures):
        found = figures["held"] = {}
        for path, what in self.paths.items():
            found[path] = held(path, self.connections)
            print(f"  {what}: {found[path]:.0f}", flush=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Instructions(Scenario):
    """In user space, of other scenarios; with them the allocations of who does not count by itself."""

    heading: ClassVar[str] = "instructions for a request"

    names: tuple
    compared: tuple
    quick: bool = False

    def take(self, quick, figures):
        found = figures["instructions"] = {}
        here = present("server", SERVERS)
        for name in (name for name in self.names if name in here):
            scenarios = SCENARIOS if name == "sluice" else self.compared
            found[name] = {scenario: round(sum(instructions(scenario, name).values())) for scenario in scenarios}
            told = "  ".join(f"{scenario} {count}" for scenario, count in found[name].items())
            print(f"  {name:16} {told}", flush=True)
        figures["allocations"] = {
            name: allocations("plain", name)
            for name in here
            if name not in MARKED and name not in ("node", "httplib")
        }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layers(Scenario):
    """Of sluice's instructions, how many are in the library, and how many in what is below it."""

    heading: ClassVar[str] = "instructions for a request, by layer"

    compared: tuple
    quick: bool = False

    def take(self, quick, figures):
        found = figures["instructions by layer"] = {}
        for scenario in self.compared:
            found[scenario] = {name: round(count) for name, count in by_layer(scenario).items()}
            told = "  ".join(f"{name} {count}" for name, count in found[scenario].items())
            print(f"  {scenario:16} {told}", flush=True)
