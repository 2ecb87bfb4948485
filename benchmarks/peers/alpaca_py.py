"""alpaca-py's `TradingClient.submit_order`, as its users call it: no journal, no risk check."""

from __future__ import annotations

import os

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest
from speak import prepare, serve, timed


def main() -> None:
    prepare(cpu=0)
    key, secret, url = (os.environ[name] for name in ("BROKER_API_KEY", "BROKER_SECRET_KEY", "BROKER_URL"))
    client = TradingClient(key, secret, paper=True, url_override=url)

    tif = TimeInForce(os.environ.get("ORDER_TIF", "day"))

    def submit() -> object:
        request = LimitOrderRequest(symbol="AAPL", qty=2, side=OrderSide.BUY, limit_price=150.25, time_in_force=tif)
        return client.submit_order(request)

    serve({"sequential": lambda count: timed(submit, count)}, "alpaca-py", "requests", "pydantic")


main()
