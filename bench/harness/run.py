# SPDX-License-Identifier: BSL-1.0
"""Scenarios one after the other, told while they are taken, as JSON at the end."""
import json
import os
import time

from .machine import QUIET, description

# What is said of a run as a whole.
HEAD = ("date", "machine", "quick", "load average")


def run(scenarios, quick):
    figures = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": description(),
        "quick": quick,
        "load average": os.getloadavg()[0],
    }
    if figures["load average"] > QUIET:
        print(f"the load average is {figures['load average']:.1f}: times are worth little now", flush=True)
    heading = None
    for scenario in scenarios:
        if scenario.heading != heading:
            heading = scenario.heading
            print(heading, flush=True)
        scenario.take(quick, figures)
    return figures


def merged(known, figures):
    """What is known with some of it taken anew; when and where is said of the whole, so that it stays."""
    result = dict(known)
    for part, found in figures.items():
        if part in ("times", "layers", "files", "gzip", "tls", "ways"):
            result[part] = known.get(part, {}) | found
        elif part not in HEAD:
            result[part] = found
    return result


def save(path, figures, part):
    """With `part` the other figures of a file that is there remain."""
    if part and path.exists():
        figures = merged(json.loads(path.read_text()), figures)
    path.write_text(json.dumps(figures, indent=1) + "\n")
