"""The second factor: codes that change every 30 seconds (RFC 6238), each good once, and codes on paper for a lost telephone."""

from __future__ import annotations

import hmac
from datetime import datetime

from pyotp import random_base32
from pyotp.totp import TOTP

from floorbroker.domain.frozen import frozen
from floorbroker.people.records import User
from floorbroker.people.tokens import recovery_digest

STEP_S = 30
DIGITS = 6
ISSUER = "Floorbroker"
_AROUND = (0, -1, 1)  # a clock may be one step off


@frozen
class Passed:
    """A code was right: what is to be remembered, so that it is right once."""

    step: int
    recovery: tuple[str, ...]
    by_recovery: bool = False


def new_secret() -> str:
    """160 bits in base32."""
    return random_base32()


def uri_of(secret: str, name: str) -> str:
    """What an authenticator reads off the picture."""
    return TOTP(secret, digits=DIGITS, interval=STEP_S).provisioning_uri(name=name, issuer_name=ISSUER)


def look_at(code: str, user: User, now: datetime) -> Passed | None:
    """Whether a code is good now.  A time step counts once, and none before it: a code that was seen is worth nothing."""
    bare = code.strip().replace(" ", "")
    if user.totp is None:
        return None
    if len(bare) == DIGITS and bare.isascii() and bare.isdecimal():
        return _by_time(bare, user, now)
    digest = recovery_digest(bare)
    for kept in user.recovery:
        if hmac.compare_digest(kept, digest):
            left = tuple(one for one in user.recovery if one != kept)
            return Passed(step=user.totp_step, recovery=left, by_recovery=True)
    return None


def _by_time(code: str, user: User, now: datetime) -> Passed | None:
    assert user.totp is not None
    clock = TOTP(user.totp, digits=DIGITS, interval=STEP_S)
    present = int(now.timestamp()) // STEP_S
    good = [present + off for off in _AROUND if hmac.compare_digest(clock.generate_otp(present + off), code)]
    fresh = [step for step in good if step > user.totp_step]
    return Passed(step=max(fresh), recovery=user.recovery) if fresh else None
