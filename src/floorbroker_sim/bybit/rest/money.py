"""What positions and open orders tie up, what is left, and the wallet and position objects that say so.  USDT alone is margin.

The venue lets other coins back contracts too; here they do not, and nothing is ever borrowed or liquidated.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from floorbroker.domain.values import ZERO, Side, text_of
from floorbroker_sim.bybit import info, wire
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.bybit.mapping import WORD, ms_text, qty_text, rounded
from floorbroker_sim.bybit.rest.holdings import Position

if TYPE_CHECKING:
    from floorbroker_sim.bybit.rest.records import Record
    from floorbroker_sim.bybit.rest.state import State


def unrealised(state: State, position: Position) -> Decimal:
    return position.size * state.mark(position.product) - position.cost


def position_margin(state: State, position: Position) -> Decimal:
    """Initial margin: the value at entry over the leverage."""
    return abs(position.cost) / state.holdings.leverage(position.product)


def maintenance(state: State, position: Position) -> Decimal:
    return abs(position.size) * state.mark(position.product) * info.MAINTENANCE


def order_margin(state: State, product: Product | None = None) -> Decimal:
    """Initial margin of open orders of contracts, as far as they would open something."""
    total = ZERO
    products = [product] if product is not None else [p for p in info.PRODUCTS if p.category == info.LINEAR]
    for each in products:
        orders = [r for r in state.open_on(each) if r.in_engine and not r.reduce_only]
        for side in Side:
            for idx in sorted({r.position_idx for r in orders if r.side is side}):
                group = [r for r in orders if r.side is side and r.position_idx == idx]
                total += _opening_value(state, group, each, idx, side) / state.holdings.leverage(each)
    return total


def _opening_value(state: State, group: list[Record], product: Product, idx: int, side: Side) -> Decimal:
    """The part beyond what closes a position, at the orders' prices."""
    closable = state.holdings.at(product, idx).closable(side)
    value = ZERO
    for record in group:
        closing = min(closable, record.leaves)
        closable -= closing
        value += (record.leaves - closing) * (record.price or ZERO)
    return value


def band(state: State, product: Product) -> tuple[Decimal, Decimal]:
    """The lowest price of a sell and the highest of a buy: so far through the market a limit may go, no further."""
    anchor = state.mark(product)
    width, tick = anchor * product.band_y, product.tick
    return ((anchor - width) / tick).to_integral_value() * tick, ((anchor + width) / tick).to_integral_value() * tick


def available(state: State) -> Decimal:
    """USDT that new contracts may use: the free balance less margins and losses not yet realised."""
    positions = state.holdings.open()
    margins = sum((position_margin(state, p) for p in positions), ZERO)
    losses = min(sum((unrealised(state, p) for p in positions), ZERO), ZERO)
    return state.wallet.free(info.SETTLE) - margins - order_margin(state) + losses


def spendable(state: State, coin: str) -> Decimal:
    """What a spot order may hold: for USDT not what backs contracts."""
    return available(state) if coin == info.SETTLE else state.wallet.free(coin)


# --- Objects ---------------------------------------------------------------------------------------------------------


def position_object(state: State, position: Position, *, is_stream: bool = False) -> wire.Position:
    """As the list and the stream tell it; a flat position has no side."""
    product, side = position.product, position.side
    entry = rounded(position.avg_px, 8)
    margin = position_margin(state, position)
    value = abs(position.cost)
    mark = state.mark(product)
    stop = position.stop
    return wire.Position(
        position_idx=position.idx, risk_id=1, risk_limit_value=text_of(info.RISK_LIMIT), symbol=product.symbol,
        side="" if side is None else WORD[side], size=qty_text(product, abs(position.size)),
        avg_price=msgspec.UNSET if is_stream else entry, entry_price=entry if is_stream else msgspec.UNSET,
        category=product.category if is_stream else msgspec.UNSET, position_value=rounded(value) if position.size else "",
        trade_mode=0, position_status="Normal", auto_add_margin=0, adl_rank_indicator=2 if position.size else 0,
        leverage=text_of(state.holdings.leverage(product)), break_even_price=entry if position.size else "",
        position_balance=rounded(margin) if position.size else "0", mark_price=text_of(mark), liq_price="", bust_price="",
        position_mm=rounded(maintenance(state, position)), position_im=rounded(margin), tpsl_mode="Full",
        take_profit=_text(stop.take_profit), stop_loss=_text(stop.stop_loss),
        trailing_stop=text_of(stop.trailing or ZERO), session_avg_price="", unrealised_pnl=rounded(unrealised(state, position)),
        cur_realised_pnl=rounded(position.realised), cum_realised_pnl=rounded(position.realised_ever),
        seq=position.seq or -1, is_reduce_only=False, created_time=ms_text(position.created_at),
        updated_time=ms_text(position.updated_at),
    )  # fmt: skip


def _text(price: Decimal | None) -> str:
    return "" if price is None else text_of(price)


def wallet_object(state: State, coins: Iterable[str]) -> wire.Wallet:
    """Totals of the account and some of its coins."""
    positions = state.holdings.open()
    upl = sum((unrealised(state, p) for p in positions), ZERO)
    held = sum((position_margin(state, p) for p in positions), ZERO) + order_margin(state)
    needed = sum((maintenance(state, p) for p in positions), ZERO)
    balance = sum((amount * state.usd(coin) for coin, amount in state.wallet.balances.items()), ZERO)
    locked = sum((state.wallet.locked(coin) * state.usd(coin) for coin in state.wallet.balances), ZERO)
    equity = balance + upl
    return wire.Wallet(
        account_type="UNIFIED", total_equity=rounded(equity, 8), total_wallet_balance=rounded(balance, 8),
        total_margin_balance=rounded(equity, 8), total_available_balance=rounded(equity - held - locked, 8),
        total_perp_upl=rounded(upl, 8), total_initial_margin=rounded(held, 8), total_maintenance_margin=rounded(needed, 8),
        account_im_rate=_rate(held, equity), account_mm_rate=_rate(needed, equity), account_ltv="0",
        coin=[_coin(state, coin, upl, held, needed) for coin in coins],
    )  # fmt: skip


def _rate(part: Decimal, whole: Decimal) -> str:
    return rounded(part / whole, 4) if whole > 0 else "0"


def _coin(state: State, coin: str, upl: Decimal, held: Decimal, needed: Decimal) -> wire.Coin:
    is_settle = coin == info.SETTLE
    balance = state.wallet.balances.get(coin, ZERO)
    equity = balance + (upl if is_settle else ZERO)
    order_im = order_margin(state) if is_settle else ZERO
    return wire.Coin(
        coin=coin, equity=text_of(equity), usd_value=rounded(equity * state.usd(coin), 8), wallet_balance=text_of(balance),
        locked=text_of(state.wallet.locked(coin)), spot_borrow="0", borrow_amount="0", accrued_interest="0",
        total_order_im=rounded(order_im) if is_settle else "0", total_position_im=rounded(held - order_im) if is_settle else "0",
        total_position_mm=rounded(needed) if is_settle else "0", unrealised_pnl=rounded(upl) if is_settle else "0",
        cum_realised_pnl=rounded(state.wallet.realised.get(coin, ZERO)), bonus="0", collateral_switch=True,
        margin_collateral=True, available_to_withdraw="", available_to_borrow="", spot_hedging_qty="0",
    )  # fmt: skip
