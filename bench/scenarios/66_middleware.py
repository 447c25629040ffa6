# SPDX-License-Identifier: BSL-1.0
"""A small request through a router, and through five middlewares: what they add to a bare handler."""
from harness.times import Layers

scenario = Layers("middleware", "a router and five middlewares", budget=1.15)
