# SPDX-License-Identifier: BSL-1.0
"""A browser's head of which the handler looks two fields up and sends them back."""
from harness.times import Server

scenario = Server(
    "echo", "browser's head, two fields back", load=("--headers", "browser", "--path", "/echo"), quick=False
)
