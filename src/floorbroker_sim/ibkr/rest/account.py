"""What the account holds and is worth, in the API's words.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#account-portfolio-data
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.rest.state import Client, State
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.frames import Words

_CENT = Decimal("0.01")
LEDGER = "$LEDGER"


def values(state: State) -> dict[str, tuple[str, str]]:
    """Value and currency by key; texts have no currency."""
    now, unrealized = state.standing(), sum((gain(state, s)[0] for s in state.held()), ZERO)
    money = {
        "NetLiquidation": now.worth, "TotalCashValue": now.cash, "SettledCash": now.cash, "CashBalance": now.cash,
        "TotalCashBalance": now.cash, "EquityWithLoanValue": now.equity, "GrossPositionValue": now.gross,
        "StockMarketValue": now.stock, "OptionMarketValue": now.options, "InitMarginReq": now.initial,
        "MaintMarginReq": now.maintenance, "FullInitMarginReq": now.initial, "FullMaintMarginReq": now.maintenance,
        "AvailableFunds": now.available, "FullAvailableFunds": now.available, "BuyingPower": now.buying_power,
        "ExcessLiquidity": now.equity - now.maintenance, "FullExcessLiquidity": now.equity - now.maintenance,
        "AccruedCash": ZERO, "RealizedPnL": state.ledger.realized - state.ledger.fees, "UnrealizedPnL": unrealized,
    }  # fmt: skip
    texts = {
        "AccountCode": state.account,
        "AccountType": "INDIVIDUAL",
        "AccountReady": "true",
        "Currency": info.CURRENCY,
    }
    cushion = (now.equity - now.maintenance) / now.worth if now.worth > 0 else ZERO
    return (
        {key: (value, "") for key, value in texts.items()}
        | {key: (str(value.quantize(_CENT)), info.CURRENCY) for key, value in money.items()}
        | {"Cushion": (str(cushion.quantize(Decimal("0.0001"))), ""), "ExchangeRate": ("1.00", info.CURRENCY)}
    )


def gain(state: State, symbol: str) -> tuple[Decimal, Decimal]:
    """Unrealised profit and market value of one position."""
    position = state.ledger.position(symbol)
    value = position.qty * state.mark(symbol) * state.market.instrument(symbol).multiplier
    return value - position.cost, value


def average_cost(state: State, symbol: str) -> Decimal:
    """What one unit cost, multiplier included, as positions tell it."""
    return state.ledger.position(symbol).avg_px * state.market.instrument(symbol).multiplier


def portfolio_words(state: State, symbol: str) -> Words:
    """`portfolioValue` of one symbol, also when it went flat."""
    position, (unrealized, value) = state.ledger.position(symbol), gain(state, symbol)
    return frames.portfolio_value(
        state.catalogue.contract(symbol), qty=position.qty, price=state.mark(symbol), value=value,
        cost=average_cost(state, symbol), unrealized=unrealized, realized=position.realized, account=state.account,
    )  # fmt: skip


def position_words(state: State, symbol: str) -> Words:
    return frames.position(
        state.account, state.catalogue.contract(symbol), state.ledger.qty(symbol), average_cost(state, symbol)
    )


def multi_words(state: State, request: int, symbol: str, model: str) -> Words:
    return frames.position_multi(
        request, state.account, state.catalogue.contract(symbol), qty=state.ledger.qty(symbol),
        cost=average_cost(state, symbol), model=model,
    )  # fmt: skip


def tell_values(state: State, client: Client) -> None:
    """Account values, positions and the time of both."""
    for key, (value, currency) in values(state).items():
        client.send(frames.account_value(key, value, currency, state.account))
    for symbol in state.held():
        client.send(portfolio_words(state, symbol))
    client.send([8, 1, f"{state.clock.now().astimezone(info.ZONE):%H:%M}"])


def summary(state: State, request: int, tags: str) -> Iterator[Words]:
    """`accountSummary` rows for a list of tags; `$LEDGER` asks for the cash of a currency, `All` for everything."""
    known = values(state)
    wanted = [tag.strip() for tag in tags.split(",") if tag.strip()]
    for tag in known if wanted == ["All"] else wanted:
        if tag.startswith(LEDGER):
            for key in ("CashBalance", "RealizedPnL", "UnrealizedPnL", "ExchangeRate"):
                yield [63, 1, request, state.account, key, *known[key]]
        elif tag in known:
            yield [63, 1, request, state.account, tag, *known[tag]]


def pnl_words(state: State, request: int) -> Words:
    """Profit of the day, unrealised and realised, in the base currency."""
    unrealized = sum((gain(state, symbol)[0] for symbol in state.held()), ZERO)
    realized = state.ledger.realized - state.ledger.fees
    return [94, request, (unrealized + realized).quantize(_CENT), unrealized.quantize(_CENT), realized.quantize(_CENT)]


def pnl_single_words(state: State, request: int, symbol: str) -> Words:
    position, (unrealized, value) = state.ledger.position(symbol), gain(state, symbol)
    daily = (unrealized + position.realized).quantize(_CENT)
    return [95, request, position.qty, daily, unrealized.quantize(_CENT), position.realized.quantize(_CENT), value]
