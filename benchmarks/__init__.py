"""Measurements of every speed we claim, each as a ratio to a peer in the same run on the same machine."""
