# SPDX-License-Identifier: BSL-1.0
"""Large bodies: encryption, and how it is fed."""
from harness.machine import MIB
from harness.tls import Bodies

scenario = Bodies("tls, bulk of 64 MiB", "bodies of 64 MiB", size=64 * MIB, count=16, unit="GiB", budget=1.1)
