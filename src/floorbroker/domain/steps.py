"""Every named step of the house (RELIABILITY 13): the places at which a process is killed, paused or made to fail on purpose.

A step's line says what is already so when it is reached.  Code reports a step to the `Steps` port by its full name, so that
it can be searched for; the steps of a command on its way out are named by its endpoint (`SENDING`).  A process without a
plan hands in `NO_STEPS`, which does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

SUBMIT: Mapping[str, str] = MappingProxyType(
    {
        "submit.S0": "a wish was accepted from a door; nothing was looked at",
        "submit.S1": "its key is new, and this is the key's first use",
        "submit.S2": "every control passed, its cost is reserved",
        "submit.S3": "intent, key, audit row and SENDING are about to be committed",
        "submit.S4": "they are durable, and the book holds the order",
        "submit.S5": "the last wait for tokens is over, the send gate is about to look",
        "submit.S6": "the request is signed",
        "submit.S7": "a connection is in hand, no byte was written",
        "submit.S8": "the whole request was handed to the socket",
        "submit.S9": "the whole reply was read",
        "submit.S10": "the reply, or its absence, became facts; none is durable",
        "submit.S11": "the facts are durable, or left to the next commit where the venue can be asked again",
        "submit.S12": "the caller is about to be told",
    }
)
EVENT: Mapping[str, str] = MappingProxyType(
    {
        "event.E1": "a report arrived on the private stream",
        "event.E2": "its order was found, and it became facts",
        "event.E3": "a group of what was heard is about to be committed",
        "event.E4": "the group is durable, and not folded",
        "event.E5": "one fact of the group is folded and announced",
    }
)
CANCEL: Mapping[str, str] = MappingProxyType(
    {
        "cancel.accepted": "an order is to be cancelled; nothing was written",
        "cancel.asked": "that it was asked is durable, as far as the disk allows",
        "cancel.gate": "the last wait for tokens is over, the send gate is about to look",
        "cancel.signed": "the request is signed",
        "cancel.connected": "a connection is in hand, no byte was written",
        "cancel.written": "the whole request was handed to the socket",
        "cancel.replied": "the whole reply was read",
        "cancel.heard": "the reply was understood, or the failure; nothing came of it",
        "cancel.folded": "what followed is durable",
        "cancel.told": "the caller is about to be told",
    }
)
REPLACE: Mapping[str, str] = MappingProxyType(
    {
        "replace.accepted": "a change was accepted from a door; nothing was looked at",
        "replace.decided": "every control passed, its growth is reserved",
        "replace.commit": "the change and its client id are about to be committed",
        "replace.committed": "they are durable",
        "replace.gate": "the last wait for tokens is over, the send gate is about to look",
        "replace.signed": "the request is signed",
        "replace.connected": "a connection is in hand, no byte was written",
        "replace.written": "the whole request was handed to the socket",
        "replace.replied": "the whole reply was read",
        "replace.heard": "the reply was understood, or the failure; nothing came of it",
        "replace.folded": "what followed is durable",
        "replace.told": "the caller is about to be told",
    }
)
RECONCILE: Mapping[str, str] = MappingProxyType(
    {
        "recon.interrupted": "a start found what the last life left; nothing was said of it",
        "recon.settled": "what was cut off is durably not sent, or in doubt",
        "recon.begun": "a round begins",
        "recon.open": "the open orders were fetched",
        "recon.history": "the history of orders was fetched",
        "recon.fills": "the executions were fetched",
        "recon.fetched": "the positions were fetched: the snapshot is whole",
        "recon.folded": "the snapshot is folded",
        "recon.asked": "orders that the list lacks were asked for by name",
        "recon.doubts": "orders in doubt were asked for everywhere",
        "recon.completed": "executions that totals imply were fetched",
        "recon.adjust": "differences are confirmed, their notes are about to be written",
        "recon.explained": "positions agree, or their differences are written down",
        "recon.noted": "the round's own note is durable",
        "recon.ready": "the profile takes new orders",
        "recon.negative": "no source knew an order in doubt",
        "recon.given_up": "the arrival horizon passed; the end of a doubt is about to be written",
    }
)
KILL: Mapping[str, str] = MappingProxyType(
    {
        "kill.asked": "somebody trips the switch; nothing has changed",
        "kill.memory": "new orders are refused in memory",
        "kill.permits": "the permits are gone",
        "kill.journal": "the latch is durable, as far as the disk allows",
        "kill.round": "a round of cancels begins",
        "kill.cancelled": "the round's cancels were asked",
        "kill.listed": "the venue's open orders were looked at once more",
        "kill.reset": "a human resets the switch; nothing has changed",
        "kill.reset_durable": "the reset is durable, the latch still holds in memory",
        "kill.open": "the latch is open in memory, the permits are not back",
        "kill.permitted": "the permits are back",
    }
)
FLATTEN: Mapping[str, str] = MappingProxyType(
    {
        "flatten.begun": "no order is open, a round agreed: positions are about to be closed",
        "flatten.planned": "the order that closes one is known; nothing was written",
        "flatten.sent": "it went through the submit protocol",
        "flatten.waited": "it is closed, or had its time",
    }
)
AUDIT: Mapping[str, str] = MappingProxyType(
    {
        "audit.rows": "new rows were read from the journal; no file has changed",
        "audit.lines": "their lines are durable, the key of the chain is still the old one",
        "audit.key": "the key of the chain has moved on, the old one is gone",
    }
)
VAULT: Mapping[str, str] = MappingProxyType(
    {
        "vault.begun": "a vault of the next generation is sealed in memory; its file is as it was",
        "vault.written": "the new file is whole and durable beside the old one",
        "vault.renamed": "the new file is in the place of the old one",
        "vault.durable": "that it is there is durable; no journal was told",
    }
)
DESK: Mapping[str, str] = MappingProxyType({**SUBMIT, **EVENT, **CANCEL, **REPLACE, **RECONCILE, **KILL, **AUDIT})
"""What a desk at work goes through."""
STEPS: Mapping[str, str] = MappingProxyType({**DESK, **FLATTEN, **VAULT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """The five steps of one command between the last wait and its reply."""

    gate: str
    signed: str
    connected: str
    written: str
    replied: str


def _words(prefix: str) -> Sending:
    return Sending(**{field.name: f"{prefix}.{field.name}" for field in fields(Sending)})


_CANCEL = _words("cancel")
SENDING: Mapping[str, Sending] = MappingProxyType(
    {
        "orders.submit": Sending(
            gate="submit.S5", signed="submit.S6", connected="submit.S7", written="submit.S8", replied="submit.S9"
        ),
        "orders.replace": _words("replace"),
        "orders.cancel": _CANCEL,
        "orders.cancel_all": _CANCEL,
    }
)
"""The steps of a request by its endpoint's name, which every adapter spells alike; a read has none."""
