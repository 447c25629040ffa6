# SPDX-License-Identifier: BSL-1.0
"""Connections that had a request and are quiet: most of those that a server has."""
from harness.counted import Idle

scenario = Idle("idle", "memory of an idle connection", connections=5000)
