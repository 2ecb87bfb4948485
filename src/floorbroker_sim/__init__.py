"""Venue simulators: each speaks its venue's wire protocol, from the venue's documents alone."""
