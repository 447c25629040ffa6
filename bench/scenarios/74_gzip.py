# SPDX-License-Identifier: BSL-1.0
"""64 KiB of JSON, compressed with gzip at level 6 for each request."""
from harness.times import Gzip

scenario = Gzip("gzip", "64 KiB of JSON, gzip level 6", size=64 * 1024, level=6, count=4000, connections=16)
