"""What one control says about one wish."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.errors import (
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


_RULES = {"tick": "/limit_price", "lot": "/quantity", "min_qty": "/quantity", "min_notional": "/quantity"}
_STATES: dict[str, type[FloorbrokerError]] = {
    "latch": KillSwitchOn, "vault": VaultLocked, "ready": NotReady, "armed": NotArmed,
}  # fmt: skip


def refusal(verdict: Verdict) -> FloorbrokerError:
    """The error a failed control raises at the doors."""
    if verdict.control in _STATES:
        return _STATES[verdict.control](verdict.detail)
    if verdict.control in _RULES:
        field = FieldError(
            pointer=verdict.pointer or _RULES[verdict.control], code=verdict.control, detail=verdict.detail
        )
        return InvalidRequest(verdict.detail, fields=(field,))
    if verdict.control == "buying_power":
        return InsufficientFunds(verdict.detail, outcome=Outcome.NOT_SENT)
    if verdict.control == "supported":
        return NotSupported(verdict.detail)
    kind = PositionSizeExceeded if verdict.control == "max_position" else RiskLimitExceeded
    return kind(verdict.detail, control=verdict.control, limit=verdict.limit_text, value=verdict.value_text)
