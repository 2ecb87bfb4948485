"""The demo: recorded minutes through an example strategy, the whole order path, and two venues that must agree."""
