"""The server's door: REST and server-sent events over the desk."""

from __future__ import annotations

from floorbroker.api.app import create_app
from floorbroker.api.auth import Doorkeeper, HashedToken, TokenCheck, token_digest
from floorbroker.api.metrics import PrometheusMeter

__all__ = ["Doorkeeper", "HashedToken", "PrometheusMeter", "TokenCheck", "create_app", "token_digest"]
