# SPDX-License-Identifier: BSL-1.0
"""What may not rise: bench/budgets.json against what is counted now.

A figure has a budget, a recorded value for the compiler, or both. It fails where it is over its budget
and has risen over what is recorded: so what a budget still lacks is told and does not fail, and what is
within it may move there.
"""
import json
import subprocess

from .contestants import LAYERS
from .counts import TRACER, counts_of, counts_of_client, held, idle
from .machine import BUILD, ROOT, compiler
from .tls import idle as idle_tls
from .valgrind import SCENARIOS, instructions

FILE = ROOT / "bench/budgets.json"
COUNT = 40_000


def loaded(program):
    """Code and data. The file itself grows by pages: one byte too many would be 4 KiB."""
    text, data = subprocess.run(["size", program], check=True, capture_output=True, text=True).stdout.split()[6:8]
    return int(text) + int(data)


def figures():
    """Name, value, how many decimals it is told with, and by what factor it may rise."""
    for scenario in ("plain", "pipelined"):
        # Whoever else is at work here adds to them: told, and judged by what is counted in turns.
        calls = min(counts_of("sluice", scenario, 2 * COUNT, turns=False)["system_calls"] for _ in range(3))
        yield f"system calls at full load, {scenario}", calls, 2, float("inf")
    for scenario in ("plain", "one connection", "browser", "json", "pipelined", "client"):
        # A client's coroutines are made anew for what is counted.
        of = counts_of_client("sluice", 8 * COUNT) if scenario == "client" else counts_of("sluice", scenario, COUNT)
        yield f"system calls, {scenario}", of["system_calls"], 2, 1.02
        # What grows once in a while for all requests together is no allocation for each.
        yield f"allocations, {scenario}", round(of["allocations"], 2), 2, 1.03
    of = idle("sluice", 5000)
    yield "bytes for an idle connection", of["heap"], 0, 1.02
    yield "resident bytes for an idle connection", of["resident"], 0, 1.1
    of = idle_tls("sluice", 3000)
    yield "bytes for an idle TLS connection", of["heap"], 0, 1.02
    yield "resident bytes for an idle TLS connection", of["resident"], 0, 1.1
    yield "bytes for a slow reader", held("/endless", 100), 0, 1.02
    yield "bytes of hello", loaded(BUILD / "bench/hello"), 0, 1.02
    for scenario in SCENARIOS:
        yield f"instructions, {scenario}", sum(instructions(scenario).values()), 0, 1.05
    for layer in LAYERS:
        yield f"instructions, {layer}", sum(instructions("plain", layer).values()), 0, 1.05


def judge(write):
    known = json.loads(FILE.read_text())
    recorded = known["recorded"].setdefault(compiler(), {})
    rows, risen = [], 0
    print(f"  {'':36} {'now':>10} {'budget':>10} {'recorded':>10}   {compiler()}, calls by {TRACER.__name__.lower()}")
    for name, value, digits, allowed in figures():
        budget = known["budgets"].get(name)
        before = recorded.get(name)
        if write:
            recorded[name] = round(value, digits) if digits else round(value)
        within = budget is not None and value <= budget
        rose = before is not None and value > before * allowed + 0.005 and not within
        verdict = "RISEN" if rose else "within" if within else "over budget" if budget is not None else "as before"
        risen += rose
        cells = [f"{cell:10.{digits}f}" if cell is not None else f"{'-':>10}" for cell in (value, budget, before)]
        print(f"  {name:36} {' '.join(cells)}   {verdict}", flush=True)
        rows.append({"name": name, "value": round(value, 3), "budget": budget, "recorded": before, "verdict": verdict})
    if write:
        FILE.write_text(json.dumps(known, indent=2) + "\n")
    print(f"{len(rows) - risen} passed, {risen} failed")
    return risen == 0, rows
