# SPDX-License-Identifier: BSL-1.0
"""TLS connections that had a request and are quiet."""
from harness.tls import IdleTls

scenario = IdleTls("tls, idle", "memory of an idle TLS connection", connections=3000, quick=False)
