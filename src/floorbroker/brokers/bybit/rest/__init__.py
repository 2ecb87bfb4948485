"""Endpoints as pairs: `calls` builds the request, `answers` reads the response; the rest asks page by page."""
