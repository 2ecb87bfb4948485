"""Many accounts as one: the same in any order, to the last digit, and never more than its parts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.records import Account, Balance, Position
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.consolidated import Consolidated, Held, Rate, consolidate, money_of
from floorbroker.gateway.desk import ProfilePosition
from tests.support.house import NOON

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=8, allow_nan=False, allow_infinity=False)
SYMBOLS = ("AAPL", "BTC/USD", "ETH/USD", "EUR/USD")
RATES = {"EUR": Rate(currency="EUR", rate=Decimal("1.0875"), source="EUR/USD at p0", at=NOON)}


def _exact(amounts: list[Decimal]) -> Fraction:
    return sum((Fraction(amount) for amount in amounts), Fraction(0))


@st.composite
def parts(draw: st.DrawFn) -> list[Held]:
    """Up to five profiles, each with some balances and positions."""
    found: list[Held] = []
    for number in range(draw(st.integers(0, 5))):
        name = ProfileName(f"p{number}")
        amounts = draw(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS))
        held = draw(st.lists(st.sampled_from(SYMBOLS), unique=True))
        coins = draw(st.lists(st.sampled_from(["USD", "BTC", "ETH", "EUR"]), unique=True))
        positions = [Position(symbol=symbol, qty=draw(AMOUNTS), market_value=draw(AMOUNTS)) for symbol in held]
        found.append(
            Held(
                profile=name,
                at=NOON,
                account=Account(
                    account="1",
                    currency=draw(st.sampled_from(["USD", "EUR"])),
                    cash=amounts[0],
                    equity=amounts[1],
                    buying_power=amounts[2],
                ),
                balances=tuple(Balance(currency=c, total=draw(AMOUNTS), available=Decimal(0)) for c in coins),
                positions=tuple(ProfilePosition(profile=name, position=p) for p in positions),
            )
        )
    return found


def _whole(held: list[Held], rates: dict[str, Rate] | None = None) -> Consolidated:
    return consolidate(held, [], RATES if rates is None else rates, currency="USD", at=NOON)


@given(parts(), st.integers())
def test_the_order_of_answers_does_not_matter(held: list[Held], seed: int) -> None:
    shuffled = Random(seed).sample(held, len(held))
    assert _whole(shuffled) == _whole(held)


@given(parts())
def test_netting_loses_nothing_and_makes_nothing(held: list[Held]) -> None:
    whole = _whole(held)
    for net in whole.positions:
        assert Fraction(net.qty) == _exact([row.position.qty for row in net.parts])
    netted = sorted((row.profile, row.position.symbol) for net in whole.positions for row in net.parts)
    assert netted == sorted((row.profile, row.position.symbol) for one in held for row in one.positions)
    assert abs(whole.net_exposure) <= whole.gross_exposure


@given(parts())
def test_equity_in_one_currency_is_the_exact_sum(held: list[Held]) -> None:
    alike = [one for one in held if one.account.currency == "USD"]
    assert Fraction(_whole(alike).equity) == _exact([one.account.equity for one in alike])


@given(parts())
def test_every_balance_is_in_one_line_of_cash_or_is_a_position(held: list[Held]) -> None:
    lines = {line.currency: line for line in _whole(held).cash_by_currency}
    for currency, line in lines.items():
        told = [b.total for one in held for b in money_of(one) if b.currency == currency]
        assert Fraction(line.total) == _exact(told) == _exact(list(line.by_profile.values()))
    for one in held:
        coins = {row.position.symbol.partition("/")[0] for row in one.positions} - {"EUR"}
        assert all(balance.currency in lines or balance.currency in coins for balance in one.balances)


@given(parts())
def test_without_a_rate_no_euro_is_in_the_total_and_each_is_listed(held: list[Held]) -> None:
    whole = _whole(held, {})
    euros = [one for one in held if one.account.currency == "EUR" and one.account.equity]
    assert Fraction(whole.equity) == _exact([one.account.equity for one in held if one.account.currency == "USD"])
    listed = {(one.profile, one.amount) for one in whole.unconverted if one.what == "equity"}
    assert listed == {(one.profile, one.account.equity) for one in euros}
    assert not (euros and whole.complete)
