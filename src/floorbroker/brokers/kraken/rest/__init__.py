"""Endpoints as pairs: `calls` builds the request, `answers` reads the response; `reads` asks page by page."""
