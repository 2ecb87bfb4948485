"""What a page may do in a browser: its own files and nothing else; markup is made by one library, for elements with its nonce."""

from __future__ import annotations

import secrets

NONCE_BYTES = 18


def new_nonce() -> str:
    """A fresh one for each reply."""
    return secrets.token_urlsafe(NONCE_BYTES)


def policy_of(nonce: str) -> str:
    """The Content-Security-Policy of a page (RELIABILITY 12).

    `htmx` is the one policy of Trusted Types: only that library may make markup of text, the markup of this server, and it does
    so for elements that carry the nonce.
    """
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
    )
