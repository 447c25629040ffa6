# SPDX-License-Identifier: BSL-1.0
"""A file of 64 KiB, by staticFiles() and by nginx with sendfile."""
from harness.times import Files

scenario = Files("files 64k", "a file of 64 KiB", size=64 * 1024, count=20000, connections=16)
