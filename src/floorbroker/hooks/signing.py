"""The signature of a body: HMAC-SHA-256 over time and bytes, so that neither can be changed or sent again much later.

    X-Floorbroker-Signature: t=1772463600,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd

`v1` is the HMAC of `t`, a point and the body, keyed with the secret's text.  Several `v1` may stand there, while a secret is
changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

from floorbroker.domain.secret import Secret

HEADER = "X-Floorbroker-Signature"
TOLERANCE_S = 30
_FORM = re.compile(r"t=(\d{1,12})((?:,v1=[0-9a-f]{64}){1,4})")


def sign(body: bytes, secret: Secret, *, at: datetime) -> str:
    """The header's value."""
    seconds = str(int(at.timestamp()))
    return f"t={seconds},v1={_mac(body, secret, seconds)}"


def objection(header: str, body: bytes, secret: Secret, *, now: datetime) -> str:
    """What is wrong with a signature; empty when it is right.  Compares in constant time."""
    form = _FORM.fullmatch(header.strip())
    if form is None:
        return f"send the header {HEADER} as t=SECONDS,v1=HEX"
    seconds, wanted = form[1], _mac(body, secret, form[1])
    given = form[2].removeprefix(",v1=").split(",v1=")
    if not any(hmac.compare_digest(wanted, one) for one in given):
        return "the signature is not that of this body"
    if abs(now.timestamp() - int(seconds)) > TOLERANCE_S:
        return f"the signature is more than {TOLERANCE_S} s away from the desk's clock"
    return ""


def _mac(body: bytes, secret: Secret, seconds: str) -> str:
    return hmac.new(secret.reveal().encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
