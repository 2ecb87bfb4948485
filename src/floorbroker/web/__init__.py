"""The web page: rendered here first, kept alive in the browser by the REST door and its events."""

from __future__ import annotations

from floorbroker.web.pages import web_page

__all__ = ["web_page"]
