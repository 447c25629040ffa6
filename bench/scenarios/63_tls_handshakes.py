# SPDX-License-Identifier: BSL-1.0
"""A connection for every full handshake; nothing is asked over it."""
from harness.tls import Handshakes

# Seconds of them, not requests.
scenario = Handshakes("tls, handshakes", "handshake", count=4, unit="handshake", budget=1.1)
