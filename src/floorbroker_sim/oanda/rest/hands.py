"""What this venue's control door can do besides: the kind of account, halts, liquidity, reasons to refuse, money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import cast, get_args

from floorbroker.domain.values import NotExact, decimal_of
from floorbroker_sim.control import Impossible, Route, fields_of, positive_in, text_in
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.mapping import outside
from floorbroker_sim.oanda.rest import money
from floorbroker_sim.oanda.rest.state import State

_DONE = Reply(status=204)
_MOST = 1000


class Hand:
    """The routes of one venue's control door, beside those every door has."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> Mapping[tuple[str, str], Route]:
        found: dict[str, Callable[[Request], Reply]] = {
            "/account": self._account,
            "/halts": self._halt,
            "/liquidity": self._liquidity,
            "/rejects": lambda request: self._reasons(request, info.REJECT_REASONS, self._state.hands.rejects.append),
            "/cancels": lambda request: self._reasons(request, info.CANCEL_REASONS, self._state.hands.cancels.append),
            "/transfers": self._transfer,
            "/financing": self._financing,
        }
        return {("POST", path): route for path, route in found.items()}

    def _account(self, request: Request) -> Reply:
        """`{"hedging":bool,"fifo":bool,"request_ids":bool,"guaranteed":"DISABLED"|"ALLOWED"|"REQUIRED"}`, each optional."""
        fields = fields_of(request, {"hedging", "fifo", "request_ids", "guaranteed"})
        account = self._state.account
        for name in ("hedging", "fifo", "request_ids"):
            value = fields.get(name, getattr(account, name))
            if not isinstance(value, bool):
                raise Impossible(name, "true or false is needed")
            if name == "hedging" and value != account.hedging and self._state.open_trades:
                raise Impossible(name, "it cannot change while trades are open", status=409)
        mode = text_in(fields, "guaranteed") if "guaranteed" in fields else account.guaranteed
        if mode not in get_args(info.GuaranteedMode):
            raise Impossible("guaranteed", f"not a mode: {mode}")
        account.hedging = bool(fields.get("hedging", account.hedging))
        account.fifo = bool(fields.get("fifo", account.fifo))
        account.request_ids = bool(fields.get("request_ids", account.request_ids))
        account.guaranteed = cast("info.GuaranteedMode", mode)
        return _DONE

    def _halt(self, request: Request) -> Reply:
        """`{"instrument","halted":bool}`: whether orders of an instrument can fill."""
        fields = fields_of(request, {"instrument", "halted"})
        instrument, halted = _instrument(fields), fields.get("halted")
        if not isinstance(halted, bool):
            raise Impossible("halted", "true or false is needed")
        (self._state.hands.halted.add if halted else self._state.hands.halted.discard)(instrument)
        for listener in tuple(self._state.price_listeners):
            listener(instrument)
        return _DONE

    def _liquidity(self, request: Request) -> Reply:
        """`{"instrument","units"}`: how much stands on each side; a null gives the market its own sizes back."""
        fields = fields_of(request, {"instrument", "units"})
        instrument = _instrument(fields)
        if fields.get("units") is None:
            self._state.hands.liquidity.pop(instrument, None)
        else:
            self._state.hands.liquidity[instrument] = positive_in(fields, "units")
        return _DONE

    def _reasons(self, request: Request, known: frozenset[str], add: Callable[[str], None]) -> Reply:
        """`{"reason","count"}`: the next commands are refused, or the next fills canceled, for this reason."""
        fields = fields_of(request, {"reason", "count"})
        reason, count = text_in(fields, "reason"), fields.get("count", 1)
        if reason not in known:
            raise Impossible("reason", f"the venue has no such reason: {reason}")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST:
            raise Impossible("count", f"a whole number up to {_MOST} is needed")
        for _ in range(count):
            add(reason)
        return _DONE

    def _transfer(self, request: Request) -> Reply:
        """`{"amount"}`: money comes in, or goes out (negative)."""
        amount = _amount(fields_of(request, {"amount"}))
        self._state.transfer(amount, reason="CLIENT_FUNDING")
        return _DONE

    def _financing(self, request: Request) -> Reply:
        """`{"trade","amount"}`: the day's financing of an open trade, in the home currency."""
        fields = fields_of(request, {"trade", "amount"})
        name, amount = text_in(fields, "trade"), _amount(fields)
        trade = self._state.open_trades.get(name)
        if trade is None:
            raise Impossible("trade", f"there is no open trade {name}", status=404)
        account = self._state.account
        trade.financing += amount
        account.financing += amount
        account.balance += amount
        self._state.tally(trade.instrument, long=trade.is_long).financing += amount
        part = wire.PositionFinancing(
            instrument=trade.instrument, financing=amount,
            open_trade_financings=[wire.TradeFinancing(trade_id=trade.id, financing=amount)],
        )  # fmt: skip
        self._state.log.write(
            wire.Financing, type="DAILY_FINANCING", financing=amount, account_balance=money.cents(account.balance),
            account_financing_mode="DAILY", position_financings=[part],
        )  # fmt: skip
        return _DONE


def _instrument(fields: Mapping[str, object]) -> str:
    name = outside(text_in(fields, "instrument"))
    if name not in info.INSTRUMENTS:
        raise Impossible("instrument", f"{name} is not listed here")
    return name


def _amount(fields: Mapping[str, object]) -> Decimal:
    try:
        amount = decimal_of(text_in(fields, "amount"))
    except NotExact as error:
        raise Impossible("amount", str(error)) from error
    if not amount or abs(amount) > 10**12:
        raise Impossible("amount", "an amount of money is needed")
    return money.cents(amount)
