# SPDX-License-Identifier: BSL-1.0
"""Where the instructions of sluice are: in the library itself, in Beast, in Asio, or below them."""
from harness.counted import Layers

scenario = Layers("by layer", "instructions by layer", compared=("plain", "browser", "pipelined", "client"))
