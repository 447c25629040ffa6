# SPDX-License-Identifier: BSL-1.0
"""Scenarios one after the other, told while they are taken, as JSON at the end."""
import json
import os
import time

from .machine import QUIET, description


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


def save(path, figures):
    path.write_text(json.dumps(figures, indent=1) + "\n")
