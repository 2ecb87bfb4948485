"""What one control says about one wish."""

from __future__ import annotations

from dataclasses import dataclass

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
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One pre-trade control's answer; limit and value are text with their units, `pointer` the member at fault."""

    control: str
    ok: bool
    detail: str = ""
    limit: str | None = None
    value: str | None = None
    pointer: str = ""


_RULES = {"tick": "/limit_price", "lot": "/quantity", "min_qty": "/quantity", "min_notional": "/quantity"}
_STATES: dict[str, type[FloorbrokerError]] = {"latch": KillSwitchOn, "ready": NotReady, "armed": NotArmed}


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
    return kind(verdict.detail, control=verdict.control, limit=verdict.limit, value=verdict.value)
