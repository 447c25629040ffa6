# SPDX-License-Identifier: BSL-1.0
"""What runs in user space, without the kernel: where a change of a hundredth can be seen."""
from harness.counted import Instructions

scenario = Instructions(
    "instructions",
    "instructions in user space",
    names=("bare", "sluice", "beast", "beast_callback", "restinio", "nginx", "h2o"),
    compared=("plain", "browser"),
)
