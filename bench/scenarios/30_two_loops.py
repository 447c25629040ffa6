# SPDX-License-Identifier: BSL-1.0
"""Two loops that share a port: that nothing else is shared between them."""
from harness.times import TwoLoops

scenario = TwoLoops("two loops", "13 bytes, two loops")
