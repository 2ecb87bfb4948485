"""The fixed-reply server: a venue's answers, written down once, so that every client meets the same cost.

Every order is accepted, and nothing is counted or matched.  Between rounds `POST /bench/end` cancels what is open and tells it as
the venue would, so that no round begins with the orders of the last one.

    python -m benchmarks.server alpaca        prints {"url": ...} and serves until it is ended
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress

from benchmarks.fixed.alpaca import Alpaca
from benchmarks.fixed.http import Client, Door
from benchmarks.fixed.tradier import Tradier
from benchmarks.fixed.tws import Line, Tws
from benchmarks.peers.speak import prepare

Protocols = Callable[[], asyncio.Protocol]


def _alpaca() -> Protocols:
    door = Door(Alpaca())
    return lambda: Client(door)


def _tradier() -> Protocols:
    door = Door(Tradier())
    return lambda: Client(door)


def _ibkr() -> Protocols:
    program = Tws()
    return lambda: Line(program)


VENUES: dict[str, Callable[[], Protocols]] = {"alpaca": _alpaca, "tradier": _tradier, "ibkr": _ibkr}


async def serve(word: str) -> None:
    """Serve on a free port of loopback."""
    server = await asyncio.get_running_loop().create_server(VENUES[word](), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{port}"}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.server", description=__doc__)
    parser.add_argument("venue", choices=VENUES)
    asked = parser.parse_args().venue
    prepare(cpu=1)
    with suppress(KeyboardInterrupt):
        try:
            import uvloop
        except ImportError:
            asyncio.run(serve(asked))
        else:
            uvloop.run(serve(asked))
