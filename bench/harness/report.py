# SPDX-License-Identifier: BSL-1.0
"""docs/performance.md: its tables, between marks, and its plots, from bench/figures.json."""
import json
import re

from .contestants import CLIENTS, SERVERS
from .machine import QUIET, ROOT
from .plots import bars
from .scenario import named

FIGURES = ROOT / "bench/figures.json"
DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
NAMES = {
    "bare": "bare epoll loop",
    "beast": "Beast, coroutines",
    "sluice_asio": "sluice, Asio's sockets",
    "beast_uring": "Beast, io_uring",
    "beast_callback": "Beast, callbacks",
    "restinio": "RESTinio",
    "httplib": "cpp-httplib, 64 threads",
    "node": "node",
    "curl": "libcurl multi",
    "handler": "a bare handler",
    "router": "a route",
    "middleware": "a route after five middlewares",
}


def called(name):
    return NAMES.get(name, name)


def table(head, rows):
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def cell(row):
    """Microseconds, milliseconds where they are many, and the ratio."""
    if row is None:
        return ""
    micro = row["cpu_us"]
    text = f"{micro / 1000:.0f} ms" if micro >= 10_000 else f"{micro:.1f}" if micro >= 10 else f"{micro:.2f}"
    return text if row["ratio"] == 1 else f"{text} ({row['ratio']:.2f})"


def machine(figures):
    text = f"Taken on {figures['date']}: {figures['machine']}, load average {figures['load average']:.1f} at the start."
    if figures["load average"] > QUIET:
        text += " Others were at work on the machine, so the times are provisional."
    return text


def loops(figures):
    if figures.get("two loops"):
        return f"Two loops answer {figures['two loops']:.2f} times as much as one, each on a processor of its own; the budget is 1.9."
    return "Whether two loops answer twice as much as one was not measured: it takes four processors, two of them for the load."


def ratios(times, base):
    """Ours next to one other, and whether the budgets are met."""
    rows = []
    for name, row in times.items():
        ours, theirs = row["by"]["sluice"], row["by"][base]
        budget = named(name).budget
        subject = f"{'client: ' if name.startswith('client') else ''}{row['title']}"
        rows.append(
            (subject, cell(theirs), cell(ours), f"{budget:.2f}" if budget else "", "" if not budget else
             "met" if ours["ratio"] <= budget else "not met")
        )
    return table(["scenario", {"bare": "bare loop"}.get(base, base), "sluice", "budget", ""], rows)


def servers(figures):
    times = figures["times"]
    scenarios = ("plain", "browser", "pipelined", "one connection", "close")
    rows = []
    for name in SERVERS:
        if name not in times["plain"]["by"]:
            continue
        plain = times["plain"]["by"][name]
        cells = [cell(times[scenario]["by"].get(name)) for scenario in scenarios]
        rows.append([called(name), *cells, f"{plain['per_second'] / 1000:.0f}k", f"{plain['p50_us']:.0f} / {plain['p99_us']:.0f}"])
    head = ["server", *(times[scenario]["title"] for scenario in scenarios), "13 bytes: per second", "p50 / p99 µs"]
    return table(head, rows)


def clients(figures):
    scenarios = [name for name in figures["times"] if name.startswith("client")]
    rows = [
        [called(name), *(cell(figures["times"][scenario]["by"].get(name)) for scenario in scenarios)]
        for name in CLIENTS
        if name in figures["times"][scenarios[0]]["by"]
    ]
    return table(["client", *(figures["times"][scenario]["title"] for scenario in scenarios)], rows)


def proxies(figures):
    by = figures["times"]["proxy"]["by"]
    return table(["reverse proxy", "µs a request"], [[called(name), cell(row)] for name, row in by.items()])


def layers(figures):
    by = figures.get("layers", {}).get("middleware", {"by": {}})["by"]
    return table(["the same answer by", "µs a request"], [[called(name), cell(row)] for name, row in by.items()])


def files(figures):
    rows = [[row["title"], cell(row["by"]["nginx"]), cell(row["by"]["files"])] for row in figures.get("files", {}).values()]
    return table(["", "nginx", "sluice"], rows)


def tls_idle(figures):
    """Heap and resident bytes."""
    by = figures.get("tls idle", {})
    rows = [[called(name), f"{of['heap']:,.0f}" if "heap" in of else "", f"{of['resident']:,.0f}"] for name, of in by.items()]
    return table(["bytes for an idle connection", "heap", "resident"], rows)


def ways(figures):
    """Sender and both, in milliseconds, and what part of the sends the kernel copied all the same."""
    names = {"send": "`send`", "zerocopy": "`send` with `MSG_ZEROCOPY`", "sendfile": "`sendfile`"}
    rows = [
        [names[name], f"{of['sender_us'] / 1000:.0f} ms", cell(of), f"{100 * of['copied']:.0f} %" if name == "zerocopy" else ""]
        for name, of in figures.get("ways", {}).get("ways", {"by": {}})["by"].items()
    ]
    return table(["1 GiB in pieces of 64 KiB", "sender", "sender and reader", "copied all the same"], rows)


def taken(row):
    """Allocations and their bytes, where they were counted."""
    return [f"{row['allocations']:.1f}", f"{row['bytes']:.0f}"] if "bytes" in row else ["", ""]


def counts(figures):
    found, dhat, code = figures["counts"], figures.get("allocations", {}), figures.get("instructions", {})
    rows = []
    for name in SERVERS:
        if name not in found:
            continue
        plain, one = found[name]["plain"], found[name]["one connection"]
        idle = figures["idle"].get(name, {})
        rows.append([
            called(name), f"{plain['system_calls']:.2f}", f"{one['system_calls']:.2f}",
            *taken(plain if "bytes" in plain else dhat.get(name, {})),
            code.get(name, {}).get("plain", ""), code.get(name, {}).get("browser", ""),
            f"{idle['heap']:.0f}" if "heap" in idle else "", f"{idle['resident']:.0f}" if idle else "",
            f"{idle['resident at rest'] / 2**20:.1f}" if idle else "",
        ])
    head = ["server", "system calls, 64 in turns", "one connection", "allocations", "their bytes", "instructions, 13 bytes",
            "600-byte head", "heap, idle", "resident, idle", "MiB at rest"]
    return table(head, rows)


def counts_of_clients(figures):
    rows = [
        [called(name), f"{of['client']['system_calls']:.2f}", *taken(of["client"])]
        for name, of in figures["counts"].items()
        if name != "counted with" and "client" in of
    ]
    return table(["client, 64 sockets in turns", "system calls", "allocations", "their bytes"], rows)


def by_layer(figures):
    found = figures["instructions by layer"]
    names = sorted({name for row in found.values() for name in row}, key=lambda name: -sum(row.get(name, 0) for row in found.values()))
    rows = [[name, *(row.get(name, 0) for row in found.values())] for name in names]
    return table(["layer", *(named(name).title if name != "client" else "client" for name in found)],
                 [*rows, ["all", *(sum(row.values()) for row in found.values())]])


def plots(figures):
    times = figures["times"]

    def by(scenario):
        rows = sorted(times[scenario]["by"].items(), key=lambda item: item[1]["cpu_us"])
        return [(called(name), row["cpu_us"], None) for name, row in rows]

    micro = f"CPU µs for a request; less is better. {figures['machine']}, {figures['date']}"
    yield "performance-plain.svg", bars("13-byte answer, 64 connections", micro, by("plain"))
    yield "performance-browser.svg", bars("Request heads of 600 bytes, 64 connections", micro, by("browser"))
    yield "performance-pipelined.svg", bars("Pipelined by 16, 64 connections", micro, by("pipelined"))
    yield "performance-client.svg", bars("Client, 64 sockets", micro, by("client, 64 sockets"))
    idle = sorted(figures["idle"].items(), key=lambda item: item[1]["resident"])
    yield "performance-idle.svg", bars(
        "Memory of an idle connection", "resident bytes, of 5,000 connections; less is better",
        [(called(name), row["resident"], None) for name, row in idle], 0
    )
    rows = [(("client: " if name.startswith("client") else "") + row["title"], row["by"]["sluice"]["ratio"],
             named(name).budget) for name, row in times.items() if name != "two loops"]
    yield "performance-ratios.svg", bars(
        "sluice, as a multiple of the bare epoll loop", "CPU time; the line is the budget, where there is one", rows, marked=True
    )


def put(page, name, text):
    """The page with its part of this name in new words."""
    page, found = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.S)
    assert found == 1, f"docs/performance.md lacks its part '{name}'"
    return page


def write_peers(text):
    PAGE.write_text(put(PAGE.read_text(), "peers", text))


def write():
    figures = json.loads(FIGURES.read_text())
    page = PAGE.read_text()
    parts = {
        "machine": machine(figures),
        "ratios": ratios(figures["times"], "bare"),
        "tls": ratios(figures.get("tls", {}), "nginx"),
        "tls idle": tls_idle(figures),
        "loops": loops(figures),
        "servers": servers(figures),
        "clients": clients(figures),
        "proxies": proxies(figures),
        "ways": ways(figures),
        "counts": counts(figures),
        "counts of clients": counts_of_clients(figures),
        "by layer": by_layer(figures),
        "middleware": layers(figures),
        "files": files(figures),
        "held": f"Held for a reader that does not read: {figures['held']['/endless']:.0f} bytes; "
        f"for a request whose handler waits: {figures['held']['/wait']:.0f} bytes.",
    }
    for name, text in parts.items():
        page = put(page, name, text)
    PAGE.write_text(page)
    for name, text in plots(figures):
        (DOCS / name).write_text(text)
