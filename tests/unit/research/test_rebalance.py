"""Weights as orders: what the money of each account can pay, in whole lots, and everything else named."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.errors import ConfigInvalid, InvalidRequest
from floorbroker.research.accounts import Account, read_accounts
from floorbroker.research.rebalance import Proposal, Rules, propose

D = Decimal
PRICES = {"AAA": D(100), "BBB": D(50), "BTC/USD": D(60_000), "OLD": D(10)}
EXACT = Rules(reserve=D(0), collar_bps=D(0), least=D(1))


def account(cash: str = "10000", **members: object) -> Account:
    given = {"cash": D(cash), "equity": D(cash), "buying_power": D(cash)} | members
    return Account(**given)  # type: ignore[arg-type]


def orders(proposal: Proposal) -> list[tuple[str, str, str, str]]:
    return [(one.profile, one.side, one.symbol, one.quantity) for one in proposal.orders]


def test_what_is_held_anywhere_counts_and_is_sold_where_it_costs_least() -> None:
    accounts = {
        "cheap": account("0", equity=D(3000), positions={"AAA": D(30)}),
        "dear": account("3000", equity=D(6000), fee_bps=D(20), positions={"AAA": D(30)}),
    }
    proposal = propose({"AAA": D("0.5")}, accounts, PRICES, EXACT)
    assert orders(proposal) == [("cheap", "sell", "AAA", "15")]
    assert {one.symbol: one.after for one in proposal.lines} == {"AAA": "0.500000"}


def test_what_is_missing_is_bought_where_it_costs_least_with_the_money_that_is_there() -> None:
    accounts = {"cheap": account("1000"), "dear": account("9000", fee_least=D(5))}
    proposal = propose({"AAA": D("0.5")}, accounts, PRICES, EXACT)
    assert orders(proposal) == [("cheap", "buy", "AAA", "10"), ("dear", "buy", "AAA", "40")]
    assert proposal.purses["dear"].fees == "5.00"
    held = {"cheap": account("1000"), "holds": account("9000", positions={"AAA": D(1)})}
    assert (
        orders(propose({"AAA": D("0.01")}, held, PRICES, EXACT)) == []
    )  # one unit is a hundredth of the whole already


def test_what_sales_will_bring_is_not_spent_yet() -> None:
    accounts = {"one": account("0", equity=D(5000), positions={"AAA": D(50)})}
    proposal = propose({"AAA": D("0.5"), "BBB": D("0.5")}, accounts, PRICES, EXACT)
    assert orders(proposal) == [("one", "sell", "AAA", "25")]
    assert [(one.symbol, one.reason) for one in proposal.rest] == [("BBB", "no money left")]


def test_lots_the_smallest_order_and_lists_are_kept() -> None:
    accounts = {
        "coins": account("5000", lots={"BTC/USD": D("0.001")}, symbols=["BTC/USD"]),
        "shares": account("5000", lot=D(10), least_value=D(600), symbols=["AAA", "BBB"]),
    }
    weights = {"BTC/USD": D("0.251"), "AAA": D("0.25"), "BBB": D("0.05")}
    proposal = propose(weights, accounts, PRICES, EXACT)
    assert orders(proposal) == [("coins", "buy", "BTC/USD", "0.041"), ("shares", "buy", "AAA", "20")]
    assert {one.symbol: one.reason for one in proposal.rest} == {
        "BTC/USD": "less than a lot",
        "AAA": "less than a lot",
        "BBB": "less than a lot, or than the smallest order",
    }
    nobody = propose({"OLD": D("0.5")}, accounts, PRICES, EXACT)
    assert nobody.rest[0].reason == "no account lists it"


def test_leverage_and_reserve_bound_what_an_account_spends() -> None:
    margin = {"one": account("10000", buying_power=D(40_000))}
    assert orders(propose({"AAA": D(1)}, margin, PRICES, EXACT))[0][3] == "100"
    careful = Rules(reserve=D("0.1"), collar_bps=D(0), least=D(1))
    assert orders(propose({"AAA": D(1)}, margin, PRICES, careful))[0][3] == "90"
    full = {"one": account("10000", equity=D(10_000), positions={"OLD": D(900)})}
    assert orders(propose({"AAA": D(1)}, full, PRICES, EXACT))[0][3] == "10"


def test_others_stay_unless_they_are_to_be_sold_and_shorts_always_stay() -> None:
    accounts = {"one": account("1000", equity=D(2000), positions={"OLD": D("100.5"), "AAA": D(-1), "ZZZ": D(3)})}
    proposal = propose({"AAA": D("0.5")}, accounts, PRICES, EXACT)
    assert orders(proposal) == []
    assert {one.symbol: one.reason.split(" and")[0] for one in proposal.rest} == {
        "OLD": "it is not in the portfolio",
        "ZZZ": "it has no price here",
        "AAA": "it is held short",
    }
    selling = Rules(reserve=D(0), collar_bps=D(0), least=D(1), sells_others=True)
    assert orders(propose({"AAA": D("0.5")}, accounts, PRICES, selling)) == [("one", "sell", "OLD", "100.5")]


def test_limit_prices_stay_inside_the_collar() -> None:
    rules = Rules(reserve=D(0), collar_bps=D(50), least=D(1))
    proposal = propose({"AAA": D("0.5")}, {"one": account()}, {"AAA": D("33.33")}, rules)
    assert proposal.orders[0].limit_price == "33.49"
    held = {"one": account("0", equity=D(100), positions={"AAA": D(3)})}
    assert propose({"AAA": D(0)}, held, {"AAA": D("33.33")}, rules).orders[0].limit_price == "33.17"


@pytest.mark.parametrize(
    ("weights", "accounts", "told"),
    [
        ({"AAA": D("1.1")}, {"one": account()}, "above one"),
        ({"AAA": D("-0.1")}, {"one": account()}, "below zero"),
        ({"NEW": D("0.1")}, {"one": account()}, "no price is known of NEW"),
        ({"AAA": D("0.1")}, {}, "no account"),
        ({"AAA": D("0.1")}, {"one": account("0")}, "worth nothing"),
    ],
)
def test_what_cannot_be_is_refused(weights: dict[str, Decimal], accounts: dict[str, Account], told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        propose(weights, accounts, PRICES, EXACT)


MONEY = st.decimals("0", "100000", places=2)
HELD = st.decimals("0", "500", places=1)


@st.composite
def books(draw: st.DrawFn) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for name in draw(st.sampled_from([("a",), ("a", "b"), ("a", "b", "c")])):
        positions = draw(st.dictionaries(st.sampled_from(["AAA", "BBB", "OLD"]), HELD, max_size=3))
        cash = draw(MONEY)
        worth = cash + sum((PRICES[one] * qty for one, qty in positions.items()), D(0))
        found[name] = Account(
            cash=cash, equity=worth + 1, buying_power=draw(MONEY), fee_bps=draw(st.decimals("0", "50", places=1)),
            fee_per_unit=draw(st.decimals("0", "0.05", places=3)), fee_least=draw(st.decimals("0", "5", places=2)),
            lot=draw(st.sampled_from([D(1), D(10), D("0.001")])), positions=positions,
        )  # fmt: skip
    return found


@settings(max_examples=150, deadline=None)
@given(books(), st.decimals("0", "0.5", places=3), st.decimals("0", "0.5", places=3))
def test_no_account_spends_or_sells_what_it_has_not(
    accounts: dict[str, Account], first: Decimal, second: Decimal
) -> None:
    rules = Rules(reserve=D("0.02"), leverage=D(1), least=D(50), collar_bps=D(50))
    proposal = propose({"AAA": first, "BBB": second}, accounts, PRICES, rules)
    for name, one in accounts.items():
        mine = [order for order in proposal.orders if order.profile == name]
        spent = sum(
            (
                D(o.quantity) * D(o.limit_price) + one.fee(D(o.quantity), D(o.limit_price))
                for o in mine
                if o.side == "buy"
            ),
            D(0),
        )
        assert spent <= max(D(0), one.buying_power - one.equity * rules.reserve)
        for order in mine:
            quantity = D(order.quantity)
            assert quantity > 0
            if order.side == "sell":
                assert quantity <= one.positions[order.symbol]
            else:
                assert quantity % one.lot == 0
    sides = {(order.symbol, order.side) for order in proposal.orders}
    assert len({symbol for symbol, _ in sides}) == len(sides), "nothing is bought and sold at once"
    for line in proposal.lines:
        gap_before, gap_after = (abs(D(line.target) - D(part)) for part in (line.before, line.after))
        assert gap_after <= gap_before + D("0.000002")
    assert propose({"AAA": first, "BBB": second}, accounts, PRICES, rules).digest == proposal.digest


def test_accounts_are_read_from_a_file_that_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text('[accounts.one]\ncash = "1"\nequity = "2"\nbuying_power = "1"\npositions = { AAA = "3.5" }\n')
    assert read_accounts(path)["one"].positions == {"AAA": D("3.5")}
    for wrong, told in (
        ('[accounts.one]\ncash = "1"\n', "equity"),
        ('[accounts.one]\ncash = "1"\nequity = "2"\nbuying_power = "1"\nlot = "0"\n', "lot: a positive number"),
        ('[accounts.one]\ncash = "1"\nequity = "2"\nbuying_power = "1"\nmargin = "2"\n', "margin"),
        ("[", "accounts.toml"),
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigInvalid, match=told):
            read_accounts(path)
