"""Planted bugs: each is one somebody would write, stands in memory alone, and must be caught by the schedules."""
