# SPDX-License-Identifier: BSL-1.0
"""A small request on 64 connections that stay, 13 bytes back: what an exchange costs by itself."""
from harness.times import PEERS, Server

scenario = Server("plain", "13 bytes", peers=PEERS, budget=1.15)
