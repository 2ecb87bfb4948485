"""Handlers, one function per endpoint."""
