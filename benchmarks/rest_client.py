"""A program that places orders at the REST door of a desk, one after the other over one connection: the standard library alone.

With `ORDER_PATH` it posts the same to another path, which answers 200: what the client itself and the way there and back take.

ORDER_URL=http://… ORDER_TOKEN=… python -m benchmarks.rest_client
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
from urllib.parse import urlsplit

from benchmarks.peers.speak import Answer, prepare, serve, timed

BODY = json.dumps(
    {
        "symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "2", "limit_price": "150.25",
        "time_in_force": "day", "allow_duplicate": True,
    }
).encode()  # fmt: skip


def main() -> None:
    prepare(cpu=1)
    place, numbers, run = urlsplit(os.environ["ORDER_URL"]), itertools.count(1), os.getpid()
    door = http.client.HTTPConnection(place.hostname or "", place.port)
    path = os.environ.get("ORDER_PATH", "/api/v1/sim/orders")
    expected = 200 if "ORDER_PATH" in os.environ else 201
    headers = {"Authorization": f"Bearer {os.environ['ORDER_TOKEN']}", "Content-Type": "application/json"}

    def submit() -> None:
        key = {"Idempotency-Key": f"bench-{run}-{next(numbers)}"}
        door.request("POST", path, BODY, headers | key)
        answer = door.getresponse()
        told = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"an order was answered {answer.status}: {told[:300]!r}")

    def sequential(count: int) -> Answer:
        """Over a fresh connection: a server lets go of one that was idle while others were measured."""
        door.close()
        door.connect()
        door.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        submit()
        return timed(submit, count)

    serve({"sequential": sequential}, "floorbroker")


if __name__ == "__main__":
    main()
