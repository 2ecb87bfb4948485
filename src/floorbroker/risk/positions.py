"""The controls of what an account would hold: positions, and exposure over all of them.

An order of several legs is measured leg by leg, each by its own units and price: its net price says nothing of what it opens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

from floorbroker.domain.values import WIDE, ZERO, Side
from floorbroker.risk.situation import Situation, Trade
from floorbroker.risk.verdict import Verdict, failed, passed, within
from floorbroker.risk.watch import Ends

_HUNDRED = Decimal(100)
_ONE = Decimal(1)


def max_position(s: Situation) -> Verdict:
    """The position after everything open, undecided and this wish filled."""
    if s.reduces:
        return passed("max_position")
    return _first("max_position", (verdict for trade in s.trades for verdict in _position(s, trade)))


def _first(control: str, verdicts: Iterable[Verdict]) -> Verdict:
    """The first that says no, else the last."""
    said = passed(control)
    for said in verdicts:
        if not said.ok:
            return said
    return said


def _position(s: Situation, trade: Trade) -> Iterator[Verdict]:
    if trade.reduces:
        return
    after = None if trade.after is None else abs(trade.after)
    yield within("max_position", after, s.limits.max_position_qty, "position after worst case")
    value = None if after is None or trade.worth is None else after * trade.worth
    limit, what = s.limits.max_position_notional, "position value after worst case"
    yield within("max_position", value, limit, what, currency=s.currency)


def exposure(s: Situation) -> Verdict:
    """Gross and net exposure, leverage and concentration after the worst case."""
    if s.reduces:
        return passed("exposure")
    found = _worst_values(s)
    said = _unmeasured(s) if found is None else _measured(s, found.gross, found.net)
    return next((verdict for verdict in said if not verdict.ok), passed("exposure"))


def _measured(s: Situation, gross: Decimal, net: Decimal) -> Iterator[Verdict]:
    most, money = s.limits, s.currency
    yield within(
        "max_gross_exposure", gross, most.max_gross_exposure, "gross exposure after worst case", currency=money
    )
    yield within("max_net_exposure", net, most.max_net_exposure, "net exposure after worst case", currency=money)
    if s.account is None:
        return
    if s.account.equity > 0:
        yield from _against_equity(s, gross, s.account.equity)
        return
    for name, limit in (("max_leverage", most.max_leverage), ("max_concentration_pct", most.max_concentration_pct)):
        if limit is not None:
            yield failed(name, "no equity stands against this exposure", limit=limit, value=gross)


def _against_equity(s: Situation, gross: Decimal, equity: Decimal) -> Iterator[Verdict]:
    """What is measured as a part of what the account is worth; nothing is divided where there is no limit."""
    if s.limits.max_leverage is not None:
        leverage = (gross / equity).quantize(Decimal("0.001"), context=WIDE)
        yield within("max_leverage", leverage, s.limits.max_leverage, "leverage after worst case")
    yield from _concentration(s)


def _concentration(s: Situation) -> Iterator[Verdict]:
    equity = None if s.account is None else s.account.equity
    if s.limits.max_concentration_pct is not None and equity is not None and equity > 0:
        for trade in s.trades:
            value = None if trade.after is None or trade.worth is None else abs(trade.after) * trade.worth
            share = None if value is None else (value / equity * _HUNDRED).quantize(Decimal("0.01"), context=WIDE)
            yield within("max_concentration_pct", share, s.limits.max_concentration_pct, "share of equity in percent,")


def _unmeasured(s: Situation) -> Iterator[Verdict]:
    """The size of the wish, or what is held or ordered in a currency without a rate, cannot be told: no limit takes that."""
    limits, what = s.limits, "exposure after worst case"
    lacking = [symbol for symbol in sorted(s.exposure.symbols()) if s.exposure.scale(symbol) is None]
    lacks = f"a rate of exchange under [risk.rates] for {', '.join(lacking)}" if lacking else ""
    yield within("max_gross_exposure", None, limits.max_gross_exposure, f"gross {what}", lacks=lacks)
    yield within("max_net_exposure", None, limits.max_net_exposure, f"net {what}", lacks=lacks)
    yield within("max_leverage", None, limits.max_leverage, "leverage after worst case", lacks=lacks)
    yield from _concentration(s)


def _worst_values(s: Situation) -> Ends | None:
    """Summed values at both ends of every symbol after the wish; None where one of them cannot be told."""
    moved: dict[tuple[str, Side], Decimal] = defaultdict(lambda: ZERO)
    worths: dict[str, Decimal | None] = {}
    for trade in s.trades:
        if trade.units is None:
            return None
        moved[trade.symbol, trade.side] += trade.units
        worths[trade.symbol] = trade.worth
    values: list[tuple[Decimal, Decimal]] = []
    for symbol in s.exposure.symbols() | set(worths):
        up, down = s.exposure.worst_case(symbol, Side.BUY), s.exposure.worst_case(symbol, Side.SELL)
        if symbol in worths:
            up, down = up + moved[symbol, Side.BUY], down - moved[symbol, Side.SELL]
        if up > 0 or down < 0:
            worth = worths.get(symbol)
            if worth is None and (symbol not in worths or symbol in s.exposure.marks):
                worth = s.exposure.value(symbol, _ONE)
            if worth is None:
                return None
            values.append((up * worth, down * worth))
    return Ends().plus(*values)
