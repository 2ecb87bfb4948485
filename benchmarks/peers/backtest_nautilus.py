"""nautilus_trader's backtest: its engine, its indicators, a crossover strategy as its documents show."""

# pyright: reportMissingImports=false, reportArgumentType=false, reportCallIssue=false
from __future__ import annotations

import time
import warnings
from decimal import Decimal

import numpy as np
from backtest_bars import FAST, FEE, SLOW, columns, peak_mb
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy
from speak import Answer, prepare, serve

STOCK = Equity(
    instrument_id=InstrumentId.from_str("AAPL.XNAS"),
    raw_symbol=Symbol("AAPL"),
    currency=USD,
    price_precision=2,
    price_increment=Price.from_str("0.01"),
    lot_size=Quantity.from_int(1),
    ts_event=0,
    ts_init=0,
    maker_fee=Decimal(FEE),
    taker_fee=Decimal(FEE),
)
BARS = BarType.from_str(f"{STOCK.id}-1-MINUTE-LAST-EXTERNAL")


class Crossover(Strategy):
    """Long one unit while the fast average is above the slow one."""

    def __init__(self) -> None:
        super().__init__()
        self.fast, self.slow, self.long, self.trips = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW), False, 0

    def on_start(self) -> None:
        self.register_indicator_for_bars(BARS, self.fast)
        self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def on_bar(self, bar: Bar) -> None:
        if not self.slow.initialized:
            return
        up = self.fast.value > self.slow.value
        if up is self.long:
            return
        self.long = up
        self.trips += not up
        side = OrderSide.BUY if up else OrderSide.SELL
        self.submit_order(self.order_factory.market(STOCK.id, side, Quantity.from_int(1)))


def bars(count: int) -> list[Bar]:
    starts, *prices, volumes = columns(count)
    numbers = [np.array(column, dtype=np.float64) / 100 for column in prices]
    ends = (np.array(starts, dtype=np.uint64) + np.uint64(60_000_000)) * np.uint64(1_000)
    return Bar.from_raw_arrays_to_list(BARS, 2, 0, *numbers, np.array(volumes, dtype=np.float64), ends, ends)


def run(count: int) -> Answer:
    engine = BacktestEngine(
        BacktestEngineConfig(trader_id=TraderId("B-001"), logging=LoggingConfig(bypass_logging=True))
    )
    venue = Venue("XNAS")
    engine.add_venue(
        venue, OmsType.NETTING, AccountType.MARGIN, base_currency=USD, starting_balances=[Money(1_000_000, USD)]
    )
    engine.add_instrument(STOCK)
    engine.add_data(bars(count))
    strategy = Crossover()
    engine.add_strategy(strategy)
    began = time.perf_counter()
    engine.run()
    took = time.perf_counter() - began
    fills = len(engine.cache.orders_closed())
    engine.dispose()
    return {"per_s": count / took, "orders": fills, "peak_mb": peak_mb()}


def main() -> None:
    warnings.simplefilter("ignore")  # of pandas, about this library
    prepare(cpu=0)
    serve({"run": run}, "nautilus_trader")


if __name__ == "__main__":
    main()
