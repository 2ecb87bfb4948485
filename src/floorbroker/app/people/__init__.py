"""People of a desk: users, their sessions, and the tokens of programs, stored in `desk.db` and told to the audit."""

from floorbroker.app.people.members import Members, NewUser
from floorbroker.app.people.memory import Memory
from floorbroker.app.people.passes import NewToken, Passes
from floorbroker.app.people.people import People
from floorbroker.app.people.visits import Refused, SignedIn, Visits

__all__ = ["Members", "Memory", "NewToken", "NewUser", "Passes", "People", "Refused", "SignedIn", "Visits"]
