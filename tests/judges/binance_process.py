"""One simulator process of Binance, and the hands on its control door: what both judges stand on."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPConnection
from typing import Any


class Sim:
    """Started with the seed of the tests, stopped by `close`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "binance", "--rate", "0", "--seed", "7"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.key: str = self.line["credentials"]["BROKER_API_KEY"]
        self.secret: str = self.line["credentials"]["BROKER_SECRET_KEY"]

    @property
    def rest(self) -> str:
        return self.line["rest"]

    @property
    def ws(self) -> str:
        return self.line["ws"]

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("GET" if body is None else "POST", path, None if body is None else json.dumps(body))
            text = door.getresponse().read()
        finally:
            door.close()
        return json.loads(text) if text else None

    def price(self, bid: str, ask: str, last: str | None = None, symbol: str = "BTC/USDT") -> None:
        self.control("/price", {"symbol": symbol, "bid": bid, "ask": ask} | ({"last": last} if last else {}))

    def fresh(self) -> Sim:
        """As on the first day, with Bitcoin at 60,000."""
        self.control("/reset", {})
        self.price("59999", "60001", "60000")
        return self

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()
