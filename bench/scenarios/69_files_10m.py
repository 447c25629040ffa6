# SPDX-License-Identifier: BSL-1.0
"""A file of 10 MiB, by staticFiles() and by nginx with sendfile."""
from harness.times import Files

scenario = Files("files 10m", "a file of 10 MiB", size=10 * 1024 * 1024, count=200, connections=4)
