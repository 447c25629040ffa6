# SPDX-License-Identifier: BSL-1.0
"""A body that the kernel may take in one write."""
from harness.times import Server

scenario = Server("64k", "64 KiB body", load=("--path", "/64k"), bare=(str(64 * 1024),), count=16_000)
