# SPDX-License-Identifier: BSL-1.0
"""Everything in one go, as JSON and told while it is taken."""
import os
import time

from .contestants import CLIENTS, MARKED, SERVERS, present
from .counts import TRACER, counts, held, idle
from .machine import QUIET, description
from .times import scaling, times
from .valgrind import SCENARIOS, allocations, instructions


def everything(quick):
    figures = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": description(),
        "quick": quick,
        "load average": os.getloadavg()[0],
    }
    if figures["load average"] > QUIET:
        print(f"the load average is {figures['load average']:.1f}: times are worth little now", flush=True)
    print("CPU microseconds for a request; in brackets to the bare loop", flush=True)
    figures["times"] = times(quick)
    figures["two loops"] = scaling(3, 40_000 if quick else 120_000)
    figures["counts"] = all_counts(quick)
    figures["idle"] = all_idle(quick)
    figures["held"] = {path: held(path, 100) for path in ("/wait", "/endless")}
    print(f"bytes for a connection whose handler waits: {figures['held']['/wait']:.0f}")
    print(f"bytes for a reader that does not read:      {figures['held']['/endless']:.0f}", flush=True)
    if not quick:
        figures["instructions"] = all_instructions()
        figures["allocations"] = {
            name: round(allocations("plain", name), 2)
            for name in present("server", SERVERS)
            if name not in MARKED and name not in ("node", "httplib")
        }
    return figures


def all_counts(quick):
    scenarios = ("plain", "one connection", "browser", "pipelined")
    wanted = {name: scenarios for name in ("bare", "beast")}
    wanted["sluice"] = (*scenarios, "json", "echo")
    clients = ["bare", "sluice"]
    if not quick:
        others = [name for name in present("server", SERVERS) if name not in wanted and name != "httplib"]
        wanted.update({name: ("plain", "one connection") for name in others})
        clients = present("client", CLIENTS)
    print(f"system calls (by {TRACER.__name__.lower()}) and allocations for a request")
    found = counts(wanted, clients, 20_000 if quick else 40_000)
    for name, of in found.items():
        if name == "counted with":
            continue
        for scenario, row in of.items():
            told = f"{row['allocations']:8.2f}" if "allocations" in row else f"{'-':>8}"
            print(f"  {name:16} {scenario:16} {row['system_calls']:8.2f} {told}", flush=True)
    return found


def all_idle(quick):
    print("bytes for an idle connection: heap, resident; resident KiB at rest")
    names = ("bare", "sluice", "beast") if quick else present("server", SERVERS)
    found = {}
    for name in names:
        if name == "httplib":
            continue
        of = found[name] = idle(name, 1000 if quick else 5000)
        heap = f"{of['heap']:8.0f}" if "heap" in of else f"{'-':>8}"
        print(f"  {name:16} {heap} {of['resident']:8.0f} {of['resident at rest'] / 1024:8.0f}", flush=True)
    return found


def all_instructions():
    print("instructions for a request")
    found = {}
    for name in ("bare", "sluice", "beast", "beast_callback", "restinio", "nginx", "h2o"):
        if name not in present("server", SERVERS):
            continue
        scenarios = SCENARIOS if name == "sluice" else ("plain", "browser")
        found[name] = {scenario: round(sum(instructions(scenario, name).values())) for scenario in scenarios}
        print(f"  {name:16}", "  ".join(f"{scenario} {count}" for scenario, count in found[name].items()), flush=True)
    return found
