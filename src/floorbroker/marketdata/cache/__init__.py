"""The local cache of history: Parquet files of exact integers, and beside each what is known of where it came from."""

from floorbroker.marketdata.cache.store import Store
from floorbroker.marketdata.cache.view import Reader, direct, view_of

__all__ = ["Reader", "Store", "direct", "view_of"]
