"""The TWS socket protocol, sans I/O: frames, requests, answers, for server versions 157 to 178."""

from floorbroker.brokers.ibkr.codec.answers import KNOWN, ReadPayload, decode, server_hello
from floorbroker.brokers.ibkr.codec.framing import VERSION_MAX, VERSION_MIN, BadFrame, Splitter, framed, hello
from floorbroker.brokers.ibkr.codec.place import place_order

__all__ = [
    "KNOWN",
    "VERSION_MAX",
    "VERSION_MIN",
    "BadFrame",
    "ReadPayload",
    "Splitter",
    "decode",
    "framed",
    "hello",
    "place_order",
    "server_hello",
]
