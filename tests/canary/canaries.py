"""The canaries: made-up secrets of every kind the desk meets, and the fourteen spellings in which a leak would show one.

Both are written without a look at the filter under test: what it forgot must be found here.
"""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Callable
from random import Random
from urllib.parse import quote, quote_plus

_LETTERS = string.ascii_letters + string.digits


def _made(name: str, length: int, alphabet: str = _LETTERS) -> str:
    """Always the same for a name, and written nowhere."""
    random = Random(f"canary of {name}")
    return "".join(random.choice(alphabet) for _ in range(length))


def _pem() -> str:
    lines = "\n".join(_made(f"pem {n}", 64) for n in range(3))
    return f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"


CANARIES: dict[str, str] = {
    "API key": _made("API key", 20, string.ascii_uppercase + string.digits),
    "secret key": _made("secret key", 40),
    "secret key with signs": _made("signs", 40, _LETTERS + "/+="),
    "username": _made("username", 14, string.ascii_lowercase) + "@home.example",
    "password": _made("password", 18, _LETTERS + "!#$&*-_"),
    "password of odd signs": f"{_made('odd', 9)}\"\\ é<{_made('odd 2', 9)}>&/'",
    "password of eight": _made("eight", 8),
    "account number": "VA" + _made("account", 8, string.digits),
    "account number with dashes": f"101-004-{_made('dashes', 8, string.digits)}-001",
    "key before the rotation": _made("before", 40),
    "key after the rotation": _made("after", 40),
    "key in the keyring": _made("keyring", 32),
    "passphrase of the vault": " ".join(_made(f"word {n}", 6, string.ascii_lowercase) for n in range(5)),
    "first key of the audit": _made("audit", 64, "0123456789abcdef"),
    "token of the desk": "fb_" + _made("token", 43, _LETTERS + "-_"),
    "session of a browser": _made("session", 43, _LETTERS + "-_"),
    "secret of a webhook": _made("webhook", 32),
    "token inside a webhook's address": _made("chat", 24) + "/" + _made("chat 2", 22),
    "password of the database": _made("database", 22, _LETTERS + "%@:"),
    "seed of a second factor": _made("totp", 32, string.ascii_uppercase + "234567"),
    "access token of a venue": ".".join(_made(f"jwt {n}", 40, _LETTERS + "-_") for n in range(3)),
    "private key": _pem(),
    "password in an address": _made("address", 20),
    "scrape token": _made("scrape", 43, _LETTERS + "-_"),
}


def _base64_inside(text: str) -> str:
    return base64.b64encode(b"me:" + text.encode() + b"\n").decode()


ENCODINGS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for URLs, unpadded": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64 of a login": _base64_inside,
    "hex": lambda s: s.encode().hex(),
    "hex in capitals": lambda s: s.encode().hex().upper(),
    "URL": lambda s: quote(s, safe=""),
    "form": quote_plus,
    "URL, every byte": lambda s: "".join(f"%{byte:02x}" for byte in s.encode()),
    "JSON": lambda s: json.dumps(s)[1:-1],
    "JSON, every character": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "repr of bytes": lambda s: repr(s.encode())[2:-1],
    "HTML": html.escape,
    "UTF-16": lambda s: s.encode("utf-16-le").decode("latin-1"),
}
