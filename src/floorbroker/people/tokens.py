"""Secrets that the desk makes: tokens, references of sessions, recovery codes.  Stored as SHA-256: they cannot be guessed."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment

_BYTES = 32  # 256 bits
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that reads like another
RECOVERY_CODES = 10


def new_token(environment: Environment) -> Secret:
    """A token, whose beginning says where it works."""
    return Secret(f"fb_{environment.value}_{secrets.token_urlsafe(_BYTES)}")


def new_reference() -> str:
    """What a cookie holds."""
    return secrets.token_urlsafe(_BYTES)


def new_id() -> str:
    """A public id: it opens nothing."""
    return secrets.token_hex(8)


def digest_of(text: str) -> str:
    """The only form in which such a secret is stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def new_recovery_codes() -> list[str]:
    """Codes that stand in for the second factor, each once: ten letters or digits, about 50 bits."""
    return [f"{_run()}-{_run()}" for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """A recovery code as it is stored, however it was typed."""
    return digest_of("recovery|" + code.strip().lower().replace("-", "").replace(" ", ""))


def _run() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


def form_token(reference: str) -> str:
    """What a form of the page carries: only a page that was made for this session has it."""
    return hmac.new(reference.encode("utf-8", "surrogatepass"), b"form", hashlib.sha256).hexdigest()
