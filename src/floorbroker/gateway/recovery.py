"""What a session does about an error, as a table: from code and hint to a rule, and from a rule to a wait.

    an outage                  come back after 1, 2 and 4 s, then with full jitter up to a minute
    a session that ran out     log in again at once, then as after an outage
    "later", says the venue    not before it said
    a ban                      nothing at all before its end, and a person is told
    what waiting cannot mend   a person is told; tried again once a minute
    what must not trade        a person is told, and the profile's kill switch is tripped (level 1)

Only what the venue says of keys and accounts is of the last kind.  An outage is not, and neither is a locked vault, a full
disk or a nonce that was overtaken: they pass by themselves, and a kill switch waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from random import Random
from types import MappingProxyType

from floorbroker.domain.errors import AuthenticationFailed, FloorbrokerError, Forbidden, RateLimitExceeded
from floorbroker.domain.frozen import frozen

FIRM_S = (1.0, 2.0, 4.0)
LEAST_S, FIRST_CEILING_S, MOST_S = 0.5, 8.0, 60.0
REFUSALS_UNTIL_FATAL, REFUSED_FOR_S = 3, 30.0  # a venue that fails may turn everybody away for a while


class Rule(Enum):
    """What is done."""

    RECONNECT = "reconnect"
    LOG_IN = "log_in"
    OBEY = "obey"
    BAN = "ban"
    NOTIFY = "notify"
    FATAL = "fatal"


@frozen
class Remedy:
    """A rule, the seconds before which nothing is tried, and whether a person is told."""

    rule: Rule
    floor_s: float = 0.0
    notify: bool = False


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "connection_failed": Rule.RECONNECT,
        "gateway_not_running": Rule.RECONNECT,
        "timeout": Rule.RECONNECT,
        "api_error": Rule.RECONNECT,
        "unknown": Rule.RECONNECT,
        "journal_fault": Rule.RECONNECT,
        "vault_locked": Rule.RECONNECT,
        "session_expired": Rule.LOG_IN,
        "authentication_failed": Rule.LOG_IN,
        "rate_limit_exceeded": Rule.OBEY,
        "config_invalid": Rule.NOTIFY,
        "not_supported": Rule.NOTIFY,
        "forbidden": Rule.FATAL,
    }
)
"""By error code; a code that is not here is tried again as after an outage."""


def remedy_of(error: FloorbrokerError | None, *, refusals: int = 0, refused_for_s: float = 0.0) -> Remedy:
    """What is done about an error; None is a round that did not agree.  `refusals` counts log-ins refused in a row, this one
    included, and `refused_for_s` is how long ago the first was: that often and that long, and a refusal of the key is believed.
    """
    if error is None:
        return Remedy(rule=Rule.RECONNECT)
    hint = error.hint
    floor_s = max(hint.retry_after_s or 0.0, 0.0)
    return Remedy(
        rule=_rule_of(error, refusals, refused_for_s),
        floor_s=floor_s,
        notify=hint.notify or isinstance(error, Forbidden),
    )


def _rule_of(error: FloorbrokerError, refusals: int, refused_for_s: float) -> Rule:
    if isinstance(error, RateLimitExceeded):
        return Rule.BAN if error.hint.notify else Rule.OBEY
    if is_refusal(error) and refusals >= REFUSALS_UNTIL_FATAL and refused_for_s >= REFUSED_FOR_S:
        return Rule.FATAL
    if error.hint.reauthenticate:
        return Rule.LOG_IN
    return RULES.get(error.code, Rule.RECONNECT)


def is_refusal(error: FloorbrokerError) -> bool:
    """Whether the venue refused the key itself, for which a person must be told, and set no time after which it may be right."""
    return isinstance(error, AuthenticationFailed) and error.hint.notify and error.hint.retry_after_s is None


def delay_s(remedy: Remedy, attempt: int, random: Random) -> float:
    """How long to wait before the next try, `floor_s` included; `attempt` is 0 for the first error in a row."""
    return max(remedy.floor_s, _own_delay_s(remedy.rule, attempt, random))


def _own_delay_s(rule: Rule, attempt: int, random: Random) -> float:
    if rule in (Rule.NOTIFY, Rule.FATAL):
        return MOST_S
    if rule is Rule.LOG_IN:
        if attempt == 0:
            return 0.0
        attempt -= 1
    if attempt < len(FIRM_S):
        return FIRM_S[attempt]
    ceiling_s = min(FIRST_CEILING_S * 2.0 ** min(attempt - len(FIRM_S), 10), MOST_S)
    return random.uniform(LEAST_S, ceiling_s)
