"""Providers of history, one folder each with the rooms of a broker; and what stands behind the same interface."""
