"""Whatever is asked, a simulated OANDA answers in its own words and stays whole; and faults befall its streams."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Request
from floorbroker_sim.oanda import info
from floorbroker_sim.oanda.rest.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.sim.oanda.conftest import OandaAsker

MEMBERS = (
    "type", "instrument", "units", "price", "distance", "priceBound", "timeInForce", "gtdTime", "positionFill",
    "triggerCondition", "guaranteed", "tradeID", "clientTradeID", "clientExtensions", "tradeClientExtensions",
    "takeProfitOnFill", "stopLossOnFill", "trailingStopLossOnFill", "longUnits", "shortUnits", "alias", "marginRate",
    "takeProfit", "stopLoss", "trailingStopLoss",
)  # fmt: skip
QUERY = (
    "instruments", "count", "from_", "to", "id", "state", "ids", "beforeID", "type", "pageSize", "sinceTransactionID",
    "price", "granularity", "dailyAlignment", "alignmentTimezone", "weeklyAlignment", "smooth", "candleSpecifications", "since",
)  # fmt: skip
WORDS = (
    "0", "1", "-1", "NaN", "1e999999999", "0.001", "100", "9" * 400, "²", "2026-03-02T14:59:00Z", "1772463600.5",
    "0001-01-01T00:00:00Z",
    *info.TIMES, *info.FILLS, *info.TRIGGERS, "GTC", "GTD", "FOK", "EUR_USD", "USD_JPY", "3", "@x", "ALL",
    "true", "\x00", "", "D", "MBA",
    "EUR_USD:S5:M",
)  # fmt: skip
PLAIN = st.sampled_from(WORDS) | st.text(max_size=6) | st.integers(-3, 10**19) | st.booleans() | st.none() | st.just([])
NESTED = st.dictionaries(
    st.sampled_from(["id", "tag", "price", "distance", "timeInForce", "gtdTime"]), PLAIN, max_size=4
)
ORDER = st.dictionaries(st.sampled_from(MEMBERS), PLAIN | NESTED, max_size=10)
QUERIES = st.dictionaries(st.sampled_from(QUERY), st.sampled_from(WORDS), max_size=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(ROUTES), order=ORDER, wrap=st.booleans(), query=QUERIES)
def test_anything_on_any_path_has_an_answer(
    ask: OandaAsker, route: tuple[str, str, Callable[..., object]], order: dict[str, Any], *, wrap: bool, query: Any
) -> None:
    method, path, _ = route
    for name, value in (("accountID", ask.venue.keys.account), ("instrument", "EUR_USD"), ("transactionID", "1")):
        path = path.replace(f"{{{name}}}", value)
    path = path.replace("{orderSpecifier}", "3").replace("{tradeSpecifier}", "4")
    whole = {"type": "LIMIT", "instrument": "EUR_USD", "units": "10", "price": "1.05"} | order if wrap else order
    reply = ask.raw(method, path, {"order": whole} if wrap else order, **query)
    assert reply.status in {200, 201, 400, 404, 416}
    json.loads(reply.body)
    log = ask.log()
    assert [entry["id"] for entry in log] == [str(n) for n in range(1, len(log) + 1)]
    assert Decimal(ask.summary()["balance"]) == next(
        Decimal(e["accountBalance"]) for e in log[::-1] if "accountBalance" in e
    )


def test_a_number_written_to_be_endless_is_refused_at_once(ask: OandaAsker) -> None:
    for units in (b"1e999999999", b"1" + b"0" * 5000, b"-1e-999999999"):
        raw = b'{"order":{"type":"MARKET","instrument":"EUR_USD","units":' + units + b"}}"
        assert ask.refused("POST", "./orders", raw)[0] == 400


async def _turns() -> None:
    """Let everybody else have a few turns."""
    for _ in range(20):
        await asyncio.sleep(0)


def _streamed(ask: OandaAsker, fault: dict[str, Any]) -> list[str]:
    """The ids that come over the transaction stream under a fault, while three orders are refused."""
    assert ask.door("POST", "/faults", {"faults": [fault]})[0] == 200
    said: list[bytes] = []

    async def main() -> None:
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if said:
                await gone.wait()
                return {"type": "http.disconnect"}
            said.append(b"")
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            said.append(message.get("body", b""))

        headers = [(name.encode(), value.encode()) for name, value in ask.headers.items()]
        scope = {"type": "http", "method": "GET", "path": f"{ask.account}/transactions/stream", "headers": headers}
        listening = asyncio.ensure_future(ask.venue.app(scope, receive, send))
        await _turns()
        for _ in range(3):
            ask.no(units="0")
            await _turns()
        gone.set()
        await listening

    asyncio.run(main())
    assert ask.venue.streams == []
    return [json.loads(line)["id"] for line in b"".join(said).split(b"\n") if line]


@pytest.mark.parametrize(
    ("what", "ids"),
    [("drop", ["3", "5"]), ("duplicate", ["3", "4", "4", "5"]), ("reorder", ["3", "5", "4"]), ("mute", ["3"])],
)
def test_a_lost_line_is_a_gap_of_ids_that_the_log_fills(ask: OandaAsker, what: str, ids: list[str]) -> None:
    assert _streamed(ask, {"where": "stream", "what": what, "when": {"nth": 2}}) == ids
    assert [one["id"] for one in ask("GET", "./transactions/sinceid", id=2)["transactions"]] == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("what", "status"), [("throttle", 429), ("token_expiry", 401), ("ban", 403), ("status", 500), ("maintenance", 503)]
)
def test_faults_wear_the_venues_face(ask: OandaAsker, what: Any, status: int) -> None:
    reply = ask.venue.refusal(Fault(where="request", what=what), Request(method="GET", path="/v3/accounts"))
    assert reply.status == status
    assert what == "maintenance" or set(json.loads(reply.body)) == {"errorMessage"}
