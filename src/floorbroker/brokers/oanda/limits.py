"""Rate limits: the etiquette of `info.py` as budgets.

Replies tell no counts.  Over 120 requests a second the venue answers 429; a `Retry-After`, where one comes, is obeyed.
Document: developer.oanda.com/rest-live-v20/development-guide.
"""

from __future__ import annotations

from floorbroker.brokers.oanda.info import INFO
from floorbroker.transport.limiter import limits_of

LIMITS = limits_of(INFO.etiquette)
