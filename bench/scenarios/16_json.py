# SPDX-License-Identifier: BSL-1.0
"""The answer of an API: four headers set, and a body of 1 KiB."""
from harness.times import Server

scenario = Server("json", "1 KiB JSON, 4 headers set", load=("--path", "/json"), bare=("1024",))
