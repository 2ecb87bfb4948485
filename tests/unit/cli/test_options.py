"""What the command line says of chains."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec import to_builtins

from floorbroker.api.views.options import chain_view
from floorbroker.cli.options import beneath
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.options import ListedOption, OptionChain

DAY = date(2026, 3, 20)


def chain(*, left_out: int = 0, note: str = "") -> OptionChain:
    contract = OptionContract(root="AAPL", expiry=DAY, right="P", strike=Decimal(150))
    return OptionChain(
        underlying="AAPL",
        expiry=DAY,
        expirations=(DAY, date(2026, 4, 17)),
        contracts=(ListedOption(contract=contract, underlying="AAPL"),),
        asked_at=datetime(2026, 3, 2, 15, 4, tzinfo=UTC),
        left_out=left_out,
        note=note,
    )


def test_a_chain_that_is_not_whole_says_so_beneath_its_table() -> None:
    whole = to_builtins(chain_view(chain()))
    assert (whole["left_out"], whole["note"]) == (0, "")
    assert beneath(whole) == ["AAPL 2026-03-20; expirations: 2026-03-20, 2026-04-17"]
    part = to_builtins(chain_view(chain(left_out=80, note="80 more strikes: ask again"), "call"))
    assert (part["left_out"], part["contracts"]) == (
        80,
        (),
    )  # all of a chain that is left out, whatever right is looked at
    assert beneath(part)[1:] == ["80 more strikes: ask again"]
