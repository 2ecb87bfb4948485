"""Pure functions between the words of the TWS socket and those of trading."""

from floorbroker.brokers.ibkr.mapping.contracts import contract_for, symbol_of
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity

__all__ = ["IbkrIdentity", "contract_for", "symbol_of"]
