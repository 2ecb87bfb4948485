"""Endpoints as pairs: `calls` builds the request, `answers` reads the response; `reads` and `log` ask page by page."""
