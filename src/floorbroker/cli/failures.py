"""What went wrong, told to people and programs: exit code, state, and what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from floorbroker.domain.errors import FloorbrokerError, InvalidRequest

BUG, USAGE, CONFIG, LOGIN, NOT_FOUND, OWN_NO, VENUE_NO, NOT_SENT, UNKNOWN, SOME, UNPROVEN, DISK, CONFLICT = range(1, 14)
INTERRUPTED, TERMINATED = 130, 143

_BY_CODE = {
    "invalid_request": USAGE,
    "not_supported": USAGE,
    "config_invalid": CONFIG,
    "vault_locked": LOGIN,
    "vault_refused": LOGIN,
    "forbidden": LOGIN,
    "authentication_failed": LOGIN,
    "session_expired": LOGIN,
    "not_found": NOT_FOUND,
    "symbol_not_found": NOT_FOUND,
    "risk_limit_exceeded": OWN_NO,
    "position_size_exceeded": OWN_NO,
    "daily_loss_limit": OWN_NO,
    "kill_switch_on": OWN_NO,
    "not_armed": OWN_NO,
    "not_ready": NOT_SENT,
    "journal_fault": DISK,
    "conflict": CONFLICT,
}
_VENUES = frozenset({"order_rejected", "insufficient_funds", "market_closed", "margin_call"})
_WIRE = frozenset({"connection_failed", "gateway_not_running", "rate_limit_exceeded", "api_error", "timeout"})
_BY_OUTCOME = {"not_sent": NOT_SENT, "refused": VENUE_NO, "unknown": UNKNOWN}

_STATE = {
    "not_sent": "nothing was sent, safe to change and repeat",
    "refused": "refused; nothing is open because of it",
    "unknown": "it may have happened: do not repeat it, look it up",
}
_FIX = {
    "invalid_request": "see the usage with --help, or the member that is named",
    "config_invalid": "correct the configuration, then: floorbroker config validate",
    "vault_locked": "floorbroker vault unlock",
    "vault_refused": "type the passphrase again, or put back the newest copy of the file; then: floorbroker vault verify",
    "forbidden": "see what is named; a token of another home is refused too: --home names the one whose server runs",
    "authentication_failed": "check the credentials, then: floorbroker self-check",
    "session_expired": "log in at the broker again, then: floorbroker self-check",
    "kill_switch_on": "see: floorbroker kill status; open it with: floorbroker kill off --reason TEXT",
    "not_armed": "see: floorbroker live status; a person arms it: floorbroker live arm --profile NAME --reason TEXT",
    "not_ready": "see: floorbroker status; it becomes ready by itself once the venue answers and the clock agrees with its own",
    "connection_failed": "see: floorbroker doctor",
    "journal_fault": "see: floorbroker doctor; free disk space or restore the journal",
    "conflict": "read the present state first, then decide anew",
    "risk_limit_exceeded": "change the order; what holds: floorbroker risk show --limits",
    "position_size_exceeded": "change the order; what holds: floorbroker risk show --limits",
    "daily_loss_limit": "see: floorbroker risk show --limits; a person may raise it: floorbroker risk set",
    "symbol_not_found": "check the spelling: AAPL, BTC/USD, AAPL260320P00150000",
    "timeout": "try again; a longer wait: --timeout SECONDS",
    "rate_limit_exceeded": "wait a moment, then try again",
    "unknown": "report it with the id; -v shows where it happened",
}
_FIX_OF_CONTROL = {
    "self_match": "give it a --limit that stops short of the order of ours, or cancel that: floorbroker order cancel ID",
    "duplicate": "say --allow-duplicate if it is meant twice",
    "confirm": "say --confirm SYMBOL if so much is meant",
    "reference": "give it a price with --limit, or try again when the venue tells one",
}

_EXTRA = re.compile(r"make extra NAME=(\w+)")  # what our errors name when a library of an extra is not there


@dataclass(slots=True)
class Trouble(Exception):
    """A failure ready to be told.  `members` are those of the problem object; `exit_code` None follows code and outcome."""

    code: str
    detail: str
    outcome: str = "not_sent"
    where: str = ""
    fix: str = ""
    state: str = ""
    exit_code: int | None = None
    members: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return self.detail

    def exit_with(self) -> int:
        """The exit code."""
        return exit_code_of(self.code, self.outcome) if self.exit_code is None else self.exit_code


def exit_code_of(code: str, outcome: str) -> int:
    """The exit code of an error code and what is known about the order."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code in _VENUES:
        return OWN_NO if outcome == "not_sent" else VENUE_NO  # our own books said no: no venue was asked
    if code in _WIRE:
        return _BY_OUTCOME[outcome]
    return BUG


def usage(detail: str, *, fix: str = "") -> Trouble:
    """Something is wrong with what was typed: exit code 2."""
    return Trouble(code="invalid_request", detail=detail, fix=fix)


def trouble_of(error: FloorbrokerError) -> Trouble:
    """One of our own errors."""
    told: list[dict[str, str]] = []
    if isinstance(error, InvalidRequest):
        told = [{"pointer": f.pointer, "code": f.code, "detail": f.detail} for f in error.fields]
    return Trouble(
        code=error.code,
        detail=error.detail,
        outcome=error.outcome.value,
        members={"errors": told} if told else {},
    )


def as_json(trouble: Trouble) -> str:
    """The problem object, on one line."""
    members = {
        "type": f"/docs/errors/{trouble.code}",
        "code": trouble.code,
        "detail": trouble.detail,
        "outcome": trouble.outcome,
        **trouble.members,
        "exit_code": trouble.exit_with(),
    }
    if trouble.where:
        members["where"] = trouble.where
    return json.dumps(members)


def as_text(trouble: Trouble) -> str:
    """What happened, where, in which state that leaves things, and what to do."""
    lines = [f"error[{trouble.code}]: {plain(trouble.detail)}"]
    lines += [f"  member: {plain(e['pointer'])}: {plain(e['detail'])}" for e in trouble.members.get("errors", [])[1:]]
    if text := trouble.members.get("broker_text"):
        lines.append(f"  venue: {plain(str(text))}")
    state = trouble.state or _STATE.get(trouble.outcome, "")
    where = f"  where: {plain(trouble.where)}" if trouble.where else ""
    lines.append(f"{where}{'      ' if where else '  '}state: {state}")
    if fix := trouble.fix or _fix_of(trouble):
        lines.append(f"  fix:   {plain(fix)}")
    id_ = trouble.members.get("request_id")
    lines.append(f"  docs:  errors/{trouble.code}" + (f"      id: {id_}" if id_ else ""))
    return "\n".join(lines)


def _fix_of(trouble: Trouble) -> str:
    """What to do: of the control that said no, where one did; else of the code."""
    if lacking := _EXTRA.search(trouble.detail):
        return f"in the folder of the source: make extra NAME={lacking[1]}"
    if trouble.code == "conflict" and "open in another process" in trouble.detail:
        return "stop the desk that runs on this home, or name another home with --home"
    control = str(trouble.members.get("control") or "")
    if control.startswith("max_") or control == "collar_bps":
        return f"change the order, or the limit: floorbroker risk set {control} VALUE --reason TEXT"
    return _FIX_OF_CONTROL.get(control) or _FIX.get(trouble.code, "")


def plain(text: str) -> str:
    """Text from elsewhere, with everything that could steer a terminal made visible."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
