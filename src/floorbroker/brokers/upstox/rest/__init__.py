"""Requests to Upstox's endpoints, and what their answers say."""
