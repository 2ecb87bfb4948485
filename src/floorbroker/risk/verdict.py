"""What one control says about one wish, and the few ways to say it."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from floorbroker.domain.errors import (
    DailyLossLimit,
    FieldError,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    KillSwitchOn,
    NotArmed,
    NotReady,
    NotSupported,
    Outcome,
    PositionSizeExceeded,
    RiskLimitExceeded,
    VaultLocked,
)
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import text_of


@frozen
class Verdict:
    """One pre-trade control's answer: the limit in force, the value measured against it, and the member at fault (`pointer`).

    Numbers stay numbers here: most verdicts are yes, and nobody reads them.
    """

    control: str
    ok: bool
    detail: str = ""
    limit: Decimal | int | None = None
    value: Decimal | int | None = None
    pointer: str = ""
    scope: str = ""  # whose limit it is (`strategy:momentum-1`); empty for the profile's own
    currency: str = ""  # what limit and value are in, where they are amounts of money
    fields: tuple[FieldError, ...] = ()  # every member at fault, where there may be several

    @property
    def limit_text(self) -> str | None:
        """The limit as people read it."""
        return _text(self.limit)

    @property
    def value_text(self) -> str | None:
        """The value as people read it."""
        return _text(self.value)


def _text(number: Decimal | int | None) -> str | None:
    return None if number is None else text_of(Decimal(number))


@cache
def passed(control: str) -> Verdict:
    """One plain yes for each control, made once: they are nearly all that a wish meets."""
    return Verdict(control=control, ok=True)


def failed(
    control: str,
    detail: str,
    *,
    limit: Decimal | int | None = None,
    value: Decimal | int | None = None,
    pointer: str = "",
) -> Verdict:
    return Verdict(control=control, ok=False, detail=detail, limit=limit, value=value, pointer=pointer)


def within(
    control: str,
    value: Decimal | int | None,
    limit: Decimal | int | None,
    what: str,
    *,
    scope: str = "",
    currency: str = "",
    lacks: str = "",
) -> Verdict:
    """A plain upper bound; without a limit it holds, without a value it does not: it `lacks` what measures it."""
    if limit is None:
        return passed(control)
    of_whom = f" of {scope}" if scope else ""
    if value is None:
        needed = lacks or ("a price and a rate of exchange" if scope else "a price")
        detail = f"{what} cannot be measured without {needed}{of_whom}"
        return Verdict(control=control, ok=False, detail=detail, limit=limit, scope=scope)
    if value <= limit:
        return Verdict(control=control, ok=True, limit=limit, value=value, scope=scope, currency=currency)
    unit = f" {currency}" if currency else ""
    detail = f"{what} {_text(value)} is above {control} {_text(limit)}{unit}{of_whom}"
    return Verdict(control=control, ok=False, detail=detail, limit=limit, value=value, scope=scope, currency=currency)


RATES = "a rate of exchange under [risk.rates] for all of it"  # what an amount in several currencies lacks

_RULES = {
    "tick": "/limit_price", "lot": "/quantity", "min_qty": "/quantity", "min_notional": "/quantity",
    "confirm": "/confirm",
}  # fmt: skip
_DAY_LOSS = frozenset({"max_loss_day", "max_loss_day_pct", "max_drawdown_pct"})
_STATES: dict[str, type[FloorbrokerError]] = {
    "latch": KillSwitchOn, "vault": VaultLocked, "ready": NotReady, "armed": NotArmed,
}  # fmt: skip


def refusal(verdict: Verdict) -> FloorbrokerError:
    """The error a failed control raises at the doors."""
    if verdict.control in _STATES:
        return _STATES[verdict.control](verdict.detail)
    if verdict.fields:
        return InvalidRequest(verdict.detail, fields=verdict.fields)
    if verdict.control in _RULES:
        field = FieldError(
            pointer=verdict.pointer or _RULES[verdict.control], code=verdict.control, detail=verdict.detail
        )
        return InvalidRequest(verdict.detail, fields=(field,))
    if verdict.control == "buying_power":
        return InsufficientFunds(verdict.detail, outcome=Outcome.NOT_SENT)
    if verdict.control == "supported":
        return NotSupported(verdict.detail)
    if verdict.control in _DAY_LOSS:
        return DailyLossLimit(
            verdict.detail, control=verdict.control, limit=verdict.limit_text, value=verdict.value_text
        )
    kind = PositionSizeExceeded if verdict.control == "max_position" else RiskLimitExceeded
    return kind(verdict.detail, control=verdict.control, limit=verdict.limit_text, value=verdict.value_text)
