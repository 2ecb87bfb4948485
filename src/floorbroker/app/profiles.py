"""The profiles of a home: which there are, where their credentials come from, and changing them.

A profile is a section of `floorbroker.toml` and, for its secrets, a record in the vault or entries in the OS keyring.  Secrets
are written first and the file after them; when the file cannot be written, the secrets are taken back.  A crash between the two
leaves a record without a section: it is listed, and removing the profile clears it.  Every act is recorded in the journal of
its environment before and after it.  A desk that runs takes a profile up, lets it go, and logs in with new secrets at once
(`seating.py`); where its address or options are changed its session begins anew, once no orders are open.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from floorbroker.app.acts import row_of
from floorbroker.app.binding import assert_bound
from floorbroker.app.catalogue import DATA, KNOWN, kind_of
from floorbroker.app.compose import exchange_row
from floorbroker.app.config import Config, ProfileSection, config_of, load, made_of, profile_in
from floorbroker.app.credentials import BotFile, place_of, profile_of, read_bot
from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.app.keystore import KeyStore
from floorbroker.app.open_orders import open_orders
from floorbroker.app.profile_forms import (
    Changes,
    Kept,
    NewProfile,
    check_fields,
    check_place,
    checked,
    env_text,
    info_of,
    members_of,
    section_of,
    unlimited,
    with_paper,
    written_of,
)
from floorbroker.app.seating import OUTDATED, Seating
from floorbroker.app.sources import Gathered, Origin, Sources, gather
from floorbroker.app.trial import Trial, Tried
from floorbroker.app.unlocking import Unlocking
from floorbroker.app.written import read_text, replace_text, with_profile, without_value
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import (
    ConfigInvalid,
    Conflict,
    FloorbrokerError,
    Forbidden,
    NotFound,
    NotSupported,
    VaultLocked,
)
from floorbroker.domain.forms import SEALED
from floorbroker.domain.ports import AuditEntry, LogIn, NoLog, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.transport.layers.audit import Exchange
from floorbroker.vault import RecordInfo, Vault

NEXT_START = "a desk takes it up when it starts"
AT_ONCE = "prices are fetched from it from now on"
ANEW = "its session began anew with it"
RESETTLED = "what it says of orders of others, and of closing positions in a kill, holds from now on"
ASK_AGAIN = "ask for the same change again after that, or switch it off and on"
LEAVE = "BROKER_PLAINTEXT_OK"
NO_VAULT = "there is no vault yet: floorbroker vault init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One profile as people see it: never a value.  `fields` are those its broker asks for, with who gives each, or nobody."""

    name: str
    broker: str
    environment: Environment
    enabled: bool
    host: str = ""
    url: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    fields: Mapping[str, Origin | None] = field(default_factory=dict[str, "Origin | None"])
    version: int = 0  # of its record in the vault; 0 without one
    notes: tuple[str, ...] = ()
    applies: str = NEXT_START  # what a desk makes of it


@dataclass(slots=True, kw_only=True)
class Profiles:
    """See the module.  `open_orders` counts what a profile has open, by its journal; `trial` asks the venue; `seating` is of
    the desk that runs in this process, where one does.
    """

    home: Home
    unlocking: Unlocking
    trial: Callable[[Profile, Gathered], Awaitable[Tried]]
    open_orders: Callable[[Profile], int]
    path: Path | None = None
    sources: Sources = field(default_factory=Sources)
    ways_in: Callable[[Profile, Gathered, Callable[[Exchange], None]], LogIn] | None = None
    seating: Seating | None = None

    @classmethod
    def of(
        cls,
        home: Home,
        unlocking: Unlocking,
        outside: Outside,
        *,
        path: Path | None = None,
        seating: Seating | None = None,
    ) -> Profiles:
        """Over the network, the keyring and the journals that there are."""
        trial = Trial(home, outside)
        return cls(
            home=home,
            unlocking=unlocking,
            trial=trial,
            ways_in=trial.log_in,
            open_orders=partial(open_orders, home),
            path=path,
            sources=outside.sources,
            seating=seating,
        )

    @property
    def file(self) -> Path:
        return self.path or self.home.config

    # -- looking ----------------------------------------------------------------------------------------------------------

    def listed(self) -> tuple[Listed, ...]:
        """Every profile, disabled ones and those of `.env_bot` too, and what the vault holds without one."""
        config, bot = load(self.home, path=self.path), read_bot(self.home.env_bot)
        records = self._records()
        found = {name: self._listed(profile_in(name, s), s, config, bot) for name, s in config.profiles.items()}
        for profile in _beside(config, bot):
            found.setdefault(profile.name, self._listed(profile, None, config, bot))
        for record in records:
            if record.profile not in found and record.broker in KNOWN:
                found[record.profile] = _orphan(record)
        return tuple(found[name] for name in sorted(found))

    def one(self, name: str) -> Listed:
        """Raises `NotFound`."""
        for found in self.listed():
            if found.name == name:
                return found
        raise NotFound(f"no profile {name!r}; there are: {', '.join(p.name for p in self.listed()) or 'none'}")

    def is_of(self, name: str, environment: Environment) -> bool:
        """Whether such a profile is stored in an environment."""
        return any(found.name == name and found.environment is environment for found in self.listed())

    def in_keyring(self, name: str) -> bool:
        """Whether a profile's secrets belong into the OS keyring."""
        section = load(self.home, path=self.path).profiles.get(name)
        return section is not None and section.credentials == "keyring"

    def _listed(self, profile: Profile, section: ProfileSection | None, config: Config, bot: BotFile) -> Listed:
        info, record = KNOWN.get(profile.broker), self._record_of(profile)
        given, trouble = self._looked_up(profile, config, bot)
        asked = info.form(profile.environment).asked if info is not None else ()
        enabled = section is None or section.enabled
        return Listed(
            name=profile.name,
            broker=profile.broker,
            environment=profile.environment,
            enabled=enabled,
            host=given.plain.get("BROKER_HOST", ""),
            url=given.plain.get("BROKER_URL", ""),
            options=profile.options,
            fields={x.name: given.origins.get(x.name) for x in asked},
            version=record.version if record is not None else 0,
            notes=(
                *_notes(profile, info, given, trouble),
                *([OUTDATED] if self._is_outdated(profile, section) else []),
            ),
            applies=self._applies(profile, enabled=enabled),
        )

    def _applies(self, profile: Profile, *, enabled: bool) -> str:
        if kind_of(profile.broker) == DATA:
            return AT_ONCE
        return NEXT_START if self.seating is None else self.seating.told(profile, enabled=enabled)

    def _looked_up(self, profile: Profile, config: Config, bot: BotFile) -> tuple[Gathered, str]:
        """Who gives each field, without a value of the vault; a keyring that does not answer is told, not raised."""
        record = self._record_of(profile)
        sealed = dict.fromkeys(record.fields, Secret("")) if record is not None else {}
        try:
            return self._gather(profile, config, bot, sealed), ""
        except ConfigInvalid as error:
            mine = bot if _means(bot, config, profile) else None
            section = config.profiles.get(profile.name)
            return gather(profile, section, bot=mine, keystore=None, sealed=sealed), error.detail

    async def _gathered(self, profile: Profile, config: Config, bot: BotFile) -> Gathered:
        """Every field of a profile.  The keyring is asked beside the loop: it may wait for a person."""
        sealed = dict(_unseal(self._vault(), profile)) if self._record_of(profile) is not None else {}
        return await asyncio.to_thread(self._gather, profile, config, bot, sealed)

    def _gather(self, profile: Profile, config: Config, bot: BotFile, sealed: Mapping[str, Secret]) -> Gathered:
        section = config.profiles.get(profile.name)
        info = KNOWN.get(profile.broker)
        asks = _asks_keyring(config, section) and info is not None and any(x.name in SEALED for x in info.fields)
        mine = bot if _means(bot, config, profile) else None
        return gather(profile, section, bot=mine, keystore=self.sources.keystore() if asks else None, sealed=sealed)

    def _records(self) -> tuple[RecordInfo, ...]:
        seen = self.unlocking.seen()
        return () if seen is None else seen.records

    def _record_of(self, profile: Profile) -> RecordInfo | None:
        wanted = (profile.name, profile.broker, profile.environment)
        return next((r for r in self._records() if (r.profile, r.broker, r.environment) == wanted), None)

    def _vault(self) -> Vault:
        """The opened vault.  Raises `VaultLocked`."""
        if self.unlocking.seen() is None:
            raise VaultLocked(NO_VAULT)
        return self.unlocking.session.vault()

    async def given(self, name: str) -> tuple[Profile, Gathered]:
        """A profile with its fields, enabled or not.  Raises `NotFound`, and `VaultLocked` where a field is sealed."""
        config, bot = load(self.home, path=self.path), read_bot(self.home.env_bot)
        profile = profile_in(name, written_of(config, name))
        return profile, await self._gathered(profile, config, bot)

    # -- changing ---------------------------------------------------------------------------------------------------------

    async def add(self, new: NewProfile, *, caller: Caller) -> Listed:
        """Make a profile.  Raises `Conflict` for a taken name, `InvalidRequest` naming each wrong field, `VaultLocked`."""
        config, before = load(self.home, path=self.path), read_text(self.file)
        if new.name in config.profiles:
            raise Conflict(f"there is a profile {new.name!r} already: edit it, or take another name")
        section = section_of(new)
        profile = checked(new, section)
        self._learn(new.fields)
        base = with_paper(before, config, new)
        after = with_profile(base, new.name, members_of(new, enabled=new.enabled))
        notes: tuple[str, ...] = ()
        if new.enabled and (missing := unlimited(after, self.file, new)):
            after = with_profile(base, new.name, members_of(new, enabled=False))
            notes = (f"{missing}; it is off until they are set: floorbroker broker edit {new.name} --enable",)
        config_of(after, self.file)
        await asyncio.to_thread(_assert_name, self.home, profile)
        await self._store(profile, new.credentials, new.fields, (before, after), caller=caller)
        if new.enabled and not notes:
            notes = await self._taken_up(profile, caller, "it was added")
        return _noted(await asyncio.to_thread(self.one, new.name), notes)

    async def _taken_up(self, profile: Profile, caller: Caller, reason: str) -> tuple[str, ...]:
        """Have the running desk open a session for what is stored; why it did not, as a note: stored it is all the same."""
        if self.seating is None or kind_of(profile.broker) == DATA:
            return ()
        try:
            await self.seating.take_up(profile, caller=caller, reason=reason)
        except FloorbrokerError as error:
            return (f"the desk could not take it up: {error.detail}",)
        return ()

    async def connect(self, name: str, *, caller: Caller, reason: str) -> Listed:
        """Have the running desk open a session for a profile that is stored and that it does not have.

        Raises `NotFound`, `Conflict` for one that is switched off, and what a start raises.
        """
        found = self.one(name)
        if self.seating is None or kind_of(found.broker) == DATA:
            raise NotFound(f"no desk trades with profile {name!r} here")
        if not found.enabled:
            raise Conflict(f"profile {name} is switched off: floorbroker broker edit {name} --enable")
        profile = Profile(name=ProfileName(name), broker=found.broker, environment=found.environment)
        await self.seating.take_up(profile, caller=caller, reason=reason)
        return await asyncio.to_thread(self.one, name)

    async def edit(self, name: str, changes: Changes, *, caller: Caller) -> Listed:
        """Change what is said of a profile.  Broker and environment stay: another account is another profile."""
        config, before = load(self.home, path=self.path), read_text(self.file)
        section = written_of(config, name)
        members: dict[str, Any] = {}
        if changes.enabled is not None:
            members["enabled"] = changes.enabled
        if changes.credentials is not None:
            members["credentials"] = changes.credentials
        if changes.options:
            merged = {**section.options, **changes.options}
            members["options"] = {option: text for option, text in merged.items() if text}
        after = with_profile(before, name, members)
        for member, text in (("host", changes.host), ("url", changes.url)):
            if text is not None:
                after = (
                    with_profile(after, name, {member: text})
                    if text
                    else without_value(after, ("profiles", name, member))
                )
        made = config_of(after, self.file).profiles[name]
        profile = profile_in(name, made)
        check_place(profile, made)
        if not made.enabled:
            await self._let_go(profile, caller, "it was switched off")
        await self._recorded(profile, "broker.edit", lambda: replace_text(self.file, before, after), caller=caller)
        notes: tuple[str, ...] = ()
        if made.enabled and self._has_session(profile):
            if self._is_outdated(profile, load(self.home, path=self.path).profiles.get(name)):
                notes = await self._begun_anew(profile, caller)
        elif made.enabled:
            notes = await self._taken_up(profile, caller, "it was switched on")
        return _noted(await asyncio.to_thread(self.one, name), notes)

    async def _begun_anew(self, profile: Profile, caller: Caller) -> tuple[str, ...]:
        """A session takes up what was changed, or ends and another begins with what is stored; what became of it, as a note."""
        assert self.seating is not None
        try:
            if await self.seating.resettled(profile):
                return (RESETTLED,)
            await self.seating.reseated(profile, caller=caller, reason="it was changed")
        except FloorbrokerError as error:
            return (self._why_not_anew(profile, error),)
        if profile.environment is Environment.LIVE:
            return (f"{ANEW}, and is not armed",)
        return (ANEW,)

    def _why_not_anew(self, profile: Profile, error: FloorbrokerError) -> str:
        if self._has_session(profile):
            return f"{error.detail}; {ASK_AGAIN}"
        return f"the desk could not take it up: {error.detail}"

    def _is_outdated(self, profile: Profile, section: ProfileSection | None) -> bool:
        return self.seating is not None and self.seating.is_outdated(profile.name, made_of(section))

    def _has_session(self, profile: Profile) -> bool:
        return self.seating is not None and self.seating.session(profile) is not None

    async def _let_go(self, profile: Profile, caller: Caller, reason: str, *, force: bool = False) -> None:
        """The running desk has no session of it any more.  Raises `Conflict` while orders are open, which `force` overrules."""
        if self.seating is not None:
            await self.seating.let_go(profile, caller=caller, reason=reason, force=force)

    async def remove(self, name: str, *, caller: Caller, force: bool = False) -> None:
        """Take a profile out, its secrets too; its journal stays.

        Raises `NotFound`, and `Conflict` while it has open orders, which `force` overrules.
        """
        config, before = load(self.home, path=self.path), read_text(self.file)
        section = config.profiles.get(name)
        if section is None:
            await self._remove_orphan(name, caller)
            return
        profile = profile_in(name, section)
        if not force and (count := await asyncio.to_thread(self.open_orders, profile)):
            raise Conflict(
                f"profile {name} has {count} open orders: cancel them first, or say --yes; they stay at the venue"
            )
        after = without_value(before, ("profiles", name))
        config_of(after, self.file)
        if self._record_of(profile) is not None:
            self._vault()
        await self._let_go(profile, caller, "it was removed", force=force)
        kept = self.sources.keystore() if section.credentials == "keyring" else None

        def take_out() -> None:
            replace_text(self.file, before, after)
            if kept is not None:
                kept.remove(name)

        def take_out_of(vault: Vault) -> None:
            take_out()
            try:
                _unmake(vault, profile)
            except FloorbrokerError:
                replace_text(self.file, after, before)
                raise

        if self._record_of(profile) is None:
            await self._recorded(profile, "broker.remove", take_out, caller=caller)
        else:
            await self.unlocking.change(take_out_of, caller=caller, action="broker.remove", profile=profile)

    async def _remove_orphan(self, name: str, caller: Caller) -> None:
        found = [record for record in self._records() if record.profile == name and record.broker in KNOWN]
        if not found:
            raise NotFound(f"no profile {name!r} in {self.file}, and nothing of it in the vault")
        self._vault()
        for record in found:
            profile = Profile(name=ProfileName(name), broker=record.broker, environment=record.environment)

            clear = partial(_unmake, profile=profile)
            await self.unlocking.change(clear, caller=caller, action="broker.remove", profile=profile)

    async def rotate(self, name: str, fields: Mapping[str, Secret], *, caller: Caller, test: bool = True) -> Listed:
        """Put new secrets in the place of old ones, under a new data key.

        With `test` the venue is asked first: what it refuses is not stored; where it cannot be reached, the secret is
        stored and the answer says that nobody tried it.  Raises `InvalidRequest` and `Conflict`.
        """
        config, bot = load(self.home, path=self.path), read_bot(self.home.env_bot)
        section = written_of(config, name)
        profile = profile_in(name, section)
        check_fields(profile, info_of(profile), fields, {}, complete=False)
        self._learn(fields)
        given = await self._gathered(profile, config, bot)
        notes: list[str] = []
        if test:
            overlaid = Gathered(given.plain, {**given.secrets, **fields}, given.origins)
            tried = await self._tried(profile, overlaid, caller)
            if not tried.check.ok and tried.reached:
                raise Conflict(f"the venue does not take it, so the old one stays: {tried.told}")
            notes += [] if tried.reached else [f"stored without a test: {tried.told}"]
        held = [x for x in fields if given.origins.get(x) in (Origin.ENVIRONMENT, Origin.ENV_BOT)]
        notes += [f"{x} is also given by {given.origins[x].value}, which wins" for x in held]
        kept = section.credentials == "keyring" or any(given.origins.get(x) is Origin.KEYRING for x in fields)
        await self._replace(profile, fields, caller, in_keyring=kept)
        notes += await self._renewed(profile, caller, with_more=not fields.keys() <= given.secrets.keys())
        return _noted(await asyncio.to_thread(self.one, name), tuple(notes))

    async def _renewed(self, profile: Profile, caller: Caller, *, with_more: bool) -> list[str]:
        """The running session logs in with what was stored; why it did not, as a note."""
        if self.seating is None:
            return []
        try:
            await self.seating.renewed(profile, caller=caller, with_more=with_more)
        except FloorbrokerError as error:
            return [self._why_not_anew(profile, error)]
        return []

    async def _replace(
        self, profile: Profile, fields: Mapping[str, Secret], caller: Caller, *, in_keyring: bool
    ) -> None:
        """Where the old ones are, there go the new ones."""
        if in_keyring:
            store = self.sources.keystore()
            await self._recorded(
                profile,
                "broker.rotate",
                lambda: store.write(
                    profile.name, broker=profile.broker, environment=profile.environment, fields=fields
                ),
                caller=caller,
            )
            return

        def reseal(vault: Vault) -> None:
            old = dict(_unseal(vault, profile)) if self._record_of(profile) is not None else {}
            _seal(vault, profile, old | dict(fields))

        self._vault()
        await self.unlocking.change(reseal, caller=caller, action="broker.rotate", profile=profile)

    async def log_in_page(self, name: str, *, state: str) -> str:
        """The address of the venue's page on which a person logs in.  Raises `NotSupported`, `NotFound`, `VaultLocked`."""
        profile, given = await self.given(name)
        way = self._way_in(profile, given, _unrecorded)
        try:
            return way.page(state)
        finally:
            await way.close()

    async def log_in(self, name: str, *, code: str, caller: Caller) -> Listed:
        """Change the code of a person's log-in for a credential, once, and keep that in the place of the old one."""
        profile, given = await self.given(name)
        rows: list[AuditEntry] = []
        way = self._way_in(profile, given, lambda exchange: rows.append(exchange_row(exchange, profile.name)))
        row = partial(row_of, caller, "broker.login", profile.broker, profile=profile.name)
        try:
            async with self._begun(profile, row):
                fields = await way.exchange(code)
        finally:
            await way.close()
            await self.unlocking.acts.record(rows, only=profile.environment)
        await self.unlocking.acts.record([row("done")], only=profile.environment)
        return await self.rotate(name, fields, caller=caller)

    def _way_in(self, profile: Profile, given: Gathered, tap: Callable[[Exchange], None]) -> LogIn:
        if self.ways_in is None:
            raise NotSupported("nobody logs in at a venue from here")
        return self.ways_in(profile, given, tap)

    async def test(self, name: str, *, caller: Caller) -> Tried:
        """The adapter's self-check, without a desk.  Raises `NotFound`, `VaultLocked`, `ConfigInvalid`."""
        config, bot = load(self.home, path=self.path), read_bot(self.home.env_bot)
        section = config.profiles.get(name)
        beside = {profile.name: profile for profile in _beside(config, bot)}
        if section is None and name not in beside:
            raise NotFound(f"no profile {name!r}; there are: {', '.join([*config.profiles, *beside])}")
        profile = beside[ProfileName(name)] if section is None else profile_in(name, section)
        given = await self._gathered(profile, config, bot)
        return await self._tried(profile, given, caller)

    async def exported(self, name: str, *, caller: Caller, plaintext_ok: bool = False) -> str:
        """A profile as the text of a `.env_bot`, secrets in the clear.  Recorded first.

        Raises `Forbidden` for live without `plaintext_ok`, `ConfigInvalid` for what such a file cannot hold.
        """
        config, bot = load(self.home, path=self.path), read_bot(self.home.env_bot)
        section = written_of(config, name)
        profile = profile_in(name, section)
        if profile.environment is Environment.LIVE and not (plaintext_ok or bot.bool_of(LEAVE)):
            raise Forbidden(
                f"{name} is live: its keys in plain text are refused; say --plaintext-ok to accept the risk"
            )
        given = await self._gathered(profile, config, bot)
        text = env_text(profile, info_of(profile), given)
        row = row_of(caller, "broker.export_env", profile.broker, "done", profile=profile.name)
        await self.unlocking.acts.record([row], only=profile.environment)
        return text

    async def _tried(self, profile: Profile, given: Gathered, caller: Caller) -> Tried:
        """The venue's answer, with every exchange in the audit: what cannot be recorded is not asked."""
        acts, row = self.unlocking.acts, partial(row_of, caller, "broker.test", profile.broker, profile=profile.name)
        async with self._begun(profile, row):
            tried = await self.trial(profile, given)
        outcome = "done" if tried.check.ok else "refused"
        await acts.record([*tried.rows, row(outcome)], only=profile.environment)
        return tried

    def _learn(self, fields: Mapping[str, Secret]) -> None:
        for secret in fields.values():
            self.unlocking.redactor.learn(secret.reveal())

    # -- storing ----------------------------------------------------------------------------------------------------------

    async def _store(
        self, profile: Profile, kept: Kept, fields: Mapping[str, Secret], texts: tuple[str, str], *, caller: Caller
    ) -> None:
        """Secrets, then the file; both or neither."""
        before, after = texts

        def write(undo: Callable[[], None]) -> None:
            try:
                replace_text(self.file, before, after)
            except FloorbrokerError:
                undo()
                raise

        def seal(vault: Vault) -> None:
            _seal(vault, profile, fields)
            write(lambda: _unmake(vault, profile))

        def keep() -> None:
            store = self.sources.keystore()
            _keep(store, profile, fields)
            write(lambda: store.remove(profile.name))

        if fields and kept == "vault":
            self._vault()
            await self.unlocking.change(seal, caller=caller, action="broker.add", profile=profile)
        else:
            act = keep if fields else lambda: replace_text(self.file, before, after)
            await self._recorded(profile, "broker.add", act, caller=caller)

    async def _recorded(self, profile: Profile, action: str, act: Callable[[], None], *, caller: Caller) -> None:
        """An act without the vault, recorded before and after: what cannot be recorded does not happen."""
        row = partial(row_of, caller, action, profile.broker, profile=profile.name)
        async with self._begun(profile, row):
            await asyncio.to_thread(act)  # a disk or a keyring, which must not hold up a desk
        await self.unlocking.acts.record([row("done")], only=profile.environment)

    @asynccontextmanager
    async def _begun(self, profile: Profile, row: Callable[..., AuditEntry]) -> AsyncGenerator[None]:
        """Around an act: one that cannot be recorded does not happen, and one that failed is told so."""
        acts = self.unlocking.acts
        await acts.record([row("begun")], only=profile.environment)
        try:
            yield
        except FloorbrokerError as error:
            await acts.record([row("failed", reason=type(error).__name__)], only=profile.environment)
            raise


# -- where it comes from ------------------------------------------------------------------------------------------------------


def _beside(config: Config, bot: BotFile) -> list[Profile]:
    """Profiles that are in force and stand in no file: the embedded one, and the one of the eight fields."""
    enabled = config.enabled()
    described = profile_of(bot, BROKERS)
    found = [profile for profile in enabled if profile.name not in config.profiles]
    if described is not None and (meant := place_of(described, enabled)).name not in config.profiles:
        found.append(meant)
    return found


def _means(bot: BotFile, config: Config, profile: Profile) -> bool:
    described = profile_of(bot, BROKERS)
    return described is not None and place_of(described, config.enabled()).name == profile.name


def _asks_keyring(config: Config, section: ProfileSection | None) -> bool:
    return config.vault.keyring or (section is not None and section.credentials == "keyring")


def _notes(profile: Profile, info: BrokerInfo | None, given: Gathered, trouble: str) -> list[str]:
    if info is None:
        return [f"this desk has no broker {profile.broker}"]
    missing = info.form(profile.environment).missing(given.origins)
    notes = [f"missing: {', '.join(asked.name for asked in missing)}"] if missing else []
    return [*notes, trouble] if trouble else notes


def _orphan(record: RecordInfo) -> Listed:
    return Listed(
        name=record.profile,
        broker=record.broker,
        environment=record.environment,
        enabled=False,
        fields=dict.fromkeys((name for name in SEALED if name in record.fields), Origin.VAULT),
        version=record.version,
        notes=("sealed in the vault without a profile in floorbroker.toml: add it, or remove it",),
    )


def _seal(vault: Vault, profile: Profile, fields: Mapping[str, Secret]) -> None:
    vault.write(profile.name, broker=profile.broker, environment=profile.environment, fields=fields)


def _unseal(vault: Vault, profile: Profile) -> Mapping[str, Secret]:
    return vault.read(profile.name, broker=profile.broker, environment=profile.environment)


def _unmake(vault: Vault, profile: Profile) -> None:
    vault.remove(profile.name, broker=profile.broker, environment=profile.environment)


def _keep(store: KeyStore, profile: Profile, fields: Mapping[str, Secret]) -> None:
    store.write(profile.name, broker=profile.broker, environment=profile.environment, fields=fields)


def _unrecorded(exchange: Exchange) -> None:
    """Making the address of a page exchanges nothing."""
    del exchange


def _assert_name(home: Home, profile: Profile) -> None:
    """Raises `Conflict` for a name that was another broker's, or another environment's: no desk would take it up."""
    try:
        assert_bound(home, [profile], NoLog())
    except ConfigInvalid as error:
        raise Conflict(error.detail) from None


def _noted(listed: Listed, notes: tuple[str, ...]) -> Listed:
    return replace(listed, notes=(*listed.notes, *notes))
