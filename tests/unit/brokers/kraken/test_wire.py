"""Numbers of a reply that no venue means."""

from __future__ import annotations

import pytest

from floorbroker.brokers.kraken import wire
from floorbroker.domain.errors import ApiError, Outcome

HUGE = 10**4000


@pytest.mark.parametrize("number", [-1, 2**63, HUGE], ids=["negative", "too long", "huge"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (wire.Counted, '{"count": %s}'),
        (wire.Trades, '{"trades": {}, "count": %s}'),
        (wire.ClosedOrders, '{"closed": {}, "count": %s}'),
        (wire.Frame, '{"sequence": %s}'),
        (wire.Frame, '{"req_id": %s}'),
        (wire.Book, '{"symbol": "BTC/USD", "checksum": %s}'),
        (wire.TradeItem, '{"symbol": "BTC/USD", "side": "buy", "price": 1, "qty": 1, "trade_id": %s}'),
        (wire.Pair, '{"altname": "XBTUSD", "pair_decimals": %s}'),
        (wire.PairRules, '{"symbol": "BTC/USD", "price_precision": %s, "qty_precision": 1}'),
        (list[wire.OhlcRow], '[[%s, "1", "1", "1", "1", "1", "1", 1]]'),
    ],
)
def test_a_whole_number_beyond_reason_is_an_unreadable_reply(kind: type[object], text: str, number: int) -> None:
    assert wire.decode((text % 7).encode(), kind, what="it")
    with pytest.raises(ApiError) as caught:
        wire.decode((text % number).encode(), kind, what="it")
    assert caught.value.outcome is Outcome.UNKNOWN
