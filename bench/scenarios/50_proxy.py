# SPDX-License-Identifier: BSL-1.0
"""A reverse proxy: a server and a client in one exchange, streaming."""
from harness.times import Proxy

scenario = Proxy("proxy", "reverse proxy")
