# SPDX-License-Identifier: BSL-1.0
"""What a scenario is and how it is found: a file of bench/scenarios/ each, taken in the order of their numbers."""
import dataclasses
import functools
import runpy
from typing import ClassVar

from .machine import ROOT

FOLDER = ROOT / "bench/scenarios"


@dataclasses.dataclass(frozen=True)
class Scenario:
    """The name is what it is asked for by and what its figures are kept under, the title is for tables."""

    # Told once above all of a kind.
    heading: ClassVar[str] = ""
    # Whether even a short run needs more than the programs of machine.OURS.
    builds_all: ClassVar[bool] = False

    name: str
    title: str
    _: dataclasses.KW_ONLY
    # Whether a short run of everything has it.
    quick: bool = True

    def take(self, quick, figures):
        """Measures, tells it, and puts the figures where they belong."""
        raise NotImplementedError


@functools.cache
def every():
    return [runpy.run_path(str(path))["scenario"] for path in sorted(FOLDER.glob("*.py"))]


def named(name):
    return next(scenario for scenario in every() if scenario.name == name)


def matching(words):
    """The one of this name, else those whose names contain it."""
    exact = [scenario for scenario in every() if scenario.name == words]
    return exact or [scenario for scenario in every() if words in scenario.name]


def listed():
    return "\n".join(f"  {scenario.name:20} {scenario.title}" for scenario in every())
