"""Configuration: flags over `FLOORBROKER_SECTION__KEY` over `.env_bot` over `floorbroker.toml` over defaults."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from floorbroker.app.credentials import BotFile, read_bot
from floorbroker.app.home import Home
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.risk.limits import RiskLimits, exact, limits_of
from floorbroker.risk.settings import RiskSettings, common_limits, settings_of

PREFIX = "FLOORBROKER_"
RESERVED = frozenset({"FLOORBROKER_HOME", "FLOORBROKER_DATA", "FLOORBROKER_CONTRACTS"})
PAPER = "paper"
PROFILE_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
RouteWord = Literal["primary", "round_robin", "best_execution", "load_balanced", "failover"]
Share = Annotated[Decimal, BeforeValidator(exact), Field(gt=0, le=1_000_000)]
Fee = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, le=1_000_000)]
Number = Annotated[Decimal, BeforeValidator(exact), Field(ge=-1_000_000, le=1_000_000)]  # some venues pay a rebate


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9:.%_-]{1,253}$")]
Origin = Annotated[str, Field(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?$")]


def _network(text: str) -> str:
    """As it was meant: IPv4 inside IPv6 is IPv4.  Raises `ValueError` that says why for what is none."""
    found = ip_network(text)
    if isinstance(found, IPv6Network) and found.prefixlen >= 96 and (plain := found.network_address.ipv4_mapped):
        return f"{plain}/{found.prefixlen - 96}"
    return str(found)


Network = Annotated[str, AfterValidator(_network)]
Units = Annotated[int, Field(ge=0, le=1_000_000_000)]
Bound = Annotated[int, Field(ge=0, le=1_000_000)]


class ServerSection(_Section):
    """Where the server listens.  `names` are further host names it answers to: those that a proxy in front of it is asked by.

    `origins` are other sites whose pages may ask, with a token, exactly as a browser names them (`https://desk.example`); without
    one no other site may.  `per_minute` is how much a person, a token or the operator may ask: most requests take one, what takes
    long takes more; `per_minute_address` is for all together that come from an address, `per_minute_stranger` for those of them
    nobody knows.  0 is no limit.

    `connections` are open at most, `connections_address` of them from one address, of which a token follows `streams_token`
    streams at most.  0 is no limit.  A page has up to seven, each bot that follows a stream one more; programs on one machine
    count together.  Those of a declared proxy count in all alone; streams behind it count by the address that it names.

    `proxies` are the addresses and networks of proxies with TLS in front: what these alone say of who asked, and that it was by
    TLS, is believed (`X-Forwarded-For`, `X-Forwarded-Proto`).
    """

    host: HostName = "127.0.0.1"
    port: int = Field(default=8750, ge=0, le=65535)
    names: list[HostName] = Field(default_factory=list[str], max_length=32)
    origins: list[Origin] = Field(default_factory=list[str], max_length=32)
    proxies: list[Network] = Field(default_factory=list[str], max_length=32)
    per_minute: Units = 60_000
    per_minute_address: Units = 240_000
    per_minute_stranger: Units = 1_200
    connections: Bound = 2_048
    connections_address: Bound = 1_024
    streams_token: Bound = 1_000


class TradingSection(_Section):
    """How orders are sent.  Durations in seconds; `read_retries` caps the repeats of reads, commands have none.

    After `failures_until_rest` API failures of a broker in a row its profile takes no new orders until it has recovered.
    Connections are looked at every `monitor_every_s` seconds.

    `answers` says when an acceptance is told: once it is `durable`, or when it is `heard` (faster by one flush; ADR 14).
    `live_enabled` is the older name of `live.enabled`.
    """

    send_timeout_s: float = Field(default=5.0, gt=0, le=60)
    read_retries: int = Field(default=3, ge=0, le=20)
    failures_until_rest: int = Field(default=3, ge=1, le=1000)
    monitor_every_s: float = Field(default=30.0, ge=1, le=3600)
    cancel_late: bool = True
    answers: Literal["durable", "heard"] = "durable"
    fractional: bool = True
    live_enabled: bool = False


class AuditSection(_Section):
    """Where the audit goes besides the home: `copy_to` is a folder, on another machine's disk if you can, or empty."""

    copy_to: str = Field(default="", max_length=4096)


class VaultSection(_Section):
    """Where credentials come from, and how long the vault stays unlocked.

    `keyring`: the OS keyring is asked for every profile before the vault, and for the vault's passphrase.  `passphrase_file`
    is read at the start (a container's secret).  Seconds: `idle_s` unused and `absolute_s` in all until it locks, 0 for no
    such limit; `cancel_grace_s` after that in which cancels still pass, 0 for none.
    """

    keyring: bool = False
    passphrase_file: str = Field(default="", max_length=4096)
    idle_s: float = Field(default=43_200.0, ge=0, le=31_536_000)
    absolute_s: float = Field(default=604_800.0, ge=0, le=31_536_000)
    cancel_grace_s: float = Field(default=3_600.0, ge=0, le=604_800)


class RuleSection(_Section):
    """Orders whose `symbol` and `strategy` match these patterns (`*`, `?`) are routed by `use` among `profiles`."""

    name: str = Field(pattern=PROFILE_NAME)
    use: RouteWord
    symbol: str = Field(default="*", min_length=1, max_length=64)
    strategy: str = Field(default="*", min_length=1, max_length=64)
    profiles: list[str] = Field(default_factory=list[str])
    split_most: int = Field(default=1, ge=1, le=8)
    split_gain_bps: Fee = Decimal(1)


class VenueSection(_Section):
    """What routes reckon with at one profile: `fee_bps` of the value, `fee_per_unit` (quote currency), expected `latency_ms`.

    `weight` is its share under `load_balanced`.  Numbers are text.
    """

    weight: Share = Decimal(1)
    fee_bps: Number = Decimal(0)
    fee_per_unit: Number = Decimal(0)
    latency_ms: Fee = Decimal(100)


class RoutingSection(_Section):
    """How orders that name no profile find one.  `strategy` and `profiles` hold for all that no rule of `rules` fits.

    Without `profiles` it is every profile of the environment, in the order of this file.  `none`: where there are several, an
    order has to name its profile.  Seconds: a quote older than `quote_age_max_s` prices nothing, `quote_wait_s` is how long an
    order waits for quotes.  `latency_bps_s` is what a second of waiting is taken to cost, in basis points (text).
    Under `best_execution` an order may be split over `split_most` profiles where that saves `split_gain_bps` (text); 1 for never.
    """

    strategy: RouteWord | Literal["none"] = "none"
    profiles: list[str] = Field(default_factory=list[str])
    quote_age_max_s: float = Field(default=5.0, gt=0, le=60)
    quote_wait_s: float = Field(default=1.0, ge=0, le=10)
    latency_bps_s: Fee = Decimal(1)
    split_most: int = Field(default=1, ge=1, le=8)
    split_gain_bps: Fee = Decimal(1)
    rules: list[RuleSection] = Field(default_factory=list[RuleSection])
    venues: dict[str, VenueSection] = Field(default_factory=dict[str, VenueSection])


class FailoverSection(_Section):
    """Whether routed orders that are proven dead may move to another broker, and when profiles are demoted and promoted.

    `log_tag` is the word that its log lines carry.  An order moves `max_moves` times at most, and not once it is older than
    `max_age_s`.  Under the strategy `failover` a profile that cannot be used, or whose health is below `demote_below`, for
    `demote_after_s` is demoted; it comes back when its health was above `promote_above` for `promote_after_s`.
    """

    enabled: bool = False
    log_tag: str = Field(default="FAILOVER", pattern=r"^[A-Za-z0-9_.:-]{1,64}$")
    max_moves: int = Field(default=2, ge=1, le=8)
    max_age_s: float = Field(default=60.0, gt=0, le=3600)
    demote_below: int = Field(default=40, ge=0, le=100)
    demote_after_s: float = Field(default=10.0, ge=0, le=3600)
    promote_above: int = Field(default=80, ge=0, le=100)
    promote_after_s: float = Field(default=60.0, ge=0, le=86_400)


class LiveSection(_Section):
    """Trading with real money.  It needs `enabled`, a profile with its own limits, and a person who arms it for a while."""

    enabled: bool = False


class KillSection(_Section):
    """The kill switch.  `flatten_collar_bps`: how far beyond the touch level 3 closes a position, in hundredths of a percent.

    `audit_fault_s`: an audit that could not be written for so many seconds trips level 1 on everything; `divergence_s`: positions
    that did not agree with the venue's for so long trip it on their profile.  0 for never.
    """

    audit_fault_s: float = Field(default=60.0, ge=0, le=86_400)
    divergence_s: float = Field(default=60.0, ge=0, le=86_400)
    flatten_collar_bps: int = Field(default=200, ge=1, le=5000)


class BacktestsSection(_Section):
    """Which results of backtests are kept in the home: `keep` of them, of `keep_mb` megabytes together; the oldest go first."""

    keep: int = Field(default=500, ge=1, le=100_000)
    keep_mb: int = Field(default=500, ge=1, le=1_000_000)


class ProfileSection(_Section):
    """One broker account, or with `kind` data the key of a provider of history, where nothing is ordered.

    `options` are the broker's own, `limits` this account's risk limits.

    `flatten`: a kill of level 3 may close the positions of this profile; without it level 3 cancels, as level 2 does.
    `host` and `url` say where the venue is, where the broker asks for that.  `credentials` is where secrets come from:
    `vault`, or `keyring` to ask the OS keyring first.  Secrets themselves never stand in this file.
    `external_orders` is what becomes of orders that others place on the same account: `adopt` shows them, counts them in risk
    and lets us cancel them; `observe` shows and counts them and never touches them; `ignore` does neither, and leaves the
    limits blind for them.
    """

    broker: str
    environment: str
    kind: Literal["trade", "data"] = "trade"
    enabled: bool = True
    host: str = Field(default="", max_length=253)
    url: str = Field(default="", max_length=2048)
    credentials: Literal["vault", "keyring"] = "vault"
    external_orders: Literal["adopt", "observe", "ignore"] = "adopt"
    flatten: bool = False
    options: dict[str, str] = Field(default_factory=dict[str, str])
    limits: dict[str, Any] = Field(default_factory=dict[str, Any])


class WebhooksSection(_Section):
    """Where events may be sent besides the public internet: `allow` lists networks (`10.1.0.0/16`, `127.0.0.1/32`).

    Elsewhere private, local and reserved addresses are refused, whatever name leads to them.
    """

    allow: list[Network] = Field(default_factory=list[Network], max_length=32)


class TelemetrySection(_Section):
    """Where traces go: `endpoint` is an OTLP/HTTP receiver (`http://127.0.0.1:4318/v1/traces`), empty for none.

    By https, or by http to this machine alone.  Needs the extra `otel`.
    """

    endpoint: str = Field(default="", max_length=2048)


class Config(_Section):
    """The whole configuration."""

    server: ServerSection = ServerSection()
    trading: TradingSection = TradingSection()
    audit: AuditSection = AuditSection()
    vault: VaultSection = VaultSection()
    routing: RoutingSection = RoutingSection()
    failover: FailoverSection = FailoverSection()
    live: LiveSection = LiveSection()
    telemetry: TelemetrySection = TelemetrySection()
    webhooks: WebhooksSection = WebhooksSection()
    kill: KillSection = KillSection()
    backtests: BacktestsSection = BacktestsSection()
    risk: dict[str, Any] = Field(default_factory=dict[str, Any])
    profiles: dict[str, ProfileSection] = Field(default_factory=dict[str, ProfileSection])

    def enabled(self) -> list[Profile]:
        """Every enabled profile that trades; the embedded paper venue when none is configured."""
        trading = {name: section for name, section in self.profiles.items() if section.kind == "trade"}
        found = [profile_in(name, section) for name, section in trading.items() if section.enabled]
        return found or [Profile(name=ProfileName(PAPER), broker="PAPER", environment=Environment.PAPER)]

    @property
    def live_enabled(self) -> bool:
        """`live.enabled`; `trading.live_enabled` is its older name, and means the same."""
        return self.live.enabled or self.trading.live_enabled

    def risk_settings(self) -> RiskSettings:
        """Limits of whole scopes, and what currencies are worth.  Raises `ConfigInvalid` naming scope and key."""
        return settings_of(self.risk)

    def limits(self, profile: Profile) -> RiskLimits:
        """A profile's limits over the common ones.  Raises `ConfigInvalid` for live without its own."""
        section = self.profiles.get(profile.name)
        return limits_of({**common_limits(self.risk), **(section.limits if section else {})}, profile.environment)


def profile_in(name: str, section: ProfileSection) -> Profile:
    """A section as the profile it describes, enabled or not.  Raises `ConfigInvalid`."""
    if not re.fullmatch(PROFILE_NAME, name):
        raise ConfigInvalid(f"profile {name!r}: a name has lower-case letters, digits, - and _, at most 63")
    try:
        environment = Environment(section.environment)
    except ValueError:
        words = ", ".join(e.value for e in Environment)
        raise ConfigInvalid(f"profile {name}: environment {section.environment!r} is not one of {words}") from None
    return Profile(
        name=ProfileName(name), broker=section.broker.upper(), environment=environment, options=section.options
    )


POLICIES = frozenset({"external_orders", "flatten"})


def made_of(section: ProfileSection | None) -> Mapping[str, str]:
    """What a session is made of besides its secrets, as the file says it: another one is made where any of it is another, but
    for `POLICIES`, which are looked at whenever something is done.  A profile that nothing is written of has what a section has
    that says no more than its broker.
    """
    section = section or ProfileSection(broker="", environment="")
    made = {
        "host": section.host,
        "url": section.url,
        "credentials": section.credentials,
        "flatten": str(section.flatten),
        "external_orders": section.external_orders,
    }
    return made | {f"options.{name}": text for name, text in section.options.items()}


def load(home: Home, *, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration in force.  Raises `ConfigInvalid` with the place and, for a wrong key, the nearest known one."""
    layers = read_layers(home, path=path, environ=environ)
    try:
        return Config.model_validate(layers.values)
    except ValidationError as error:
        raise ConfigInvalid(_explain(layers, error)) from None


def config_of(text: str, file: Path) -> Config:
    """What a file's text alone says, for looking at it before it is written.  Raises `ConfigInvalid` like `load`."""
    try:
        values = tomllib.loads(text)
        config = Config.model_validate(values)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{file}: {error}") from None
    except ValidationError as error:
        raise ConfigInvalid(_explain(Layers(file, {}, {}), error)) from None
    config.risk_settings()
    for profile in config.enabled():
        config.limits(profile)
    return config


@dataclass(frozen=True, slots=True)
class Layers:
    """What file, `.env_bot` and environment say together; `said` is who said a key, as text for people."""

    file: Path
    values: Mapping[str, Any]
    said: Mapping[str, str]


def read_layers(home: Home, *, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Layers:
    """The layers joined, not yet checked.  Raises `ConfigInvalid` for what cannot be read at all."""
    file = path or home.config
    given = os.environ if environ is None else environ
    values, said = _read(file, required=path is not None), dict[str, str]()
    bot = read_bot(home.env_bot, given)
    for name, (key, value) in _switches(bot).items():
        said[key] = name
        _put(values, key.split("."), value, name=name)
    for name, text in sorted(given.items()):
        if name.startswith(PREFIX) and name not in RESERVED and "__" in name:
            where = name.removeprefix(PREFIX).lower().split("__")
            said[".".join(where)] = name
            _put(values, where, _as_toml(text, name=name), name=name)
    return Layers(file, values, said)


def _switches(bot: BotFile) -> dict[str, tuple[str, object]]:
    """The switches of `.env_bot` that are settings under another name: switch -> key and value."""
    tag = bot.values.get("FAILOVER_LOG_TAG") or None
    found: dict[str, tuple[str, object]] = {
        "API_RETRY_LIMIT": ("trading.read_retries", bot.int_of("API_RETRY_LIMIT")),
        "FRACTIONAL_ENABLED": ("trading.fractional", bot.bool_of("FRACTIONAL_ENABLED")),
        "FAILOVER_ENABLED": ("failover.enabled", bot.bool_of("FAILOVER_ENABLED")),
        "FAILOVER_LOG_TAG": ("failover.log_tag", tag),
    }
    return {name: (key, value) for name, (key, value) in found.items() if value is not None}


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigInvalid(f"{file}: no such file") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(f"{file}: {error}") from None
    except RecursionError:
        raise ConfigInvalid(f"{file}: it is nested too deep") from None


def _put(values: dict[str, Any], path: list[str], value: object, *, name: str) -> None:
    """Set one value over what the file says."""
    for part in path[:-1]:
        inner: object = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ConfigInvalid(f"{name}: {part} is a value, not a section, so nothing can be set in it")
        values = cast("dict[str, Any]", inner)
    values[path[-1]] = value


def _as_toml(text: str, *, name: str) -> object:
    """Text from outside as the TOML it reads as, else as text."""
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
    except RecursionError:
        raise ConfigInvalid(f"{name}: it is nested too deep") from None


def _explain(layers: Layers, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    source = next((name for key, name in layers.said.items() if f"{key}.".startswith(f"{where}.")), str(layers.file))
    if first["type"] != "extra_forbidden":
        return f"{source}: {where}: {first['msg']}"
    known = [
        *Config.model_fields,
        *ServerSection.model_fields,
        *TradingSection.model_fields,
        *AuditSection.model_fields,
        *VaultSection.model_fields,
        *RoutingSection.model_fields,
        *RuleSection.model_fields,
        *VenueSection.model_fields,
        *FailoverSection.model_fields,
        *LiveSection.model_fields,
        *KillSection.model_fields,
        *WebhooksSection.model_fields,
        *BacktestsSection.model_fields,
        *ProfileSection.model_fields,
    ]
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{source}: unknown key {where or 'without a name'}{hint}"
