# SPDX-License-Identifier: BSL-1.0
"""What does not depend on the weather: system calls, allocations, bytes held.

Where nothing else is said, server and load take turns on one processor, neither interrupting the
other. So the server finds all requests of a round when its turn comes, however busy the machine is
with other things.
"""
import os
import re
import signal
import subprocess
import time

from .contestants import MARKED, asking, client_of, serving
from .machine import fail
from .scenario import named

# What a server keeps for all connections together is there after so many requests.
WARM_UP = 8000


class Perf:
    """The system calls of a process, between start and stop()."""

    package = ""

    def __init__(self, pid):
        to, self.control = os.pipe()
        self.answers, back = os.pipe()
        command = ["perf", "stat", "-x", ";", "-e", "raw_syscalls:sys_enter", "-D", "-1"]
        command += ["--control", f"fd:{to},{back}", "-p", str(pid)]
        self.process = subprocess.Popen(
            command, pass_fds=(to, back), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        os.close(to)
        os.close(back)
        self.tell("enable")

    def tell(self, what):
        os.write(self.control, what.encode() + b"\n")
        os.read(self.answers, 16)

    def stop(self):
        self.tell("disable")
        self.process.send_signal(signal.SIGINT)
        count = re.search(r"^(\d+);", self.process.communicate()[1], re.M)
        os.close(self.control)
        os.close(self.answers)
        return int(count[1]) if count else 0

    @staticmethod
    def works():
        command = ["perf", "stat", "-x", ";", "-e", "raw_syscalls:sys_enter", "true"]
        try:
            run = subprocess.run(command, capture_output=True, text=True)
        except OSError:
            return False
        return bool(re.search(r"^\d+;", run.stderr, re.M))


class Strace:
    """The same where perf is not allowed; it slows the process, so that fewer reads are in vain."""

    package = "strace"

    def __init__(self, pid):
        self.process = subprocess.Popen(
            ["strace", "-c", "-f", "-p", str(pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if "attached" not in self.process.stderr.readline():
            fail("neither perf nor strace may look at a process", "run as root, or with CAP_SYS_PTRACE")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        total = re.search(r"^100\.00\s+\S+\s+\S*\s+(\d+)\s.*total$", self.process.communicate()[1], re.M)
        return int(total[1]) if total else 0


TRACER = Perf if Perf.works() else Strace


def counted(process, driver, count, marked):
    """System calls and allocations for a request, while `driver` makes `count` of them."""
    before = process.mark() if marked else None
    trace = TRACER(process.pid)
    driver.go()
    driver.line()
    calls = trace.stop()
    if process is driver:
        # Waking up and telling of a phase are one read and one write.
        calls -= 2
    result = {"system_calls": round(calls / count, 3)}
    if marked:
        after = process.mark()
        result["allocations"] = round((after["allocations"] - before["allocations"]) / count, 3)
        result["bytes"] = round((after["bytes"] - before["bytes"]) / count, 1)
    return result


def counts_of(name, scenario, count, turns=True):
    """`turns` False: at full load, each on a processor of its own."""
    row = named(scenario)
    with serving(name, row.bare, cpus=(0,), turns=turns) as server:
        cpu = 0 if turns else 1
        with asking(server, row.connections, count // 4, count, row.load, cpu, turns=turns) as load:
            return counted(server, load, count, name in MARKED)


def counts_of_client(name, count):
    # undici keeps its loop spinning, and would never give the server its turn.
    turns = name not in ("node", "undici")
    with serving("bare", cpus=(0,), turns=turns) as server:
        with client_of(server, name, 64, count // 4, count, cpu=0, turns=turns) as client:
            return counted(client, client, count, name in ("sluice", "beast"))


def counts(servers_and_scenarios, client_names, count):
    figures = {"counted with": TRACER.__name__.lower()}
    for name, scenarios in servers_and_scenarios.items():
        figures[name] = {scenario: counts_of(name, scenario, count) for scenario in scenarios}
    for name in client_names:
        figures.setdefault(name, {})["client"] = counts_of_client(name, count)
    return figures


def at_rest(process):
    """Waits until the process sleeps and has done nothing since the last look."""
    used = None
    while process.cpu() != used or not process.sleeps():
        used = process.cpu()
        time.sleep(0.2)


def look(server, marked):
    """Heap, if it is told, and resident memory, once those servers that give memory back have done so."""
    time.sleep(2.5)
    at_rest(server)
    return server.mark()["live"] if marked else None, server.resident()


def each(before, after, connections):
    """From one look to the next, for a connection."""
    result = {"resident": (after[1] - before[1]) / connections, "resident at rest": before[1]}
    if before[0] is not None:
        result["heap"] = (after[0] - before[0]) / connections
    return result


def idle(name, connections):
    """What a connection costs that has had a request and has waited for another for two seconds."""
    marked = name in MARKED
    with serving(name) as server:
        with asking(server, 8, WARM_UP, 0):
            pass
        before = look(server, marked)
        with asking(server, connections, connections, 0):
            return each(before, look(server, marked), connections)


def held(path, connections):
    """What is held for a connection that reads nothing."""
    with serving("sluice") as server:
        with asking(server, 8, 800, 0):
            pass
        at_rest(server)
        before = server.mark()["live"]
        arguments = ["--path", path, "--stall"]
        with asking(server, connections, 0, 0, arguments):
            at_rest(server)
            return (server.mark()["live"] - before) / connections
