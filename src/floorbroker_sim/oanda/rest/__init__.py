"""Endpoints, and the account behind them."""
