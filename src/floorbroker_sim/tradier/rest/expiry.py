"""The last day of an option: at the close it is exercised or assigned when it is a cent in the money, else it is worth nothing.

The exchanges' rule of exercise by exception; the options of this venue are on shares, which are delivered.
https://documentation.tradier.com/brokerage-api/accounts/get-account-history shows the words `option` and its `option_type`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.values import ZERO, Side
from floorbroker.matching import last_moment
from floorbroker_sim.tradier import info
from floorbroker_sim.tradier.mapping import outside
from floorbroker_sim.tradier.rest import life, working
from floorbroker_sim.tradier.rest.records import Deed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_CENT = Decimal("0.01")


def settle(state: State, at: datetime) -> None:
    """End what has expired by `at`: orders first, then positions, in order of symbol."""
    for record in list(state.open.values()):
        contract = OptionContract.parse(record.traded)
        if contract is not None and record.is_open and not record.is_strategy_leg and last_moment(contract) <= at:
            working.end(state, record, at=at, status="expired")
    for held in state.ledger.positions():
        contract = OptionContract.parse(held.symbol)
        if contract is not None and last_moment(contract) <= at:
            _settle_one(state, held.symbol, contract, held.qty, max(last_moment(contract), state.opened_at))


def _settle_one(state: State, symbol: str, contract: OptionContract, qty: Decimal, at: datetime) -> None:
    spot = _price(state, contract.root, at)
    inner = spot - contract.strike if contract.right == "C" else contract.strike - spot
    side = Side.SELL if qty > 0 else Side.BUY
    life.book_without_order(state, symbol, side, abs(qty), price=ZERO, at=at)
    what = "expiration"
    if inner >= _CENT:
        what = "exercise" if qty > 0 else "assignment"
        shares = Side.BUY if (contract.right == "C") == (qty > 0) else Side.SELL
        life.book_without_order(state, contract.root, shares, abs(qty) * info.MULTIPLIER, price=contract.strike, at=at)
    state.deeds.append(Deed(what=what, at=at, symbol=outside(symbol), quantity=qty))


def _price(state: State, root: str, at: datetime) -> Decimal:
    """What the underlying cost at the close; a price that was set by hand holds."""
    if state.market.is_pinned(root):
        return state.mark(root)
    price = state.market.price_at(root, at)
    return state.mark(root) if price is None else price
