"""Readers of recorded market data, and the seeded market."""

from floorbroker.tape.actions import actions_of
from floorbroker.tape.captures import FrameKind, RawFrame, frame_of, frames, merged_frames
from floorbroker.tape.columns import QuoteSeries
from floorbroker.tape.folder import Factor, NotRecorded, Tape, load
from floorbroker.tape.merge import TapeEvent, bar_events, in_order, merged, quote_events
from floorbroker.tape.seeded import POPULAR, Listing, SeededMarket, expiries, option_value, seeded_market, strikes

__all__ = [
    "POPULAR",
    "Factor",
    "FrameKind",
    "Listing",
    "NotRecorded",
    "QuoteSeries",
    "RawFrame",
    "SeededMarket",
    "Tape",
    "TapeEvent",
    "actions_of",
    "bar_events",
    "expiries",
    "frame_of",
    "frames",
    "in_order",
    "load",
    "merged",
    "merged_frames",
    "option_value",
    "quote_events",
    "seeded_market",
    "strikes",
]
