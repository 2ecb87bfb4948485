"""Everything the desk asks of the server but orders, one builder a message.  Each returns a whole frame.

`version` is the server's.  Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc.
"""

from __future__ import annotations

from floorbroker.brokers.ibkr.codec.fields import Value, texts
from floorbroker.brokers.ibkr.codec.framing import message
from floorbroker.brokers.ibkr.wire import Contract, ExecutionFilter, Pairs

ISSUER_IDS = 176
CANCEL_TIMES = 169


def contract_fields(contract: Contract) -> tuple[Value, ...]:
    """The twelve fields that describe a contract in requests."""
    return (
        contract.con_id,
        contract.symbol,
        contract.sec_type,
        contract.last_trade,
        contract.strike,
        contract.right,
        contract.multiplier,
        contract.exchange,
        contract.primary_exchange,
        contract.currency,
        contract.local_symbol,
        contract.trading_class,
    )


def _frame(*values: Value) -> bytes:
    return message(texts(values))


def _legs(contract: Contract) -> tuple[Value, ...]:
    """Legs of a combo where only its prices are asked for; nothing for other contracts."""
    if contract.sec_type != "BAG":
        return ()
    rows = [(leg.con_id, leg.ratio, leg.action, leg.exchange) for leg in contract.legs]
    return (len(rows), *(value for row in rows for value in row))


# -- the session -----------------------------------------------------------------------------------------------------------


def start_api(client_id: int, *, capabilities: str = "") -> bytes:
    """The first message after the handshake: who we are."""
    return _frame(71, 2, client_id, capabilities)


def next_ids() -> bytes:
    """Ask for the next valid order id."""
    return _frame(8, 1, 1)


def current_time() -> bytes:
    return _frame(49, 1)


def managed_accounts() -> bytes:
    return _frame(17, 1)


# -- orders ----------------------------------------------------------------------------------------------------------------


def cancel_order(order_id: int, *, version: int, manual_time: str = "") -> bytes:
    """Ask for the cancel of an order of this client id."""
    return _frame(4, 1, order_id, manual_time) if version >= CANCEL_TIMES else _frame(4, 1, order_id)


def global_cancel() -> bytes:
    """Ask for the cancel of every open order of the account, those of other clients and of people included."""
    return _frame(58, 1)


def open_orders() -> bytes:
    """Open orders of this client id."""
    return _frame(5, 1)


def all_open_orders() -> bytes:
    """Open orders of every client, once."""
    return _frame(16, 1)


def auto_open_orders(*, bind: bool) -> bytes:
    """Client id 0 alone: take orders that people enter by hand as ours."""
    return _frame(15, 1, bind)


def completed_orders(*, api_only: bool) -> bytes:
    """Orders of today that are done."""
    return _frame(99, api_only)


def executions(req_id: int, wanted: ExecutionFilter) -> bytes:
    """Executions since midnight that match."""
    return _frame(
        7, 3, req_id, wanted.client_id, wanted.account, wanted.time, wanted.symbol, wanted.sec_type, wanted.exchange,
        wanted.side,
    )  # fmt: skip


# -- account and positions ---------------------------------------------------------------------------------------------------


def account_updates(account: str, *, subscribe: bool) -> bytes:
    return _frame(6, 2, subscribe, account)


def positions() -> bytes:
    return _frame(61, 1)


def cancel_positions() -> bytes:
    return _frame(64, 1)


def account_summary(req_id: int, *, tags: str, group: str = "All") -> bytes:
    """Figures of all accounts; `tags` by comma."""
    return _frame(62, 1, req_id, group, tags)


def cancel_account_summary(req_id: int) -> bytes:
    return _frame(63, 1, req_id)


def positions_multi(req_id: int, account: str, *, model: str = "") -> bytes:
    return _frame(74, 1, req_id, account, model)


def cancel_positions_multi(req_id: int) -> bytes:
    return _frame(75, 1, req_id)


def account_updates_multi(req_id: int, account: str, *, model: str = "", ledger: bool = False) -> bytes:
    """Figures of one account; `ledger` asks for cash by currency alone."""
    return _frame(76, 1, req_id, account, model, ledger)


def cancel_account_updates_multi(req_id: int) -> bytes:
    return _frame(77, 1, req_id)


def pnl(req_id: int, account: str, *, model: str = "") -> bytes:
    return _frame(92, req_id, account, model)


def cancel_pnl(req_id: int) -> bytes:
    return _frame(93, req_id)


def pnl_single(req_id: int, account: str, con_id: int, *, model: str = "") -> bytes:
    return _frame(94, req_id, account, model, con_id)


def cancel_pnl_single(req_id: int) -> bytes:
    return _frame(95, req_id)


# -- contracts -------------------------------------------------------------------------------------------------------------


def contract_details(req_id: int, contract: Contract, *, version: int) -> bytes:
    """Every contract that fits."""
    issuer = (contract.issuer_id,) if version >= ISSUER_IDS else ()
    return _frame(
        9, 8, req_id, *contract_fields(contract), contract.include_expired, contract.sec_id_type, contract.sec_id, *issuer
    )  # fmt: skip


def matching_symbols(req_id: int, pattern: str) -> bytes:
    """At most one of these a second."""
    return _frame(81, req_id, pattern)


def option_params(req_id: int, *, symbol: str, sec_type: str, con_id: int, exchange: str = "") -> bytes:
    """Expirations and strikes of an underlying; `exchange` is for options on futures."""
    return _frame(78, req_id, symbol, exchange, sec_type, con_id)


def market_rule(rule_id: int) -> bytes:
    return _frame(91, rule_id)


# -- market data -----------------------------------------------------------------------------------------------------------


def market_data_type(kind: int) -> bytes:
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen: for requests that follow."""
    return _frame(59, 1, kind)


def market_data(
    req_id: int,
    contract: Contract,
    *,
    generic_ticks: str = "",
    snapshot: bool = False,
    regulatory: bool = False,
    options: Pairs = (),
) -> bytes:
    """Ticks of one contract, or a snapshot of them.  A regulatory snapshot costs money each time."""
    return _frame(
        1, 11, req_id, *contract_fields(contract), *_legs(contract), False, generic_ticks, snapshot, regulatory, options
    )  # fmt: skip


def cancel_market_data(req_id: int) -> bytes:
    return _frame(2, 2, req_id)


def history(
    req_id: int,
    contract: Contract,
    *,
    end: str,
    duration: str,
    bar_size: str,
    what: str,
    regular_hours: bool,
    epoch_dates: bool = True,
    keep_up: bool = False,
    options: Pairs = (),
) -> bytes:
    """Candles up to `end` (`YYYYMMDD-hh:mm:ss` in UTC, or empty for now)."""
    return _frame(
        20, req_id, *contract_fields(contract), contract.include_expired, end, bar_size, duration, regular_hours, what,
        2 if epoch_dates else 1, *_legs(contract), keep_up, options,
    )  # fmt: skip


def cancel_history(req_id: int) -> bytes:
    return _frame(25, 1, req_id)


def live_bars(req_id: int, contract: Contract, *, what: str, regular_hours: bool, options: Pairs = ()) -> bytes:
    """Candles of 5 seconds as they end."""
    return _frame(50, 3, req_id, *contract_fields(contract), 5, what, regular_hours, options)


def cancel_live_bars(req_id: int) -> bytes:
    return _frame(51, 1, req_id)


def tick_by_tick(req_id: int, contract: Contract, *, kind: str, count: int = 0, ignore_size: bool = False) -> bytes:
    """`kind` is Last, AllLast, BidAsk or MidPoint; `count` asks for so many past ticks first."""
    return _frame(97, req_id, *contract_fields(contract), kind, count, ignore_size)


def cancel_tick_by_tick(req_id: int) -> bytes:
    return _frame(98, req_id)
