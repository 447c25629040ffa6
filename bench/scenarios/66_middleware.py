# SPDX-License-Identifier: BSL-1.0
"""A small request through a router, and through five middlewares: what they add to a bare handler."""
from harness.times import Layers

# A slower server lets its client sleep more often, and pays for waking it up on another processor. That
# is not what a middleware costs.
scenario = Layers("middleware", "a router and five middlewares", budget=1.15, together=True)
