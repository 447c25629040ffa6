# SPDX-License-Identifier: BSL-1.0
"""sluice next to servers that are known to be fast, all in one run, with what the machine had to do meanwhile."""
import os
import statistics
import time

from .contestants import available
from .counts import TRACER, counts_of, idle
from .machine import description
from .scenario import named
from .times import compare

SCENARIOS = ("plain", "browser", "pipelined", "one connection")
CALLS = ("plain", "one connection", "pipelined")
NAMES = {"bare": "bare epoll loop", "uws": "uWebSockets"}


def times(row, contestants, rounds):
    """In brackets to the bare loop, and to the fastest peer if it is there."""
    found = compare(rounds, contestants, lambda name: row.measure(name, quick=True), "bare")
    cells = {}
    for name, of in found.items():
        cells[name] = f"{of['cpu_us']:.2f} ({of['ratio']:.2f})"
        if "uws" in found and name not in ("bare", "uws"):
            pairs = zip(of["samples_us"], found["uws"]["samples_us"])
            cells[name] += f" / {statistics.median(mine / theirs for mine, theirs in pairs):.2f}"
    return cells


def table(rounds=7):
    contestants = [name for name in ("bare", "uws", "sluice", "nginx", "h2o") if available("server", name)]
    before = os.getloadavg()[0]
    columns = [times(named(scenario), contestants, rounds) for scenario in SCENARIOS]
    for name in contestants:
        print(f"  {name:16}", "   ".join(column[name] for column in columns), flush=True)
    calls = {
        name: " / ".join(f"{counts_of(name, scenario, 40_000)['system_calls']:.2f}" for scenario in CALLS)
        for name in contestants
    }
    resident = {name: f"{idle(name, 5000)['resident'] / 1024:.2f}" for name in contestants}
    after = os.getloadavg()[0]
    head = ["server", *(named(scenario).title for scenario in SCENARIOS), "calls", "resident KiB, idle"]
    rows = [[NAMES.get(name, name), *(column[name] for column in columns), calls[name], resident[name]] for name in contestants]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"Taken on {date}: {description()}, load average {before:.1f} at the start and {after:.1f} at the end, medians of "
        f"{rounds} rounds, system calls by {TRACER.__name__.lower()}.\n\n"
        + "\n".join("| " + " | ".join(line) + " |" for line in lines)
    )
