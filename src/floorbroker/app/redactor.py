"""The last filter before anything is written: knows every secret in use, and its base64, hex, URL and JSON forms."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

STARS = "***"
MIN_LENGTH = 4


@dataclass(slots=True)
class SecretFilter:
    """Implements `ports.Redactor`."""

    _forms: set[str] = field(default_factory=set[str])
    _longest_first: tuple[str, ...] = ()

    def learn(self, secret: str) -> None:
        """From now on this text never passes, in any of its usual encodings.  Very short texts would star out everything."""
        if len(secret) < MIN_LENGTH:
            return
        raw = secret.encode()
        encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
        encoded |= {text.rstrip("=") for text in encoded}
        self._forms |= {secret, raw.hex(), raw.hex().upper(), quote(secret, safe=""), quote_plus(secret)} | encoded
        self._forms |= {json.dumps(secret)[1:-1]}
        self._longest_first = tuple(sorted(self._forms, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text with every known secret starred out, longest first."""
        for form in self._longest_first:
            if form in text:
                text = text.replace(form, STARS)
        return text
