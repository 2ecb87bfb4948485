"""The messages of a client by their id: a name for fault plans and logs, and a handler that reads the fields and answers.

Ids and fields: https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/ and the fact sheet, C3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.codec import Reader
from floorbroker_sim.ibkr.rest import account, bars, cancels, entry, orders
from floorbroker_sim.ibkr.rest.contracts import con_id_of
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.contracts import ISSUER_SINCE, Contract, read_contract
from floorbroker_sim.ibkr.wire.orders import read_placed

if TYPE_CHECKING:
    from floorbroker_sim.ibkr.stream.session import Session

Handler = Callable[["Session", Reader], None]


def _place(s: Session, r: Reader) -> None:
    entry.place(s.state, s, read_placed(r, s.version))


def _cancel(s: Session, r: Reader) -> None:
    r.text()
    cancels.cancel(s.state, s, r.whole())


def _cancel_all(s: Session, _: Reader) -> None:
    cancels.cancel_all(s.state)


def _open_orders(s: Session, _: Reader) -> None:
    orders.tell_open(s.state, s, everybody=False)


def _all_open_orders(s: Session, _: Reader) -> None:
    orders.tell_open(s.state, s, everybody=True)


def _auto_open_orders(s: Session, r: Reader) -> None:
    r.text()
    if r.flag() and s.client_id != 0:
        raise errors.invalid("Only the default client (i.e 0) can auto bind orders.")


def _completed(s: Session, _: Reader) -> None:
    orders.tell_completed(s.state, s)


def _executions(s: Session, r: Reader) -> None:
    r.text()
    request = s.about(r.whole())
    orders.tell_executions(s.state, s, request, orders.read_filter(r))


def _ids(s: Session, _: Reader) -> None:
    s.tell_next_id()


def _accounts(s: Session, _: Reader) -> None:
    s.send([15, 1, s.state.account])


def _time(s: Session, _: Reader) -> None:
    s.send([49, 1, int(s.state.clock.now().timestamp())])


def _user(s: Session, r: Reader) -> None:
    s.send([107, s.about(r.whole()), ""])


def _nothing(_s: Session, _: Reader) -> None:
    """Taken without an answer."""


# --- Account ---------------------------------------------------------------------------------------------------------


def _known_account(s: Session, name: str) -> None:
    if name not in {"", s.state.account}:
        raise errors.invalid(f"Invalid account code '{name}'.")


def _updates(s: Session, r: Reader) -> None:
    r.text()
    s.wants_updates = r.flag()
    _known_account(s, r.text())
    if s.wants_updates:
        account.tell_values(s.state, s)
        s.send([54, 1, s.state.account])


def _positions(s: Session, _: Reader) -> None:
    s.wants_positions = True
    for symbol in s.state.held():
        s.send(account.position_words(s.state, symbol))
    s.send([62, 1])


def _positions_off(s: Session, _: Reader) -> None:
    s.wants_positions = False


def _positions_multi(s: Session, r: Reader) -> None:
    r.text()
    request, name, model = s.about(r.whole()), r.text(), r.text()
    _known_account(s, name)
    for symbol in s.state.held():
        s.send(account.multi_words(s.state, request, symbol, model))
    s.send([72, 1, request])


def _updates_multi(s: Session, r: Reader) -> None:
    r.text()
    request, name, model = s.about(r.whole()), r.text(), r.text()
    _known_account(s, name)
    for key, (value, currency) in account.values(s.state).items():
        s.send([73, 1, request, s.state.account, model, key, value, currency])
    s.send([74, 1, request])


def _summary(s: Session, r: Reader) -> None:
    r.text()
    request, group, tags = s.about(r.whole()), r.text(), r.text()
    if group != "All":
        raise errors.invalid(f"Invalid group:{group}")
    for words in account.summary(s.state, request, tags):
        s.send(words)
    s.send([64, 1, request])
    s.summaries[request] = tags


def _summary_off(s: Session, r: Reader) -> None:
    r.text()
    s.summaries.pop(r.whole(), None)


def _pnl(s: Session, r: Reader) -> None:
    request, name = s.about(r.whole()), r.text()
    _known_account(s, name)
    s.pnl[request] = ""
    s.send(account.pnl_words(s.state, request))


def _pnl_single(s: Session, r: Reader) -> None:
    request, name, _ = s.about(r.whole()), r.text(), r.text()
    _known_account(s, name)
    s.pnl[request] = s.state.catalogue.symbol_of(r.whole())
    s.send(account.pnl_single_words(s.state, request, s.pnl[request]))


def _pnl_off(s: Session, r: Reader) -> None:
    s.pnl.pop(r.whole(), None)


# --- Contracts -------------------------------------------------------------------------------------------------------


def _details(s: Session, r: Reader) -> None:
    r.text()
    request, wanted = s.about(r.whole()), read_contract(r)
    r.texts(4 if s.version >= ISSUER_SINCE else 3)
    for symbol in s.state.catalogue.find(wanted):
        s.send(s.state.catalogue.details(symbol).words(request, s.version))
    s.send([52, 1, request])


def _samples(s: Session, r: Reader) -> None:
    request, pattern = s.about(r.whole()), r.text()
    found = s.state.catalogue.samples(pattern)
    words: frames.Words = [79, request, len(found)]
    for symbol in found:
        c = s.state.catalogue.contract(symbol)
        kinds = ["OPT"] if symbol in info.OPTION_ROOTS else []
        words += [c.con_id, c.symbol, c.sec_type, c.primary or c.exchange, c.currency, len(kinds), *kinds]
        if s.version >= ISSUER_SINCE:
            words += [s.state.market.instrument(symbol).name, ""]
    s.send(words)


def _chain(s: Session, r: Reader) -> None:
    request, (symbol, _, kind), con_id = s.about(r.whole()), r.texts(3), r.whole()
    if kind != "STK" or (con_id and s.state.catalogue.symbol_of(con_id) != symbol):
        raise errors.invalid("Invalid contract id")
    days, prices = s.state.catalogue.chain_params(symbol)
    for exchange in ("SMART", "CBOE") if days else ():
        s.send(
            frames.option_params(
                request,
                exchange,
                under=con_id_of(symbol),
                trading_class=symbol,
                expiries=[f"{day:%Y%m%d}" for day in days],
                strikes=prices,
            )
        )
    s.send([76, request])


def _rule(s: Session, r: Reader) -> None:
    number = s.about(r.whole())
    if number not in info.MARKET_RULES:
        raise errors.invalid(f"Invalid market rule id:{number}")
    rules = info.MARKET_RULES[number]
    s.send([93, number, len(rules), *(word for rule in rules for word in rule)])


# --- Market data -----------------------------------------------------------------------------------------------------


def _symbol(s: Session, contract: Contract) -> str:
    return s.state.catalogue.one(contract)


def _data_type(s: Session, r: Reader) -> None:
    r.text()
    kind = r.whole()
    if kind not in {1, 2, 3, 4}:
        raise errors.invalid(f"Invalid market data type:{kind}")
    s.feed.wants = kind


def _data(s: Session, r: Reader) -> None:
    r.text()
    request, contract = s.about(r.whole()), read_contract(r)
    if contract.sec_type == "BAG":
        raise errors.invalid("market data of combinations is not simulated; ask for the legs")
    r.texts(3 if r.flag() else 0)
    r.text()
    s.feed.subscribe(request, _symbol(s, contract), snapshot=r.flag())


def _data_off(s: Session, r: Reader) -> None:
    r.text()
    s.feed.unsubscribe(s.about(r.whole()))


def _ticks(s: Session, r: Reader) -> None:
    request, contract = s.about(r.whole()), read_contract(r)
    s.feed.subscribe_ticks(request, _symbol(s, contract), r.text())


def _ticks_off(s: Session, r: Reader) -> None:
    s.feed.unsubscribe_ticks(s.about(r.whole()))


def _real_time(s: Session, r: Reader) -> None:
    r.text()
    request, contract = s.about(r.whole()), read_contract(r)
    symbol, seconds, shown = _symbol(s, contract), r.whole(), r.text()
    if seconds != 5 or shown not in bars.SHOWN:
        raise errors.invalid("bars in real time are five seconds of TRADES, MIDPOINT, BID or ASK")
    s.feed.subscribe_bars(request, symbol)


def _real_time_off(s: Session, r: Reader) -> None:
    r.text()
    s.feed.unsubscribe_bars(s.about(r.whole()))


def _history(s: Session, r: Reader) -> None:
    request, contract = s.about(r.whole()), read_contract(r)
    r.text()
    end, size, duration, _, shown = r.texts(5)
    epoch = r.whole() == 2
    if contract.sec_type == "BAG":
        raise errors.invalid("the past of combinations is not simulated; ask for the legs")
    symbol = _symbol(s, contract)
    found, since, until = bars.bars(s.state, symbol, end=end, duration=duration, size=size, shown=shown)
    s.send(bars.words(request, found, since, until, size=size, epoch=epoch))
    if r.flag():
        s.feed.keep(request, symbol, size=size, epoch=epoch)


def _history_off(s: Session, r: Reader) -> None:
    r.text()
    s.feed.forget(s.about(r.whole()))


def _head(s: Session, r: Reader) -> None:
    request, contract = s.about(r.whole()), read_contract(r)
    _symbol(s, contract)
    r.texts(3)
    first = s.state.clock.now().replace(year=s.state.clock.now().year - 5, month=1, day=2, hour=14, minute=30, second=0)
    s.send([88, request, str(int(first.timestamp())) if r.whole() == 2 else f"{first:%Y%m%d-%H:%M:%S}"])


def _past_ticks(s: Session, r: Reader) -> None:
    request, contract = s.about(r.whole()), read_contract(r)
    r.text()
    start, end = r.texts(2)
    count, shown = r.whole(), r.text()
    s.send(bars.ticks_words(s.state, request, _symbol(s, contract), start=start, end=end, count=count, shown=shown))


ROUTES: dict[int, tuple[str, Handler]] = {
    1: ("reqMktData", _data), 2: ("cancelMktData", _data_off), 3: ("placeOrder", _place), 4: ("cancelOrder", _cancel),
    5: ("reqOpenOrders", _open_orders), 6: ("reqAccountUpdates", _updates), 7: ("reqExecutions", _executions),
    8: ("reqIds", _ids), 9: ("reqContractDetails", _details), 14: ("setServerLogLevel", _nothing),
    15: ("reqAutoOpenOrders", _auto_open_orders), 16: ("reqAllOpenOrders", _all_open_orders),
    17: ("reqManagedAccts", _accounts), 20: ("reqHistoricalData", _history), 25: ("cancelHistoricalData", _history_off),
    49: ("reqCurrentTime", _time), 50: ("reqRealTimeBars", _real_time), 51: ("cancelRealTimeBars", _real_time_off),
    58: ("reqGlobalCancel", _cancel_all), 59: ("reqMarketDataType", _data_type), 61: ("reqPositions", _positions),
    62: ("reqAccountSummary", _summary), 63: ("cancelAccountSummary", _summary_off), 64: ("cancelPositions", _positions_off),
    74: ("reqPositionsMulti", _positions_multi), 75: ("cancelPositionsMulti", _nothing),
    76: ("reqAccountUpdatesMulti", _updates_multi), 77: ("cancelAccountUpdatesMulti", _nothing),
    78: ("reqSecDefOptParams", _chain), 81: ("reqMatchingSymbols", _samples), 87: ("reqHeadTimeStamp", _head),
    90: ("cancelHeadTimeStamp", _nothing), 91: ("reqMarketRule", _rule), 92: ("reqPnL", _pnl), 93: ("cancelPnL", _pnl_off),
    94: ("reqPnLSingle", _pnl_single), 95: ("cancelPnLSingle", _pnl_off), 96: ("reqHistoricalTicks", _past_ticks),
    97: ("reqTickByTickData", _ticks), 98: ("cancelTickByTickData", _ticks_off), 99: ("reqCompletedOrders", _completed),
    104: ("reqUserInfo", _user),
}  # fmt: skip
ORDER_MESSAGES = frozenset({"placeOrder", "cancelOrder"})
