"""Hooks: signals that come in and become orders, and what the desk tells others: events to URLs, alerts to people."""
