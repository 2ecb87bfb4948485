"""Every path of the API that is served, and who answers it."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.polygon.rest import aggs, reference, snapshots, ticks

Answer = Callable[..., object]
_STOCKS = "/v2/snapshot/locale/us/markets/stocks"
_COINS = "/v2/snapshot/locale/global/markets/crypto"

ROUTES: list[tuple[str, Answer]] = [
    ("/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}", aggs.get_range),
    ("/v2/aggs/ticker/{ticker}/prev", aggs.get_previous),
    ("/v2/aggs/grouped/locale/us/market/stocks/{date}", aggs.get_grouped),
    ("/v2/aggs/grouped/locale/global/market/crypto/{date}", aggs.get_grouped_coins),
    ("/v1/open-close/{ticker}/{date}", aggs.get_open_close),
    ("/v3/trades/{ticker}", ticks.list_trades),
    ("/v3/quotes/{ticker}", ticks.list_quotes),
    ("/v2/last/trade/{ticker}", ticks.get_last_trade),
    ("/v2/last/nbbo/{ticker}", ticks.get_last_quote),
    ("/v1/last/crypto/{from}/{to}", ticks.get_last_coin),
    (f"{_STOCKS}/tickers", snapshots.list_stocks),
    (f"{_STOCKS}/tickers/{{ticker}}", snapshots.get_stock),
    (f"{_STOCKS}/{{direction}}", snapshots.list_movers),
    (f"{_COINS}/tickers", snapshots.list_coins),
    (f"{_COINS}/tickers/{{ticker}}", snapshots.get_coin),
    ("/v3/snapshot", snapshots.list_unified),
    ("/v3/reference/tickers/types", reference.list_types),
    ("/v3/reference/tickers", reference.list_tickers),
    ("/v3/reference/tickers/{ticker}", reference.get_ticker),
    ("/v3/reference/exchanges", reference.list_exchanges),
    ("/v3/reference/splits", reference.list_splits),
    ("/v3/reference/dividends", reference.list_dividends),
    ("/v1/marketstatus/now", reference.get_status),
    ("/v1/marketstatus/upcoming", reference.list_upcoming),
]
