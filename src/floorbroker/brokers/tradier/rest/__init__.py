"""Requests to Tradier's endpoints, and what their answers say."""
