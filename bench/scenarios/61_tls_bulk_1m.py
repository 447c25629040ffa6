# SPDX-License-Identifier: BSL-1.0
"""Many bodies of a size at which the head still counts, encrypted."""
from harness.machine import MIB
from harness.tls import Bodies

scenario = Bodies("tls, bulk of 1 MiB", "bodies of 1 MiB", size=MIB, count=1024, unit="GiB", budget=1.1)
