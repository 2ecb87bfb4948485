"""Chains of options: told by month or strike by strike, never shown as whole when something is left out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.brokers.ibkr_web import IbkrWebBroker
from floorbroker.brokers.ibkr_web.rest.chains import ASKED_MAX, QUOTED_MAX
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, FloorbrokerError, SymbolNotFound
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.options import OptionChain
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Price
from floorbroker.transport.types import Lane, Request, Response
from tests.unit.brokers.ibkr_web.fakes import ACCOUNT, NOW, Gateway, approved, broker, limit_order, payload, reply, turn

pytestmark = pytest.mark.asyncio
D = Decimal
FRIDAY, WEEK_BEFORE, APRIL = date(2026, 3, 20), date(2026, 3, 13), date(2026, 4, 17)
INFO, STRIKES, SEARCH = "/iserver/secdef/info", "/iserver/secdef/strikes", "/iserver/secdef/search"
SNAPSHOT, LET_GO = "/iserver/marketdata/snapshot", "/iserver/marketdata/unsubscribe"
NO_CONTRACTS = reply({"error": "No Contracts retrieved "}, status=500)
BROKEN = reply({"error": "Service Unavailable", "statusCode": 503}, status=503)
TEN = [D(125) + 5 * n for n in range(10)]  # 125 to 170
HUNDRED = [D(100) + n for n in range(100)]

Rows = list[dict[str, Any]]


@dataclass
class Listing:
    """What the venue lists: strikes by day.  `whole` answers the question for strike 0; None: it is an error."""

    days: dict[date, list[Decimal]]
    whole: Callable[[Rows], object] | None = lambda rows: rows
    at: Callable[[Rows, Decimal, str], object] = lambda rows, strike, right: rows
    spot: str = "150.20"
    mark: str = "RpB"
    asked: list[tuple[Decimal, str]] = field(default_factory=list[tuple[Decimal, str]])
    looked: set[str] = field(default_factory=set[str])
    gateway: Gateway = field(default_factory=Gateway)

    def __post_init__(self) -> None:
        search = payload("search")
        search[0]["opt"] = ";".join(f"{day:%Y%m%d}" for day in self.days)
        self.gateway.set(SEARCH, search)
        self.gateway.set(STRIKES, self.strikes)
        self.gateway.set(INFO, self.info)
        self.gateway.set(SNAPSHOT, self.snapshot)
        self.gateway.set(LET_GO, {"success": True})

    def month(self, request: Request) -> dict[date, list[Decimal]]:
        wanted = dict(request.query)["month"]
        return {day: strikes for day, strikes in self.days.items() if f"{day:%b%y}".upper() == wanted}

    def strikes(self, request: Request) -> object:
        listed = sorted({float(one) for strikes in self.month(request).values() for one in strikes})
        return {"call": listed, "put": listed}

    def info(self, request: Request) -> object:
        query = dict(request.query)
        strike, right = D(query["strike"]), query["right"]
        rows = [row_of(day, one, right) for day, strikes in self.month(request).items() for one in strikes]
        if strike == 0:
            return NO_CONTRACTS if self.whole is None else self.whole(rows)
        self.asked.append((strike, right))
        return self.at([row for row in rows if row["strike"] == float(strike)], strike, right)

    def snapshot(self, request: Request) -> object:
        return [self.quote(conid) for conid in dict(request.query)["conids"].split(",")]

    def quote(self, conid: str) -> dict[str, Any]:
        named = {"conid": int(conid), "conidEx": conid}
        if conid not in self.looked:
            self.looked.add(conid)
            return named
        price = self.spot if conid == "265598" else "2.15"
        return named | {"6509": self.mark, "31": price, "84": "2.10", "86": "2.20", "85": "7", "88": "9"}

    @property
    def infos(self) -> int:
        return len(self.gateway.paths("secdef/info"))


def conid_of(day: date, strike: Decimal, right: str) -> int:
    return day.toordinal() * 100_000 + int(strike * 10) * 2 + (right == "P")


def row_of(day: date, strike: Decimal, right: str, **changes: Any) -> dict[str, Any]:
    base = payload("option_info")[0]
    terms = {"maturityDate": f"{day:%Y%m%d}", "strike": float(strike), "right": right}
    return base | terms | {"conid": conid_of(day, strike, right)} | changes


@asynccontextmanager
async def opened(listing: Listing, clock: ManualClock | None = None) -> AsyncGenerator[Asker]:
    clock = clock or ManualClock(NOW)
    venue = broker(listing.gateway, clock=clock)
    await venue.connect()
    yield Asker(venue, clock)
    await venue.disconnect()


@dataclass
class Asker:
    venue: IbkrWebBroker
    clock: ManualClock

    async def __call__(self, day: date | None = None, symbol: str = "AAPL") -> OptionChain:
        """A chain; time passes while the venue is asked again for prices."""
        asking = asyncio.ensure_future(self.venue.get_option_chain(symbol, day))
        while not asking.done():
            await turn()
            await self.clock.advance(0.3)
        return asking.result()


def told(chain: OptionChain) -> set[tuple[Decimal, str]]:
    return {(row.contract.strike, row.contract.right) for row in chain.contracts}


def both(strikes: list[Decimal]) -> set[tuple[Decimal, str]]:
    return {(strike, right) for strike in strikes for right in "CP"}


# -- a whole month in two questions -----------------------------------------------------------------------------------------


async def test_a_whole_month_is_two_questions_and_the_chain_is_whole() -> None:
    listing = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN, APRIL: TEN})
    async with opened(listing) as ask:
        chain = await ask()
    assert (chain.expiry, chain.expirations) == (WEEK_BEFORE, (WEEK_BEFORE, FRIDAY, APRIL))
    assert told(chain) == both(TEN)
    assert (chain.left_out, chain.note, chain.source, chain.asked_at) == (0, "", "ibkr_web", NOW)
    asked = [dict(one.query) for one in listing.gateway.requests if one.path.endswith(INFO)]
    assert [(one["month"], one["strike"], one["right"]) for one in asked] == [("MAR26", "0", "C"), ("MAR26", "0", "P")]
    first = chain.contracts[0]
    assert (first.contract.symbol, first.underlying, first.multiplier) == ("AAPL  260313C00125000", "AAPL", 100)
    assert (first.bid, first.ask, first.bid_size, first.ask_size, first.last) == (D("2.10"), D("2.20"), 9, 7, D("2.15"))


async def test_the_lookups_of_a_chain_stand_in_the_lowest_lane() -> None:
    listing = Listing({FRIDAY: TEN}, whole=None)
    async with opened(listing) as ask:
        await ask()
    lanes = {one.lane for one in listing.gateway.requests if "secdef" in one.path or "marketdata" in one.path}
    assert lanes == {Lane.QUERY}


async def test_what_was_told_is_kept_for_the_day_and_prices_are_not() -> None:
    listing, clock = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN}), ManualClock(NOW)
    async with opened(listing, clock) as ask:
        before = await ask()
        lookups, looks = len(listing.gateway.paths("secdef")), len(listing.gateway.paths("snapshot"))
        assert told(await ask()) == told(before)
        assert (await ask(FRIDAY)).expiry == FRIDAY  # of the same month
        assert len(listing.gateway.paths("secdef")) == lookups
        assert len(listing.gateway.paths("snapshot")) > looks
        clock.set(datetime(2026, 3, 3, 4, 59, tzinfo=UTC))  # a minute to midnight in New York
        await ask()
        assert len(listing.gateway.paths("secdef")) == lookups
        clock.set(datetime(2026, 3, 3, 5, 1, tzinfo=UTC))
        await ask()
        assert len(listing.gateway.paths("secdef")) == 2 * lookups


async def test_a_new_session_is_searched_in_again_and_told_nothing_twice() -> None:
    listing, clock = Listing({WEEK_BEFORE: TEN, APRIL: TEN}), ManualClock(NOW)
    async with opened(listing, clock) as ask:
        await ask()
        listing.gateway.set("/iserver/account/orders", reply({"error": "Bad Request: no bridge"}, status=400))
        with pytest.raises(FloorbrokerError):
            await ask.venue.get_open_orders()
        infos = listing.infos
        await ask()
        assert (len(listing.gateway.paths("secdef/search")), listing.infos) == (2, infos)
        assert told(await ask(APRIL)) == both(TEN)


async def test_a_contract_of_a_chain_is_ordered_without_another_look_up() -> None:
    listing = Listing({FRIDAY: TEN})
    async with opened(listing) as ask:
        await ask()
        lookups = len(listing.gateway.paths("secdef"))
        await ask.venue.submit_order(approved(limit_order(symbol="AAPL  260320P00150000", price=Price(D("2.15")))))
        (body,) = listing.gateway.bodies(f"/iserver/account/{ACCOUNT}/orders")
    assert body["orders"][0]["conid"] == conid_of(FRIDAY, D(150), "P")
    assert len(listing.gateway.paths("secdef")) == lookups


# -- an answer for a whole month that leaves something out --------------------------------------------------------------------


async def test_a_month_that_was_cut_off_is_not_believed() -> None:
    """The last strikes of the last day are missing: every strike of the month and every day of it were named all the same."""
    listing = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN}, whole=lambda rows: rows[:-3])
    async with opened(listing) as ask:
        assert (await ask()).left_out == 0
        chain = await ask(FRIDAY)
    assert told(chain) == both(TEN)
    assert chain.left_out == 0


async def test_a_strike_that_stands_in_no_answer_is_asked_for() -> None:
    listing = Listing({FRIDAY: TEN}, whole=lambda rows: [row for row in rows if row["strike"] != 150.0])
    async with opened(listing) as ask:
        chain = await ask()
    assert set(listing.asked) == {(D(150), "C"), (D(150), "P")}
    assert told(chain) == both(TEN)


async def test_strikes_of_another_day_are_believed_but_for_those_next_to_the_ends() -> None:
    listing = Listing({WEEK_BEFORE: TEN[3:7], FRIDAY: TEN})
    async with opened(listing) as ask:
        chain = await ask()
    assert set(listing.asked) == {(D(135), "C"), (D(135), "P"), (D(160), "C"), (D(160), "P")}
    assert (told(chain), chain.left_out) == (both(TEN[3:7]), 0)


async def test_a_day_that_stands_in_no_answer_is_asked_for_strike_by_strike() -> None:
    listing = Listing(
        {WEEK_BEFORE: TEN, FRIDAY: TEN},
        whole=lambda rows: [row for row in rows if row["maturityDate"] != "20260320"],
    )
    async with opened(listing) as ask:
        chain = await ask(FRIDAY)
    assert (told(chain), chain.left_out) == (both(TEN), 0)


# -- strike by strike ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [None, lambda rows: [], lambda rows: {"error": "strike is required"}])
async def test_without_an_answer_for_a_month_each_strike_and_right_is_asked_for(whole: Any) -> None:
    listing = Listing({FRIDAY: TEN}, whole=whole)
    async with opened(listing) as ask:
        chain = await ask()
    assert (told(chain), chain.left_out, chain.note) == (both(TEN), 0, "")
    assert len(listing.asked) == len(set(listing.asked)) == 20
    assert [strike for strike, _ in listing.asked[:4]] == [150, 150, 155, 155]  # the price is 150.20


async def test_what_one_call_leaves_out_is_counted_and_the_next_call_goes_on() -> None:
    listing = Listing({FRIDAY: HUNDRED}, whole=None)
    async with opened(listing) as ask:
        chain = await ask()
        assert len(listing.asked) == ASKED_MAX
        assert {strike for strike, _ in told(chain)} == {D(strike) for strike in range(141, 161)}  # the price is 150.20
        assert chain.left_out == 80
        assert chain.note.startswith("80 more strikes are listed in that month, and were not asked for yet: ask again")
        left = [chain.left_out]
        while chain.left_out:
            chain = await ask()
            left.append(chain.left_out)
    assert left == [80, 60, 40, 20, 0]
    assert told(chain) == both(HUNDRED)
    assert len(listing.asked) == len(set(listing.asked)) == 200


async def test_a_slow_gateway_is_asked_for_twelve_seconds_and_no_longer() -> None:
    clock = ManualClock(NOW)

    def slowly(rows: Rows, strike: Decimal, right: str) -> object:
        clock.set(datetime.fromtimestamp(clock.now().timestamp() + 1, UTC))
        return rows

    listing = Listing({FRIDAY: HUNDRED}, whole=None, at=slowly)
    async with opened(listing, clock) as ask:
        chain = await ask()
    assert len(listing.asked) == 12
    assert chain.left_out == 94


async def test_the_middle_strike_is_where_the_market_is_when_no_price_says_so() -> None:
    listing = Listing({FRIDAY: HUNDRED}, whole=None)

    def nothing(request: Request) -> object:
        return [{"conid": 265598}] if dict(request.query)["conids"] == "265598" else listing.snapshot(request)

    listing.gateway.set(SNAPSHOT, nothing)
    async with opened(listing) as ask:
        await ask()
    assert listing.asked[0][0] == 150


@pytest.mark.parametrize(("told_as", "near"), [("C131.5", 131), ("H131.5", 131), ("131.5", 131)])
async def test_a_close_and_a_delayed_price_say_which_strikes_are_near(told_as: str, near: int) -> None:
    listing = Listing({FRIDAY: HUNDRED}, whole=None, spot=told_as, mark="D")
    async with opened(listing) as ask:
        chain = await ask()
    assert abs(listing.asked[0][0] - D("131.5")) <= D("0.5")
    assert abs(near - listing.asked[0][0]) <= 1
    assert all(row.bid is None and row.ask is None for row in chain.contracts)


async def test_a_strike_of_which_the_venue_has_no_contract_is_no_strike_of_the_chain() -> None:
    listing = Listing({FRIDAY: TEN}, whole=None)
    listing.at = lambda rows, strike, right: NO_CONTRACTS if (strike, right) == (D(145), "C") else rows
    async with opened(listing) as ask:
        chain = await ask()
    assert told(chain) == both(TEN) - {(D(145), "C")}
    assert chain.left_out == 0


async def test_a_question_that_fails_ends_the_call_and_others_are_asked_before_it_next_time() -> None:
    listing = Listing({FRIDAY: TEN}, whole=None)
    listing.at = lambda rows, strike, right: BROKEN if strike == 155 else rows
    async with opened(listing) as ask:
        chain = await ask()
        assert (told(chain), chain.left_out) == ({(D(150), "C"), (D(150), "P")}, 9)
        for _ in range(2):
            chain = await ask()
        assert told(chain) == both(TEN) - {(D(155), "C"), (D(155), "P")}
        assert chain.left_out == 1
        listing.at = lambda rows, strike, right: rows
        assert (await ask()).left_out == 0


async def test_a_failure_is_raised_while_nothing_is_known() -> None:
    listing = Listing({FRIDAY: TEN}, whole=None)
    listing.at = lambda rows, strike, right: BROKEN if (strike, right) == (D(150), "C") else rows
    async with opened(listing) as ask:
        with pytest.raises(ApiError, match="150 C"):
            await ask()
        chain = await ask()
    assert told(chain) == both(TEN) - {(D(150), "C")}
    assert chain.left_out == 1


async def test_an_answer_about_other_strikes_is_none() -> None:
    listing = Listing({FRIDAY: TEN}, whole=None)
    listing.at = lambda rows, strike, right: [row_of(FRIDAY, D(125), right)] if strike == 155 else rows
    async with opened(listing) as ask:
        chain = await ask()
    assert told(chain) == {(D(150), "C"), (D(150), "P")}
    assert chain.left_out == 9


# -- whose contracts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"tradingClass": "AAPL1"},
        {"tradingClass": None},
        {"currency": "CAD"},
        {"multiplier": "10"},
        {"right": "?"},
        {"strike": 150.0001},
    ],
)
async def test_adjusted_and_foreign_contracts_are_none_of_the_chain(changes: dict[str, Any]) -> None:
    listing = Listing({FRIDAY: TEN})
    listing.whole = lambda rows: [*rows, row_of(FRIDAY, D(150), rows[0]["right"]) | {"conid": 7} | changes]
    async with opened(listing) as ask:
        chain = await ask()
    assert told(chain) == both(TEN)
    assert all(row.bid is not None for row in chain.contracts)


async def test_a_contract_with_two_numbers_has_no_price_and_is_looked_up_by_an_order() -> None:
    listing = Listing({FRIDAY: TEN})
    listing.whole = lambda rows: [*rows, row_of(FRIDAY, D(150), rows[0]["right"], conid=7)]
    async with opened(listing) as ask:
        chain = await ask()
        assert {row.contract.strike for row in chain.contracts if row.bid is None} == {D(150)}
        listing.at = lambda rows, strike, right: [*rows, row_of(FRIDAY, strike, right, conid=7)]
        with pytest.raises(SymbolNotFound, match="2 contracts"):
            await ask.venue.get_instrument("AAPL  260320P00150000")


# -- prices -------------------------------------------------------------------------------------------------------------------


async def test_the_nearest_contracts_have_prices_and_the_others_say_so() -> None:
    listing = Listing({FRIDAY: HUNDRED})
    async with opened(listing) as ask:
        chain = await ask()
    quoted = {row.contract.strike for row in chain.contracts if row.bid is not None}
    assert len([row for row in chain.contracts if row.bid is not None]) == QUOTED_MAX
    assert (min(quoted), max(quoted)) == (146, 155)
    assert chain.left_out == 0
    assert chain.note == "prices are those of the 20 contracts nearest to 150.2: ask for the quote of another"


async def test_delayed_prices_are_not_shown_as_those_of_now() -> None:
    listing = Listing({FRIDAY: TEN}, mark="DPB")
    async with opened(listing) as ask:
        chain = await ask()
    assert all(row.bid is None and row.last is None and row.time is None for row in chain.contracts)
    assert chain.note == "the venue tells no real-time prices of these options"


async def test_lines_of_market_data_that_nobody_looks_at_are_let_go_of() -> None:
    listing = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN, APRIL: TEN})
    async with opened(listing) as ask:
        await ask()
        await ask(FRIDAY)
        assert listing.gateway.bodies(LET_GO) == []  # forty are fine
        await ask(APRIL)
        gone = {body["conid"] for body in listing.gateway.bodies(LET_GO)}
        assert gone == {conid_of(WEEK_BEFORE, strike, right) for strike, right in both(TEN)}
        await ask(FRIDAY)
        assert len(listing.gateway.bodies(LET_GO)) == 20


async def test_a_contract_that_the_stream_listens_to_keeps_its_line() -> None:
    listing = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN, APRIL: TEN})
    streamed = OptionContract(root="AAPL", expiry=WEEK_BEFORE, right="P", strike=D(150))
    async with opened(listing) as ask:
        await ask()
        await ask.venue.subscribe_market_data([streamed.symbol], frozenset({DataKind.QUOTES}), lambda _: None)
        await ask(FRIDAY)
        await ask(APRIL)
        gone = {body["conid"] for body in listing.gateway.bodies(LET_GO)}
    assert conid_of(WEEK_BEFORE, D(150), "P") not in gone
    assert len(gone) == 19


# -- nothing to be had --------------------------------------------------------------------------------------------------------


async def test_a_day_on_which_nothing_expires_and_a_share_without_options_are_not_found() -> None:
    listing = Listing({FRIDAY: TEN})
    async with opened(listing) as ask:
        with pytest.raises(SymbolNotFound, match="2026-03-19"):
            await ask(date(2026, 3, 19))
        with pytest.raises(SymbolNotFound, match="NOSUCH"):
            await ask(symbol="NOSUCH")
    bare = Listing({FRIDAY: TEN})
    bare.gateway.set(SEARCH, [payload("search")[0] | {"opt": None, "sections": [{"secType": "STK"}]}])
    async with opened(bare) as ask:
        with pytest.raises(SymbolNotFound, match="no option on AAPL"):
            await ask()


async def test_a_day_of_other_classes_alone_has_no_chain() -> None:
    listing = Listing({FRIDAY: TEN}, whole=lambda rows: [row | {"tradingClass": "AAPL1"} for row in rows])
    listing.at = lambda rows, strike, right: [row | {"tradingClass": "AAPL1"} for row in rows]
    async with opened(listing) as ask:
        with pytest.raises(SymbolNotFound, match="2026-03-20"):
            await ask()


@pytest.mark.parametrize("opt", [None, "", "soon", "20260231", "2026320"])
async def test_days_that_nobody_can_read_are_an_error(opt: str | None) -> None:
    listing = Listing({FRIDAY: TEN})
    listing.gateway.set(SEARCH, [payload("search")[0] | {"opt": opt}])
    async with opened(listing) as ask:
        with pytest.raises(ApiError):
            await ask()


async def test_a_month_without_strikes_is_an_error_after_which_the_share_is_searched_for_again() -> None:
    listing = Listing({FRIDAY: TEN})
    listing.gateway.set(STRIKES, {"call": [], "put": []}, listing.strikes)
    async with opened(listing) as ask:
        with pytest.raises(ApiError, match="no strikes of AAPL in MAR26"):
            await ask()
        assert told(await ask()) == both(TEN)
    assert len(listing.gateway.paths("secdef/search")) == 2


HOSTILE: list[object] = [
    None, [], {}, [None], [[]], "text", 7, [{"conid": "x"}], [{"conid": -1, "symbol": "AAPL"}], {"call": ["NaN"], "put": None},
    {"call": [1e300, -5, 0], "put": [150.00001]}, [payload("option_info")[0] | {"strike": "1e400"}],
    [payload("option_info")[0] | {"maturityDate": "x"}], [payload("option_info")[0] | {"conid": True}],
    [payload("option_info")[0] | {"multiplier": []}], [{"conid": 265598, "6509": "R", "31": "9" * 90, "84": [], "86": {}}],
    [payload("search")[0] | {"opt": ";;", "sections": None}], [payload("search")[0] | {"opt": "20260320;20260320"}],
    Response(status=200, body=b"<html>"), Response(status=500, body=b"\xff"), Response(status=404, body=b""),
    Response(status=200, body=b"[" * 5000),
]  # fmt: skip


@pytest.mark.parametrize("path", [SEARCH, STRIKES, INFO, SNAPSHOT, "/trsrv/stocks"])
@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_answers_are_an_error_of_ours_or_a_chain_that_adds_up(path: str, answer: object) -> None:
    listing = Listing({WEEK_BEFORE: TEN, FRIDAY: TEN})
    listing.gateway.set(path, answer)
    async with opened(listing) as ask:
        (chain,) = await asyncio.gather(ask(FRIDAY), return_exceptions=True)
    if not isinstance(chain, OptionChain):
        assert isinstance(chain, ApiError | SymbolNotFound)
        return
    assert {row.contract.expiry for row in chain.contracts} <= {FRIDAY}
    assert told(chain) <= both(TEN)
    assert chain.left_out == 0 or "ask again" in chain.note
    assert told(chain) == both(TEN) or chain.left_out
