"""Every error says what is known, under a stable code of the documented list."""

from __future__ import annotations

from floorbroker.domain.errors import FloorbrokerError, Outcome, OwnRefusal, error_codes

DOCUMENTED = {
    "api_error",
    "authentication_failed",
    "config_invalid",
    "conflict",
    "connection_failed",
    "daily_loss_limit",
    "forbidden",
    "gateway_not_running",
    "insufficient_funds",
    "invalid_request",
    "journal_fault",
    "kill_switch_on",
    "margin_call",
    "market_closed",
    "not_armed",
    "not_found",
    "not_ready",
    "not_supported",
    "order_rejected",
    "position_size_exceeded",
    "rate_limit_exceeded",
    "risk_limit_exceeded",
    "session_expired",
    "symbol_not_found",
    "timeout",
    "unknown",
    "vault_locked",
    "vault_refused",
}


def _subclasses(cls: type[FloorbrokerError]) -> list[type[FloorbrokerError]]:
    return [cls, *(found for sub in cls.__subclasses__() for found in _subclasses(sub))]


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    assert set(error_codes()) == DOCUMENTED


def test_our_own_refusals_never_left_the_machine() -> None:
    ours = _subclasses(OwnRefusal)
    assert len(ours) > 10
    assert all(cls.default_outcome is Outcome.NOT_SENT for cls in ours)
