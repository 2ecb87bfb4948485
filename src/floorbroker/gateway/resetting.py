"""Who may open a latch (RELIABILITY 6): a person with the role `risk` who has just proved who they are, with a reason, and not by
the token that closed it.  One pure function over what is known of the caller; what nobody tells is not held against them.
"""

from __future__ import annotations

from floorbroker.domain.frozen import frozen
from floorbroker.gateway.desk import Caller

ROLE = "risk"
STEP_UP_S = 300.0
PROGRAMS = frozenset(
    {"gateway", "session", "risk", "strategy", "webhook", "file", "signal", "kill", "broker"}
)  # doors without a person


@frozen
class Closed:
    """What a reset has to know of the latch: the token by which it was closed, empty when there was none."""

    token: str = ""


def why_not(caller: Caller, closed: Closed, *, second: str | None = None) -> str:
    """Why this caller may not open the latch; empty when they may.

    `second` is the other person who agreed, where two are asked for: empty when nobody did.
    """
    if caller.via in PROGRAMS:
        return f"a reset is a person's act, and {caller.via} is none"
    if caller.roles is not None and ROLE not in caller.roles:
        return f"a reset needs the role {ROLE}"
    if caller.proved_s is not None and caller.proved_s > STEP_UP_S:
        return f"prove again who you are: the last time was {caller.proved_s:.0f} s ago, {STEP_UP_S:.0f} s count"
    if caller.token and caller.token == closed.token:
        return f"the token {caller.token} tripped it, and may not open it"
    if second is not None and second in ("", caller.principal):
        return "a second person must agree"
    return ""
