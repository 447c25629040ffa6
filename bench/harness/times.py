# SPDX-License-Identifier: BSL-1.0
"""CPU time for a request: medians, and ratios to the bare loop, of rounds in which all take turns."""
import contextlib
import statistics

from .contestants import CLIENTS, PROXIES, SERVERS, asking, client_of, present, proxying, serving
from .machine import CPUS
from .scenarios import clients, servers


def spent(process, driver, units):
    """CPU seconds of the process for a unit while the driver works, and what the driver says at its end."""
    before = process.cpu()
    driver.go()
    driver.line()
    used = process.cpu() - before
    return used / units


def of_server(name, row, count, loops=1):
    cpus = (0,) if loops == 1 else (0, 1)
    with serving(name, row.bare, loops, cpus=cpus) as server:
        cpu = 0 if row.together else len(CPUS) - 1
        with asking(server, row.connections, max(count // 4, 1), count, row.load, cpu) as load:
            used = spent(server, load, count * row.units)
            load.go()
            return used, load.line()


def of_client(name, row, count):
    with serving("bare", row.bare) as server:
        with client_of(server, name, row.connections, max(count // 4, 1), count, row.arguments) as client:
            return spent(client, client, count * row.units), None


def of_proxy(name, count):
    with serving("bare", cpus=(1,)) as server, proxying(server, name) as proxy:
        with asking(proxy, 64, count // 4, count) as load:
            used = spent(proxy, load, count)
            load.go()
            return used, load.line()


def answered(loops, count):
    """Answers a second, with two loads, each on a processor that no loop is on."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving("sluice", loops=loops, cpus=range(loops)))
        loads = [stack.enter_context(asking(server, 64, count // 4, count, cpu=cpu)) for cpu in (2, 3)]
        for load in loads:
            load.go()
        for load in loads:
            load.line()
            load.go()
        return sum(report["answers"] / report["seconds"] for report in (load.line() for load in loads))


def scaling(rounds, count):
    """How many times as much two loops answer as one; None where there are not the processors."""
    if len(CPUS) < 4:
        print("  skipped: two loops against one; that takes four processors", flush=True)
        return None
    ratio = statistics.median(answered(2, count) / answered(1, count) for _ in range(rounds))
    print(f"  two loops answer {ratio:.2f} times as much as one", flush=True)
    return round(ratio, 3)


def compare(rounds, contestants, measure):
    """By contestant, taken in turns so that a change of the weather meets all of them."""
    samples = {name: [] for name in contestants}
    seen = {name: [] for name in contestants}
    for _ in range(rounds):
        for name in contestants:
            used, report = measure(name)
            samples[name].append(used * 1e6)
            seen[name].append(report)
    result = {}
    for name in contestants:
        # In each round apart: the quotient of two medians may be of two moments.
        ratio = statistics.median(mine / bare for mine, bare in zip(samples[name], samples["bare"]))
        row = result[name] = {
            "cpu_us": round(statistics.median(samples[name]), 4),
            "ratio": round(ratio, 3),
            "samples_us": [round(sample, 4) for sample in samples[name]],
        }
        if seen[name][0]:
            for key in ("p50_us", "p99_us"):
                row[key] = statistics.median(report[key] for report in seen[name])
            row["per_second"] = round(statistics.median(report["answers"] / report["seconds"] for report in seen[name]))
    return result


def times(quick, only=None):
    rounds, scale = (3, 4) if quick else (5, 1)
    figures = {}

    def take(name, title, unit, contestants, measure):
        if only and only not in name:
            return
        figures[name] = {"title": title, "unit": unit, "by": compare(rounds, contestants, measure)}
        note(figures, name)

    def count_for(row, name):
        count = row.count // scale if row.scales else row.count
        return count // 2 if name in row.peers and row.scales else count

    for name, row in servers(quick).items():
        peers = [] if quick and name not in ("plain", "browser") else row.peers
        contestants = [who for who in present("server", SERVERS) if who in ("bare", "sluice", *peers)]
        take(name, row.title, row.unit, contestants, lambda who: of_server(who, row, count_for(row, who)))
    take("two loops", "13 bytes, two loops", "request", ["bare", "sluice"],
         lambda who: of_server(who, servers(False)["plain"], 60_000 // scale, 2 if who == "sluice" else 1))
    for name, row in clients(quick).items():
        contestants = [who for who in present("client", CLIENTS) if who in ("bare", "sluice", *row.peers)]
        if quick:
            contestants = ["bare", "sluice"]
        take(name, row.title, row.unit, contestants, lambda who: of_client(who, row, count_for(row, who)))
    take("proxy", "reverse proxy", "request", present("proxy", PROXIES), lambda who: of_proxy(who, 60_000 // scale))
    return figures


def note(figures, name):
    row = figures[name]["by"]
    cells = [f"{who} {of['cpu_us']:.3f}" + (f" ({of['ratio']:.2f} x)" if who != "bare" else "") for who, of in row.items()]
    print(f"  {name:18}", "   ".join(cells), flush=True)
