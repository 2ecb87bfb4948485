"""A person's word to disconnect a profile, and to connect it again: durable, audited, and in force across restarts.

A profile that is disconnected takes no new orders, has no order stream, and is not looked at by itself.  Nothing that protects
it waits for that: cancels pass, and what is in doubt is asked about (RELIABILITY I15).  To stop a profile for danger's sake is
the kill switch's work, not this one's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.ports import AuditEntry, Journal, NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.session import ProfileSession

HELD = "session.held"


@dataclass(slots=True)
class Linking:
    """Disconnects and connects profiles of one desk."""

    journal: Journal

    def restore(self, sessions: Mapping[ProfileName, ProfileSession]) -> None:
        """Whom of them a person had disconnected when the journal ended."""
        for record in self.journal.notes(HELD, newest=True):
            session = sessions.get(record.entry.profile)
            if session is not None and isinstance(record.entry, NoteEntry):
                session.held = record.entry.data["held"]

    async def disconnect(self, session: ProfileSession, *, caller: Caller, reason: str) -> None:
        """Until `connect`, whatever restarts come between.  Raises `InvalidRequest` without a reason, and `JournalFault`."""
        held = f"disconnected by {caller.principal}: {_given(reason)}"
        await self._commit(session, "profile.disconnect", held=held, caller=caller, reason=reason)
        session.hold(held)

    async def connect(self, session: ProfileSession, *, caller: Caller, reason: str) -> None:
        """Connect again; one that is connected logs in anew.  Returns when it is READY, or has said why it is not."""
        await self._commit(session, "profile.connect", held="", caller=caller, reason=_given(reason))
        session.release()
        await session.until_settled()

    async def _commit(self, session: ProfileSession, action: str, *, held: str, caller: Caller, reason: str) -> None:
        name = session.ctx.profile.name
        row = AuditEntry(
            actor=caller.principal,
            via=caller.via,
            action=action,
            object=name,
            profile=name,
            outcome="done",
            reason=reason,
            req=caller.request_id,
        )
        await self.journal.commit([NoteEntry(profile=name, topic=HELD, data={"held": held}), row])


def _given(reason: str) -> str:
    if reason.strip():
        return reason
    detail = "say why, for the record"
    raise InvalidRequest(detail, fields=(FieldError(pointer="/reason", code="missing", detail=detail),))
