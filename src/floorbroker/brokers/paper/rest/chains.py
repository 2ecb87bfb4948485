"""Option chains of the paper venue: contracts that were fed, and those that the seeded prices go with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from floorbroker.brokers.paper import errors
from floorbroker.brokers.paper.rest.venue import PaperVenue
from floorbroker.domain.options import (
    NEW_YORK,
    ListedOption,
    OptionChain,
    OptionContract,
    Style,
    chosen_expiry,
    in_order,
)
from floorbroker.domain.records import Quote
from floorbroker.tape import expiries, strikes


def chain_of(venue: PaperVenue, underlying: str, expiry: date | None, *, at: datetime) -> OptionChain:
    """The contracts of one expiration as they are priced now.  Raises `SymbolNotFound` when there are none."""
    root, today = underlying.replace(".", ""), at.astimezone(NEW_YORK).date()
    fed = [contract for contract in map(OptionContract.parse, venue.fed) if contract and contract.root == root]
    spot = venue.sourced(underlying, at)
    seeded = expiries(today) if spot is not None else []
    days = sorted({contract.expiry for contract in fed} | set(seeded))
    day = chosen_expiry(days, expiry, today=today)
    if day is None:
        raise errors.no_symbol(underlying if expiry is None else f"{underlying} options of {expiry.isoformat()}")
    listed = {contract.symbol: contract for contract in fed if contract.expiry == day}
    if spot is not None and spot.mid is not None and day in seeded:
        listed |= {contract.symbol: contract for contract in _around(root, day, spot)}
    rows = (_row(contract, underlying, venue.quote(symbol, at)) for symbol, contract in listed.items())
    return OptionChain(
        underlying=underlying,
        expiry=day,
        expirations=tuple(days),
        contracts=in_order(rows),
        asked_at=at,
        source="paper",
    )


def _around(root: str, day: date, spot: Quote) -> Iterable[OptionContract]:
    assert spot.mid is not None
    for strike in strikes(spot.mid):
        for right in "CP":
            yield OptionContract(root=root, expiry=day, right=right, strike=strike)


def _row(contract: OptionContract, underlying: str, quote: Quote) -> ListedOption:
    return ListedOption(
        contract=contract,
        underlying=underlying,
        style=Style.AMERICAN,
        bid=quote.bid,
        ask=quote.ask,
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
        last=quote.last,
        time=quote.time,
    )
