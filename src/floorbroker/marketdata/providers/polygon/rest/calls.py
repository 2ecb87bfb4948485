"""One builder for each endpoint that is asked.  Document: massive.com/docs/rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from floorbroker.domain.errors import ApiError
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.marketdata.providers.polygon import wire
from floorbroker.marketdata.providers.polygon.mapping import MARKETS, millis, ticker_of, window_of
from floorbroker.transport.types import Request

_MOST_AGGS, _MOST_TICKS, _MOST_ROWS = "50000", "50000", "1000"
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Requests to one origin."""

    origin: str
    timeout_s: float = 20.0

    def _get(self, path: str, endpoint: str, query: Query = ()) -> Request:
        return Request(
            method="GET", origin=self.origin, path=path, endpoint=endpoint, query=query, timeout_s=self.timeout_s
        )  # fmt: skip

    def aggs(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Request:
        """Raw bars that begin in the range; the service counts both ends in."""
        count, unit = window_of(span_s)
        path = f"/v2/aggs/ticker/{_part(ticker_of(symbol))}/range/{count}/{unit}/{millis(start)}/{millis(end) - 1}"
        query = (("adjusted", "false"), ("sort", "asc"), ("limit", _MOST_AGGS))
        return self._get(path, "aggs", query)

    def grouped(self, day: date) -> Request:
        """Raw bars of every share on one day."""
        path = f"/v2/aggs/grouped/locale/us/market/stocks/{day.isoformat()}"
        return self._get(path, "aggs.grouped", (("adjusted", "false"),))

    def trades(self, symbol: str, *, start: datetime, end: datetime) -> Request:
        return self._ticks("trades", symbol, start, end)

    def quotes(self, symbol: str, *, start: datetime, end: datetime) -> Request:
        return self._ticks("quotes", symbol, start, end)

    def _ticks(self, kind: str, symbol: str, start: datetime, end: datetime) -> Request:
        query = (
            ("timestamp.gte", f"{millis(start)}000000"), ("timestamp.lt", f"{millis(end)}000000"), ("order", "asc"),
            ("sort", "timestamp"), ("limit", _MOST_TICKS),
        )  # fmt: skip
        return self._get(f"/v3/{kind}/{_part(ticker_of(symbol))}", kind, query)

    def last_quote(self, symbol: str) -> Request:
        return self._get(f"/v2/last/nbbo/{_part(ticker_of(symbol))}", "last")

    def snapshots(self, symbols: tuple[str, ...], *, coins: bool) -> Request:
        """Some tickers of one market, or all of it."""
        market = MARKETS[AssetClass.CRYPTO if coins else AssetClass.EQUITY]
        place = f"global/markets/{market}" if coins else f"us/markets/{market}"
        names = ",".join(ticker_of(one) for one in symbols if (asset_class_of(one) is AssetClass.CRYPTO) is coins)
        return self._get(f"/v2/snapshot/locale/{place}/tickers", "snapshots", (("tickers", names),) if names else ())

    def tickers(self, *, market: str, search: str = "") -> Request:
        query = (("market", market), ("active", "true"), ("order", "asc"), ("sort", "ticker"), ("limit", _MOST_ROWS))
        return self._get("/v3/reference/tickers", "reference", (*query, ("search", search)) if search else query)

    def ticker(self, symbol: str) -> Request:
        return self._get(f"/v3/reference/tickers/{_part(ticker_of(symbol))}", "reference")

    def splits(self, symbol: str, *, first: date, last: date) -> Request:
        return self._actions("splits", "execution_date", symbol, first, last)

    def dividends(self, symbol: str, *, first: date, last: date) -> Request:
        return self._actions("dividends", "ex_dividend_date", symbol, first, last)

    def _actions(self, kind: str, day: str, symbol: str, first: date, last: date) -> Request:
        query = (
            ("ticker", ticker_of(symbol)), (f"{day}.gte", first.isoformat()), (f"{day}.lte", last.isoformat()),
            ("order", "asc"), ("sort", day), ("limit", _MOST_ROWS),
        )  # fmt: skip
        return self._get(f"/v3/reference/{kind}", "reference", query)

    def status(self) -> Request:
        return self._get("/v1/marketstatus/now", "status")

    def next(self, before: Request, url: str) -> Request:
        """The page behind `before`: path and query of the service's word, at our origin, and never a key in it.

        Raises `ApiError` for a page of another endpoint.
        """
        parts = urlsplit(url)
        family = before.path.split("/")[1:3]
        if parts.path.split("/")[1:3] != family:
            raise ApiError("the next page belongs to another endpoint", broker=wire.BROKER)
        query = tuple(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "apiKey")
        return self._get(parts.path, before.endpoint, query)


def _part(name: str) -> str:
    """A ticker as one part of a path; a colon may stay."""
    return quote(name, safe=":")
