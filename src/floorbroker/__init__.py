"""Floorbroker: one order desk in front of every broker.

Names load when they are first used, and nothing at all is imported before, so that importing the package costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; `typing` alone would be most of what this import costs

__version__ = "0.1.0"

_NAMES = {
    "Gateway": "floorbroker.app.library",
    "OrderSchema": "floorbroker.oms.schema",
    "Account": "floorbroker.domain.records",
    "Balance": "floorbroker.domain.records",
    "Bar": "floorbroker.domain.bars",
    "BarSeries": "floorbroker.domain.bars",
    "BrokerCredentials": "floorbroker.app.broker_credentials",
    "BrokerManager": "floorbroker.app.manager",
    "BrokerError": "floorbroker.domain.errors",
    "ExecutionReport": "floorbroker.domain.records",
    "NewOrder": "floorbroker.domain.orders",
    "Order": "floorbroker.domain.orders",
    "OrderClass": "floorbroker.domain.values",
    "OrderType": "floorbroker.domain.values",
    "OrdStatus": "floorbroker.domain.values",
    "Position": "floorbroker.domain.records",
    "Quote": "floorbroker.domain.records",
    "Side": "floorbroker.domain.values",
    "TimeInForce": "floorbroker.domain.values",
    "Strategy": "floorbroker.strategy.base",
    "Trade": "floorbroker.domain.records",
    "AdaptiveRateLimiter": "floorbroker.transport",
    "MultiEndpointRateLimiter": "floorbroker.transport",
    "CircuitBreaker": "floorbroker.transport",
    "CircuitBreakerError": "floorbroker.domain.errors",
    "with_exponential_backoff": "floorbroker.transport",
}

__all__ = [
    "Account",
    "AdaptiveRateLimiter",
    "Balance",
    "Bar",
    "BarSeries",
    "BrokerCredentials",
    "BrokerError",
    "BrokerManager",
    "CircuitBreaker",
    "CircuitBreakerError",
    "ExecutionReport",
    "Gateway",
    "MultiEndpointRateLimiter",
    "NewOrder",
    "OrdStatus",
    "Order",
    "OrderClass",
    "OrderSchema",
    "OrderType",
    "Position",
    "Quote",
    "Side",
    "Strategy",
    "TimeInForce",
    "Trade",
    "__version__",
    "with_exponential_backoff",
]

if TYPE_CHECKING:
    from floorbroker.app.broker_credentials import BrokerCredentials as BrokerCredentials
    from floorbroker.app.library import Gateway as Gateway
    from floorbroker.app.manager import BrokerManager as BrokerManager
    from floorbroker.domain.bars import Bar as Bar
    from floorbroker.domain.bars import BarSeries as BarSeries
    from floorbroker.domain.errors import BrokerError as BrokerError
    from floorbroker.domain.errors import CircuitBreakerError as CircuitBreakerError
    from floorbroker.domain.orders import NewOrder as NewOrder
    from floorbroker.domain.orders import Order as Order
    from floorbroker.domain.records import Account as Account
    from floorbroker.domain.records import Balance as Balance
    from floorbroker.domain.records import ExecutionReport as ExecutionReport
    from floorbroker.domain.records import Position as Position
    from floorbroker.domain.records import Quote as Quote
    from floorbroker.domain.records import Trade as Trade
    from floorbroker.domain.values import OrderClass as OrderClass
    from floorbroker.domain.values import OrderType as OrderType
    from floorbroker.domain.values import OrdStatus as OrdStatus
    from floorbroker.domain.values import Side as Side
    from floorbroker.domain.values import TimeInForce as TimeInForce
    from floorbroker.oms.schema import OrderSchema as OrderSchema
    from floorbroker.strategy.base import Strategy as Strategy
    from floorbroker.transport import AdaptiveRateLimiter as AdaptiveRateLimiter
    from floorbroker.transport import CircuitBreaker as CircuitBreaker
    from floorbroker.transport import MultiEndpointRateLimiter as MultiEndpointRateLimiter
    from floorbroker.transport import with_exponential_backoff as with_exponential_backoff


def __getattr__(name: str) -> object:
    import importlib

    module = _NAMES.get(name)
    if module is None:
        raise AttributeError(f"module 'floorbroker' has no attribute {name!r}")
    return getattr(importlib.import_module(module), name)
