"""The WebSocket of an environment: facts in order and never dropped, prices as new as the reader can take them."""

from floorbroker.api.stream.hub import Hubs
from floorbroker.api.stream.socket import STREAM_PATH, stream_route

__all__ = ["STREAM_PATH", "Hubs", "stream_route"]
