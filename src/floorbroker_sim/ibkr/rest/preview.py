"""What-if: margins and commission of an order that is not placed.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#what-if
"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.rest import checks
from floorbroker_sim.ibkr.rest.money import Commissions
from floorbroker_sim.ibkr.rest.state import Client, State
from floorbroker_sim.ibkr.wire.contracts import Contract
from floorbroker_sim.ibkr.wire.frames import Words
from floorbroker_sim.ibkr.wire.orders import Placed
from floorbroker_sim.ibkr.wire.shown import Margins, Shown, open_order

_CENT = Decimal("0.01")


def preview(state: State, client: Client, placed: Placed, contract: Contract, terms: NewOrder) -> Words:
    """One `openOrder` that stands for no order."""
    before, after = checks.outcome(state, terms, beside=False)
    poor = after.available < 0 and after.available < before.available
    margins = Margins(
        initial=(_cents(before.initial), _cents(after.initial)),
        maintenance=(_cents(before.maintenance), _cents(after.maintenance)),
        equity=(_cents(before.equity), _cents(after.equity)),
        commission=commission(state, terms),
        currency=info.CURRENCY,
        warning="The order would be rejected: the margin requirement is not met." if poor else "",
    )
    shown = Shown(
        placed=placed,
        contract=contract,
        client_id=client.client_id,
        perm_id=0,
        status="PreSubmitted",
        account=state.account,
        terms={},
        margins=margins,
    )
    return open_order(shown, client.version)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT)


def commission(state: State, terms: NewOrder) -> Decimal:
    """What the order would cost if it traded at once."""
    fees, qty = Commissions(), terms.order_qty or ZERO
    legs: list[tuple[str, Side, Decimal]] = [(leg.symbol, leg.side, leg.ratio_qty * qty) for leg in terms.legs]
    legs = legs or [(terms.symbol, terms.side, qty)]
    limit = terms.price if terms.order_type is OrderType.LIMIT and not terms.legs else None
    return sum(
        (
            fees.fee(
                symbol=symbol,
                side=side,
                qty=Quantity(units),
                price=limit or Price(checks.touch(state, symbol, side)),
                maker=False,
            )
            for symbol, side, units in legs
        ),
        ZERO,
    )
