"""picows by itself on uvloop: every message that arrives is decoded by orjson in its callback, and counted."""

from __future__ import annotations

import asyncio
import os
import time

import orjson
import picows
import uvloop
from speak import Answer, prepare, serve_async


async def ingest(count: int) -> Answer:
    """Nanoseconds a message, from the handshake to the last of `count`."""
    done = asyncio.get_running_loop().create_future()
    decode, heard = orjson.loads, 0

    class Listener(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            nonlocal heard
            decode(frame.get_payload_as_memoryview())
            heard += 1
            if heard == count:
                done.set_result(time.perf_counter_ns())

    transport, _ = await picows.ws_connect(Listener, os.environ["INGEST_URL"])
    began = time.perf_counter_ns()
    took = await done - began
    transport.disconnect(graceful=False)
    await transport.wait_disconnected()
    return {"ns": took / count}


async def main() -> None:
    await serve_async({"ingest": ingest}, "picows", "orjson", "uvloop")


prepare(cpu=0)
uvloop.run(main())
