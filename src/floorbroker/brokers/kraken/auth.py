"""API-Sign, and the nonce behind it.

Each private request carries a number that is higher than any the key sent before.  It is the time in microseconds, or one more
than the last one where the clock has not moved on.  The last one stands in a file of the home that every process
of this home reads and writes under a lock: so two processes and a restart go on counting where the other left off, also after the
clock was set back (ADR 23).
Document: docs.kraken.com/exchange/guides/rest/authentication.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from floorbroker.brokers.kraken.info import DEADLINE_S
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Log
from floorbroker.domain.secret import Secret
from floorbroker.transport.types import Request

KEY_HEADER = "API-Key"
SIGN_HEADER = "API-Sign"
PRIVATE = "/0/private/"
DATED = frozenset({"orders.submit", "orders.replace"})  # what carries a deadline
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = (
    20  # an unsigned 64-bit number, always written in full: so the file never grows, and a full disk does not stop it
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key pair; `otp` is the key's own password, for keys with a second factor."""

    key: Secret
    secret: Secret
    otp: Secret | None = None


def is_private(request: Request) -> bool:
    """Whether a request carries a nonce and a signature."""
    return request.path.startswith(PRIVATE)


def sign(request: Request, credentials: Credentials, *, nonce: int, deadline: str | None = None) -> Request:
    """The request with its nonce, its deadline where it has one, and its two headers; public ones stay as they are.

    Raises `ConfigInvalid` (NOT_SENT) for a private key that is no base64.
    """
    if not is_private(request):
        return request
    members = [("nonce", str(nonce))]
    if deadline is not None:
        members.append(("deadline", deadline))
    if credentials.otp:
        members.append(("otp", credentials.otp.reveal()))
    body = _with_members(request.body, members)
    signature = signature_of(request.path, nonce=str(nonce), body=body, secret=credentials.secret)
    headers = {KEY_HEADER: credentials.key.reveal(), SIGN_HEADER: signature}
    return replace(request, body=body).with_secrets(headers)


def deadline_at(venue_now: datetime) -> str:
    """Until when the venue may take up a command that leaves now, in the venue's time."""
    moment = venue_now + timedelta(seconds=DEADLINE_S)
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"


def with_deadline(request: Request, deadline: str) -> Request:
    """A command of the socket, which is not signed, with its deadline."""
    return replace(request, body=_with_members(request.body, [("deadline", deadline)]))


def signature_of(path: str, *, nonce: str, body: bytes, secret: Secret) -> str:
    """base64(HMAC-SHA512(base64 key, path + SHA256(nonce + body))); `body` is exactly what is sent."""
    try:
        key = base64.b64decode(secret.reveal(), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigInvalid("BROKER_SECRET_KEY is not the private key that Kraken showed: it is no base64") from None
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(key, path.encode() + digest, hashlib.sha512).digest()).decode()


def _with_members(body: bytes, members: list[tuple[str, str]]) -> bytes:
    """The members in front of a form, or of an object of JSON."""
    if body.startswith(b"{"):
        head = ",".join(f'"{name}":{_quoted(text)}' for name, text in members)
        return b"{" + head.encode() + (b"," if body != b"{}" else b"") + body[1:]
    head = urlencode(members).encode()
    return head + b"&" + body if body else head


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Nonces:
    """The numbers of one key.  `path` is the file they are kept in; None keeps them in memory alone."""

    def __init__(self, path: Path | None, *, clock: Clock, log: Log) -> None:
        self._path = path
        self._clock = clock
        self._log = log
        self._last = 0
        self._is_warned = False

    def next(self) -> int:
        """A number above every one that this key was given before, by any process that shares the file.

        A file that cannot be used is told once, and then this process counts alone: a cancel must leave with a broken disk too.
        """
        now = (self._clock.now() - _EPOCH) // timedelta(microseconds=1)
        if self._path is not None:
            try:
                self._last = self._from_file(self._path, now)
            except OSError as error:
                self._warn(type(error).__name__)
            else:
                return self._last
        self._last = max(now, self._last + 1)
        return self._last

    def _from_file(self, path: Path, now: int) -> int:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(file)
            os.lseek(file, 0, os.SEEK_SET)
            number = max(now, self._floor(os.read(file, _DIGITS)) + 1, self._last + 1)
            os.lseek(file, 0, os.SEEK_SET)
            os.write(file, b"%0*d" % (_DIGITS, number))
            return number
        finally:
            os.close(file)  # closing frees the lock

    def _floor(self, text: bytes) -> int:
        """The last number; 0 in a new file, and in one that was damaged, which the clock then stands in for."""
        if text and not text.isdigit():
            self._warn("damaged")
            return 0
        return int(text or b"0")

    def _warn(self, error: str) -> None:
        if not self._is_warned:
            self._is_warned = True
            self._log.error("nonce.not_kept", path=str(self._path), error=error)


def nonce_file(folder: Path) -> Path:
    """Where the last number is kept: one for all keys used from this home, whichever profile has them.

    It is not named by the key: a desk is put together while its vault is still locked, and a key may be rotated under it.
    Raises `ConfigInvalid` for a folder that depends on where the process was started: another process would count elsewhere.
    """
    if not folder.is_absolute():
        raise ConfigInvalid(f"the nonces of a key need a folder with its whole path, not {str(folder)[:100]!r}")
    return folder / "kraken-nonce"


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
