"""Polygon (Massive): history, snapshots, reference data and streams of US shares and coins."""

from floorbroker.marketdata.providers.polygon.adapter import Polygon, build
from floorbroker.marketdata.providers.polygon.info import INFO

__all__ = ["INFO", "Polygon", "build"]
