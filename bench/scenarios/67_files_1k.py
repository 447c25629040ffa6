# SPDX-License-Identifier: BSL-1.0
"""A file of 1 KiB, by staticFiles() and by nginx with sendfile."""
from harness.times import Files

scenario = Files("files 1k", "a file of 1 KiB", size=1024, count=60000, connections=64)
