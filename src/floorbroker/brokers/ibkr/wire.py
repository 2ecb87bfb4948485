"""Messages of the TWS socket, as their fields are named in the API reference, in snake_case.

Words (status, order type, action) stay text here; `mapping` knows them.  Numbers are `Decimal` with the digits they were sent
with, None where a field is not set.  Times stay text: their zone is the server's or stands behind them.  Units: prices per
share or unit (an option's premium is per share of its underlying), sizes in units of the contract, money in its currency.
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-ref (Contract, Order, OrderState, Execution, CommissionReport).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

Pairs = tuple[tuple[str, str], ...]
NOTHING = Decimal("0.0")


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What every message here is.  Written down, as commands and what answered them are, it leaves out what nobody set."""


# -- contracts ----------------------------------------------------------------------------------------------------------------


class Leg(Wire, frozen=True, kw_only=True):
    """One contract of a combo; `ratio` times it is bought or sold (`action`) with each unit of the combo."""

    con_id: int
    ratio: int
    action: str
    exchange: str
    open_close: int = 0  # 0 same as the combo
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1


class Contract(Wire, frozen=True, kw_only=True):
    """What is traded.  `con_id` and `exchange` are enough for a server that knows the contract."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    last_trade: str = ""  # YYYYMMDD, or YYYYMM
    strike: Decimal = NOTHING
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""
    legs: tuple[Leg, ...] = ()
    legs_described: str = ""  # from the server alone


class ContractDetails(Wire, frozen=True, kw_only=True):
    """One contract that a search found.  `min_tick` is the least step of its price, before its market rules."""

    req_id: int
    contract: Contract
    market_name: str
    min_tick: Decimal
    order_types: str
    valid_exchanges: str
    price_magnifier: int
    under_con_id: int
    long_name: str
    contract_month: str
    industry: str
    category: str
    subcategory: str
    time_zone_id: str
    trading_hours: str
    liquid_hours: str
    sec_ids: Pairs
    under_symbol: str
    under_sec_type: str
    market_rule_ids: str
    real_expiration: str
    stock_type: str
    last_trade_time: str = ""
    min_size: Decimal | None = None
    size_increment: Decimal | None = None
    suggested_size_increment: Decimal | None = None


class ContractDetailsEnd(Wire, frozen=True, kw_only=True):
    req_id: int


class Sample(Wire, frozen=True, kw_only=True):
    """One contract whose symbol or name resembles what was asked for."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    derivatives: tuple[str, ...]
    description: str = ""
    issuer_id: str = ""


class SymbolSamples(Wire, frozen=True, kw_only=True):
    req_id: int
    samples: tuple[Sample, ...]


class OptionParams(Wire, frozen=True, kw_only=True):
    """Expirations (YYYYMMDD) and strikes of one option class at one exchange."""

    req_id: int
    exchange: str
    under_con_id: int
    trading_class: str
    multiplier: str
    expirations: tuple[str, ...]
    strikes: tuple[Decimal, ...]


class OptionParamsEnd(Wire, frozen=True, kw_only=True):
    req_id: int


class MarketRule(Wire, frozen=True, kw_only=True):
    """Least steps of a price: from `low_edge` on it is `increment`, up to the next edge."""

    rule_id: int
    increments: tuple[tuple[Decimal, Decimal], ...]


# -- orders -------------------------------------------------------------------------------------------------------------------


class Order(Wire, frozen=True, kw_only=True):
    """An order as it is asked for, and as the server shows it.  What this desk never sets has the value that clients send."""

    action: str
    total_quantity: Decimal
    order_type: str
    lmt_price: Decimal | None = None
    aux_price: Decimal | None = None
    tif: str = ""
    oca_group: str = ""
    oca_type: int = 0
    account: str = ""
    open_close: str = "O"
    origin: int = 0
    order_ref: str = ""
    transmit: bool = True
    parent_id: int = 0
    block_order: bool = False
    sweep_to_fill: bool = False
    display_size: int | None = 0
    trigger_method: int = 0
    outside_rth: bool = False
    hidden: bool = False
    discretionary_amt: Decimal = NOTHING
    good_after_time: str = ""
    good_till_date: str = ""
    model_code: str = ""
    short_sale_slot: int = 0
    designated_location: str = ""
    exempt_code: int = -1
    rule_80a: str = ""
    settling_firm: str = ""
    all_or_none: bool = False
    min_qty: int | None = None
    percent_offset: Decimal | None = None
    override_percentage_constraints: bool = False
    trail_stop_price: Decimal | None = None
    trailing_percent: Decimal | None = None
    lmt_price_offset: Decimal | None = None
    hedge_type: str = ""
    hedge_param: str = ""
    opt_out_smart_routing: bool = False
    clearing_account: str = ""
    clearing_intent: str = ""
    not_held: bool = False
    leg_prices: tuple[Decimal | None, ...] = ()
    smart_routing: Pairs = ()
    algo_strategy: str = ""
    algo_params: Pairs = ()
    algo_id: str = ""
    what_if: bool = False
    misc_options: Pairs = ()
    solicited: bool = False
    randomize_size: bool = False
    randomize_price: bool = False
    ext_operator: str = ""
    cash_qty: Decimal | None = None
    use_price_mgmt_algo: bool = False
    duration: int | None = None
    post_to_ats: int | None = None
    auto_cancel_parent: bool = False
    advanced_error_override: str = ""
    manual_order_time: str = ""


class Margin(Wire, frozen=True, kw_only=True):
    """What an order would do to the account, in its base currency; text where the server says nothing comes as None."""

    init_before: Decimal | None = None
    maint_before: Decimal | None = None
    equity_before: Decimal | None = None
    init_change: Decimal | None = None
    maint_change: Decimal | None = None
    equity_change: Decimal | None = None
    init_after: Decimal | None = None
    maint_after: Decimal | None = None
    equity_after: Decimal | None = None


class OpenOrder(Wire, frozen=True, kw_only=True):
    """An order that is open, was just changed, or was only looked at (`order.what_if`)."""

    order_id: int
    client_id: int
    perm_id: int
    contract: Contract
    order: Order
    status: str
    margin: Margin = Margin()
    commission: Decimal | None = None
    min_commission: Decimal | None = None
    max_commission: Decimal | None = None
    commission_currency: str = ""
    warning_text: str = ""


class OpenOrderEnd(Wire, frozen=True, kw_only=True):
    pass


class Placed(Wire, frozen=True, kw_only=True):
    """One order as it is handed to the door, before the server's version writes it down."""

    order_id: int
    contract: Contract
    order: Order


class Command(Wire, frozen=True, kw_only=True):
    """Orders that leave together, in this order."""

    orders: tuple[Placed, ...]


class Cancel(Wire, frozen=True, kw_only=True):
    """The cancel of one order of our client id; `until_over` waits for the order's end, and not for a word on the cancel."""

    order_id: int
    until_over: bool = False


class CompletedOrder(Wire, frozen=True, kw_only=True):
    """An order that is done; it has its permanent id and no other."""

    perm_id: int
    parent_perm_id: int | None
    contract: Contract
    order: Order
    status: str
    filled_quantity: Decimal | None
    completed_time: str
    completed_status: str


class CompletedOrdersEnd(Wire, frozen=True, kw_only=True):
    pass


class OrderStatus(Wire, frozen=True, kw_only=True):
    """How far an order is; sent again and again with the same content."""

    order_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    avg_fill_price: Decimal | None
    perm_id: int
    parent_id: int
    last_fill_price: Decimal | None
    client_id: int
    why_held: str
    mkt_cap_price: Decimal | None = None


# -- executions ---------------------------------------------------------------------------------------------------------------


class ExecutionFilter(Wire, frozen=True, kw_only=True):
    """Which executions are asked for; nothing set means all of today.  `time` is `YYYYMMDD hh:mm:ss`."""

    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


class Execution(Wire, frozen=True, kw_only=True):
    """One execution.  A correction has the same `exec_id` up to its last dot and a higher number behind it."""

    req_id: int  # -1: it just happened
    order_id: int
    contract: Contract
    exec_id: str
    time: str
    account: str
    exchange: str
    side: str
    shares: Decimal
    price: Decimal
    perm_id: int
    client_id: int
    liquidation: int
    cum_qty: Decimal
    avg_price: Decimal | None
    order_ref: str
    model_code: str = ""
    last_liquidity: int | None = None
    pending_price_revision: bool = False


class ExecutionsEnd(Wire, frozen=True, kw_only=True):
    req_id: int


class Commission(Wire, frozen=True, kw_only=True):
    """What one execution cost; comes after it."""

    exec_id: str
    commission: Decimal | None
    currency: str
    realized_pnl: Decimal | None


# -- the session, account and positions ---------------------------------------------------------------------------------------


class ServerHello(Wire, frozen=True, kw_only=True):
    """The version both sides speak from here on, and the server's clock as it writes it."""

    version: int
    time: str


class NextValidId(Wire, frozen=True, kw_only=True):
    order_id: int


class ManagedAccounts(Wire, frozen=True, kw_only=True):
    accounts: tuple[str, ...]


class Error(Wire, frozen=True, kw_only=True):
    """`id` is an order's or a request's; -1 says that it is about neither."""

    id: int
    code: int
    text: str
    reject_json: str = ""


class CurrentTime(Wire, frozen=True, kw_only=True):
    epoch_s: int


class Told(Wire, frozen=True, kw_only=True):
    """What was said about the orders of one command until it was answered, in order of arrival."""

    open: tuple[OpenOrder, ...] = ()
    statuses: tuple[OrderStatus, ...] = ()
    errors: tuple[Error, ...] = ()


class AccountValue(Wire, frozen=True, kw_only=True):
    """One figure of the account; `req_id` and `model` are set where several accounts are watched."""

    key: str
    value: str
    currency: str
    account: str
    req_id: int | None = None
    model: str = ""


class AccountTime(Wire, frozen=True, kw_only=True):
    time: str


class AccountEnd(Wire, frozen=True, kw_only=True):
    account: str = ""
    req_id: int | None = None


class Portfolio(Wire, frozen=True, kw_only=True):
    contract: Contract
    position: Decimal
    market_price: Decimal | None
    market_value: Decimal | None
    average_cost: Decimal | None
    unrealized_pnl: Decimal | None
    realized_pnl: Decimal | None
    account: str


class Position(Wire, frozen=True, kw_only=True):
    """Signed; `avg_cost` of an option or future is per contract, multiplier included."""

    account: str
    contract: Contract
    position: Decimal
    avg_cost: Decimal | None


class PositionEnd(Wire, frozen=True, kw_only=True):
    pass


class SummaryRow(Wire, frozen=True, kw_only=True):
    req_id: int
    account: str
    tag: str
    value: str
    currency: str


class SummaryEnd(Wire, frozen=True, kw_only=True):
    req_id: int


class Pnl(Wire, frozen=True, kw_only=True):
    req_id: int
    daily: Decimal | None
    unrealized: Decimal | None = None
    realized: Decimal | None = None


# -- market data --------------------------------------------------------------------------------------------------------------


class TickPrice(Wire, frozen=True, kw_only=True):
    req_id: int
    tick_type: int
    price: Decimal | None
    size: Decimal | None
    mask: int


class TickSize(Wire, frozen=True, kw_only=True):
    req_id: int
    tick_type: int
    size: Decimal | None


class TickGeneric(Wire, frozen=True, kw_only=True):
    req_id: int
    tick_type: int
    value: Decimal | None


class TickString(Wire, frozen=True, kw_only=True):
    req_id: int
    tick_type: int
    value: str


class TickOption(Wire, frozen=True, kw_only=True):
    """What the server computed of an option; -1 and -2 stand for "not computed" in prices and Greeks."""

    req_id: int
    tick_type: int
    implied_vol: Decimal | None
    delta: Decimal | None
    price: Decimal | None
    gamma: Decimal | None
    vega: Decimal | None
    theta: Decimal | None
    under_price: Decimal | None


class TickParams(Wire, frozen=True, kw_only=True):
    req_id: int
    min_tick: Decimal | None
    bbo_exchange: str
    snapshot_permissions: int


class SnapshotEnd(Wire, frozen=True, kw_only=True):
    req_id: int


class DataType(Wire, frozen=True, kw_only=True):
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    req_id: int
    kind: int


class Candle(Wire, frozen=True, kw_only=True):
    date: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    wap: Decimal | None
    count: int | None


class Candles(Wire, frozen=True, kw_only=True):
    """Finished and running candles in order of time."""

    req_id: int
    start: str
    end: str
    candles: tuple[Candle, ...]


class CandleUpdate(Wire, frozen=True, kw_only=True):
    req_id: int
    candle: Candle


class LiveBar(Wire, frozen=True, kw_only=True):
    """A candle of 5 seconds; `epoch_s` is when it began."""

    req_id: int
    epoch_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    wap: Decimal | None
    count: int | None


class TickByTick(Wire, frozen=True, kw_only=True):
    """1 last and 2 all last: `price`, `size`; 3 bid and ask: all four; 4 mid point: `price`."""

    req_id: int
    tick_type: int
    epoch_s: int
    price: Decimal | None = None
    size: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    exchange: str = ""


class Other(Wire, frozen=True, kw_only=True):
    """A message that nothing here asks for."""

    message_id: int
