#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Mixed requests through a relay with faults: mixed.py REQUESTS COUNTING_SERVER [SECONDS [SEED]]

One client and one server. The relay cuts or resets connections after a random number of bytes in
either direction, stops one for a while, and passes bytes on in pieces. Requests sent are answered
requests and errors with a name; requests that came in were answered or cut; none came twice, none has
the answer to another, and the memory of both programs at rest after a round does not grow after the
second.
"""
import asyncio
import random
import socket
import sys
import threading
import time

import soak

SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 600
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
SLACK = 2048  # KiB
COUNT = 5000
KINDS = ["GET/100", "POST/10", "GET/0", "GET/50000", "POST/100000", "GET/5000", "GET/300000", "POST/0", "HEAD/100",
         "EXPECT/2000", "TRAILERS/3000", "UPGRADE/4000", "HEAD/300000", "EXPECT/0", "TRAILERS/0", "UPGRADE/50000"]
faults = {}


class Fault:
    """What becomes of one connection: after so many bytes of a direction, an end or a pause."""

    def __init__(self, dice):
        self.kind = dice.choices(["none", "reset", "end", "pause", "pieces"], [40, 20, 20, 10, 10])[0]
        self.up = dice.random() < 0.5
        self.after = int(2 ** (dice.random() * 20))
        faults[self.kind] = faults.get(self.kind, 0) + 1


async def carry(reader, writer, fault):
    """One direction, until its end or the fault."""
    left = fault.after if fault else None
    while piece := await reader.read(65536):
        if left is not None and fault.kind != "pieces" and len(piece) >= left:
            writer.write(piece[:left])
            piece = piece[left:]
            left = None
            if fault.kind == "reset":
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                writer.transport.abort()
                return
            if fault.kind == "end":
                return
            await asyncio.sleep(0.2)
        elif left is not None:
            left -= len(piece)
        step = 700 if fault and fault.kind == "pieces" else len(piece)
        for at in range(0, len(piece), max(step, 1)):
            writer.write(piece[at : at + step])
            await writer.drain()
            if step < len(piece):
                await asyncio.sleep(0)


async def relay(port, dice, reader, writer):
    fault = Fault(dice)
    applies = fault if fault.kind != "none" else None
    above = None
    try:
        up_reader, above = await asyncio.open_connection("127.0.0.1", port)
        directions = [
            asyncio.ensure_future(carry(reader, above, applies if fault.up else None)),
            asyncio.ensure_future(carry(up_reader, writer, None if fault.up else applies)),
        ]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
    except OSError:
        pass
    for end in (above, writer):
        if end:
            end.close()


def start_relay(port, seed):
    """Its port. It runs in a thread of its own until the program ends."""
    loop = asyncio.new_event_loop()
    dice = random.Random(seed)
    serving = asyncio.start_server(lambda r, w: relay(port, dice, r, w), "127.0.0.1", 0, backlog=1000)
    listener = loop.run_until_complete(serving)
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return listener.sockets[0].getsockname()[1]


with soak.Program(sys.argv[2], 0) as server:
    port = server.port()
    origin = f"http://127.0.0.1:{start_relay(port, SEED)}"
    end = time.monotonic() + SECONDS
    sums, sent, came, held = {}, 0, 0, []
    with soak.Program(sys.argv[1], "--rounds", origin, COUNT, *KINDS) as client:
        while len(held) < 3 or time.monotonic() < end:
            if held:
                client.process.stdin.write("\n")
                client.process.stdin.flush()
            counts = client.outcomes()
            soak.require(sum(counts.values()) == COUNT, f"requests were lost: {counts}")
            seen = soak.Counts(port)
            soak.require(seen.begun == seen.answered + seen.cut, f"a request ended twice, or never: {seen}")
            soak.require(seen.repeated == 0, f"{seen.repeated} requests came twice")
            soak.require(counts["ok"] <= seen.answered <= seen.begun <= COUNT, f"{counts} at the client, {seen} at the server")
            for name, times in counts.items():
                sums[name] = sums.get(name, 0) + times
            sent += COUNT
            came += seen.begun
            held.append((server.memory(), client.memory()))
        client.process.stdin.close()
        status = client.process.wait(120)
    print(f"{len(held)} rounds, seed {SEED}: {sent} requests sent, {came} came in")
    print("client:", ", ".join(f"{times} {name}" for name, times in sorted(sums.items(), key=lambda one: -one[1])))
    print("relay:", ", ".join(f"{times} {kind}" for kind, times in faults.items()))
    soak.require(status == 0, "an answer was wrong, or an error had no name")
    for name, of in (("server", [one for one, _ in held]), ("client", [one for _, one in held])):
        print(f"{name}: {of[1]} KiB after the second round, {max(of)} KiB at most, {of[-1]} KiB after the last")
        soak.require(max(of[1:]) - of[1] < SLACK, f"the {name}'s memory grew")
