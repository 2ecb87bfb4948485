"""How options on shares end: exercise by exception, on the last trading day."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.options import Ending, OptionContract
from floorbroker.domain.values import Side
from floorbroker.matching import last_moment, settled

CALL, PUT = (OptionContract.read(symbol) for symbol in ("BRKB  260320C00150000", "BRKB  260320P00150000"))


@pytest.mark.parametrize(
    ("symbol", "moment"),
    [
        ("AAPL  260320C00150000", datetime(2026, 3, 20, 20, tzinfo=UTC)),
        ("AAPL  190419C00150000", datetime(2019, 4, 18, 20, tzinfo=UTC)),  # Good Friday
        ("AAPL  261127C00150000", datetime(2026, 11, 27, 18, tzinfo=UTC)),  # closes at one o'clock
    ],
)
def test_the_last_moment_is_the_close_of_the_last_trading_day(symbol: str, moment: datetime) -> None:
    assert last_moment(OptionContract.read(symbol)) == moment


@pytest.mark.parametrize(
    ("contract", "qty", "spot", "ending", "shares"),
    [
        (CALL, 2, "150.01", Ending.EXERCISED, 200),
        (CALL, 2, "150.009", Ending.EXPIRED, 0),
        (CALL, -1, "151", Ending.ASSIGNED, -100),
        (PUT, 1, "149.99", Ending.EXERCISED, -100),
        (PUT, -3, "149", Ending.ASSIGNED, 300),
        (PUT, 1, "150", Ending.EXPIRED, 0),
    ],
)
def test_a_cent_in_the_money_delivers_shares_at_the_strike_and_all_else_ends_at_nothing(
    contract: OptionContract, qty: int, spot: str, ending: Ending, shares: int
) -> None:
    found, (gone, *delivered) = settled(contract, Decimal(qty), spot=Decimal(spot), underlying="BRK.B")
    assert found is ending
    assert (gone.symbol, gone.side.sign * gone.qty, gone.price) == (contract.symbol, -qty, 0)
    moved = [(one.symbol, one.side.sign * one.qty, one.price) for one in delivered]
    assert moved == ([("BRK.B", shares, Decimal(150))] if shares else [])
    assert all(one.side in (Side.BUY, Side.SELL) for one in (gone, *delivered))
