"""Endpoints as pairs: `calls` builds the request, `answers` reads the response; `reads` and `market` ask, `commands` command."""
