"""Typed events inside one process."""

from floorbroker.bus.inprocess import InProcessBus, SlowConsumer, Subscription

__all__ = ["InProcessBus", "SlowConsumer", "Subscription"]
