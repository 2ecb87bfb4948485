"""The audit: who did what, through which door, and what became of it; and the proof that this is all of it."""

from __future__ import annotations

import os
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import UNPROVEN, Trouble, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import say, show_json, show_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from floorbroker.app.home import Home
    from floorbroker.app.proving import Given
    from floorbroker.cli.first_keys import FirstKeys
    from floorbroker.cli.reach import Reached
    from floorbroker.domain.secret import Secret
    from floorbroker.domain.values import Environment
    from floorbroker.store.audit.evidence import Verdict
    from floorbroker.store.audit.proof import Proof

PAGE = 1000
POLL_S = 0.5
audit = typer.Typer(help="Who did what, and the proof of it.", no_args_is_help=True)

Folder = Annotated[
    Path | None, typer.Option("--folder", help="A folder of exported files; without it, the one in the home.")
]
PublicKey = Annotated[
    Path | None, typer.Option("--public-key", help="The key that checkpoints must be signed with, in PEM.")
]
PassFd = Annotated[
    int | None,
    typer.Option(
        "--passphrase-fd", min=0, help="Read the passphrase of the vault, which keeps the first key, from it."
    ),
]
PassFile = Annotated[
    Path | None,
    typer.Option("--passphrase-file", help="Read the passphrase of the vault, which keeps the first key, from it."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of the audit."""
    app.add_typer(audit, name="audit")


@audit.command("tail")
def tail(
    ctx: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many of the last rows first.")] = 20,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this journal sequence instead.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Do not follow; without a server there is nothing to.")] = False,
) -> None:
    """The last rows, then what comes; --json prints JSON Lines."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def work(desk: Reached) -> None:
        from floorbroker.domain.clock import SystemClock

        seen, rows = await _last(desk, lines if after is None else None, after or 0)
        for row in rows:
            _show(settings, row)
        if not rows:
            say(settings, "no audit rows yet")
        clock = SystemClock()
        while desk.by_server and not once:
            await clock.sleep(POLL_S)
            for row in await _page(desk, seen):
                _show(settings, row)
                seen = row["seq"]

    on_desk(settings, work)


async def _last(desk: Reached, keep: int | None, after: int) -> tuple[int, list[dict[str, Any]]]:
    """The sequence of the newest row, and the last `keep` rows; all of them when None."""
    kept: deque[dict[str, Any]] = deque(maxlen=keep)
    while rows := await _page(desk, after):
        kept.extend(rows)
        after = rows[-1]["seq"]
    return after, list(kept)


async def _page(desk: Reached, after: int) -> list[dict[str, Any]]:
    from floorbroker.client.desk import API

    params = {"environment": desk.client.environment, "after": after, "limit": PAGE}
    return (await desk.client.door.call("GET", f"{API}/audit", params=params)).json()["items"]


def _show(settings: Settings, row: dict[str, Any]) -> None:
    if settings.json:
        show_json(row)
        return
    from floorbroker.cli.failures import plain

    words = [
        row["seq"],
        row["at"],
        row["profile"],
        row["actor"],
        row["via"],
        row["action"],
        row["object"],
        row["outcome"],
    ]
    show_text(plain("  ".join(str(word) for word in [*words, row["reason"]] if word != "")))


# -- verify -------------------------------------------------------------------------------------------------------------


@audit.command("verify")
def verify(  # noqa: PLR0917 - Typer hands every option by name
    ctx: typer.Context,
    folder: Folder = None,
    public_key: PublicKey = None,
    k0_fd: Annotated[
        int | None, typer.Option("--k0-fd", min=0, help="Read the chain's first key from this fd.")
    ] = None,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
    copy: Annotated[Path | None, typer.Option(help="The copy off the host; without it, the configured one.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Older segments were moved away on purpose.")] = False,
    proof: Annotated[Path | None, typer.Option(help="Check one proof instead; needs --public-key.")] = None,
) -> None:
    """Prove offline that nothing was changed, removed, inserted or cut off.  Exit code 11 when it was."""
    settings = settings_of(ctx)
    if proof is not None:
        _verify_proof(settings, proof, public_key)
        return
    from floorbroker.app.proving import Given
    from floorbroker.cli.first_keys import FirstKeys
    from floorbroker.cli.passphrases import PASSPHRASE
    from floorbroker.cli.passphrases import Given as Words

    words = Words(passphrase_fd, passphrase_file, PASSPHRASE)
    first = None if k0_fd is None else _first_key(k0_fd)
    given = Given(
        folder=folder, public_key=public_key, first=first, copy=copy or _copy(settings, folder), is_archived=archived
    )
    home = settings.open_home()
    keys = FirstKeys(settings, home, words)
    try:
        verdicts = [_proven(home, environment, given, keys) for environment in _environments(settings, given)]
    finally:
        keys.close()
    if settings.json:
        show_json({"ok": all(v.ok for v in verdicts), "environments": [_as_json(v) for v in verdicts]})
    else:
        for verdict in verdicts:
            _tell(verdict)
    if not all(verdict.ok for verdict in verdicts):
        raise typer.Exit(UNPROVEN)


def _proven(home: Home, environment: Environment, given: Given, keys: FirstKeys) -> Verdict:
    """The verdict over one environment, with the first key as handed over, else of the vault, else as it lies beside."""
    from dataclasses import replace

    from floorbroker.app.escrow import FROM_VAULT
    from floorbroker.app.proving import log_at, places_of, proven

    places, missing = places_of(home, environment, given), ""
    if given.first is None and places.all():
        first, missing = keys.of(environment, log_at(places, given))
        given = replace(given, first=first, first_from=FROM_VAULT)
    verdict = proven(home, environment, given)
    if not any("MAC of every record" in line for line in verdict.used):
        verdict.remarks.append(f"the MACs were not looked at: {missing}")
    return verdict


def _environments(settings: Settings, given: Given) -> list[Environment]:
    from floorbroker.app.proving import exported
    from floorbroker.domain.values import Environment

    if settings.env is not None:
        try:
            return [Environment(settings.env)]
        except ValueError:
            raise usage(f"--env {settings.env}: there are {', '.join(e.value for e in Environment)}") from None
    found = exported(settings.open_home(), given)
    if not found:
        where = given.folder or settings.open_home().audit
        raise Trouble(
            code="not_found", detail=f"no audit in {where}", fix="a desk writes it while it runs: floorbroker up"
        )
    return found


def _copy(settings: Settings, folder: Path | None) -> Path | None:
    from floorbroker.app.config import load

    named = "" if folder is not None else load(settings.open_home(), path=settings.config).audit.copy_to
    return Path(named).expanduser() if named else None


def _first_key(descriptor: int) -> Secret:
    from floorbroker.app.escrow import read_key

    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            text = file.read(1024).decode("ascii", "replace")
    except OSError as error:
        raise usage(f"--k0-fd {descriptor}: it cannot be read ({error.strerror})") from None
    return read_key(text, where=f"--k0-fd {descriptor}")


def _as_json(verdict: Verdict) -> dict[str, Any]:
    import msgspec

    from floorbroker.api.views.audit import verdict_view

    return msgspec.to_builtins(verdict_view(verdict))


def _tell(verdict: Verdict) -> None:
    found = verdict.finding
    span = f"records {verdict.first} to {verdict.last}" if verdict.records else "no records"
    counted = f"{span}, {verdict.checkpoints} checkpoints, {verdict.segments} segments"
    if found is None:
        show_text(f"{verdict.environment}: sound: {counted}")
    else:
        show_text(
            f"{verdict.environment}: NOT SOUND: {found.kind} at record {found.seq}, {found.where}: {found.detail}"
        )
        show_text(f"  up to there: {counted}")
    for line in verdict.used:
        show_text(f"  by {line}")
    for line in verdict.remarks:
        show_text(f"  note: {line}")
    if verdict.waiting:
        show_text(
            f"  note: {verdict.waiting} rows of the journal wait to be exported; a running desk does that within a second"
        )


# -- proofs -------------------------------------------------------------------------------------------------------------


def _verify_proof(settings: Settings, path: Path, public_key: Path | None) -> None:
    from floorbroker.store.audit.checkpoint import read_public
    from floorbroker.store.audit.proof import objection, read_proof

    if public_key is None:
        raise usage(
            "--proof needs --public-key FILE: the key as you had it from the desk's owner, not from beside the proof"
        )
    proof = read_proof(_bytes(path), where=str(path))
    wrong = objection(proof, read_public(_bytes(public_key), where=str(public_key)))
    if settings.json:
        show_json({"ok": not wrong, "kind": proof.kind, "detail": wrong, "size": int(proof.checkpoint.size)})
    else:
        show_text(f"not proven: {wrong}" if wrong else _statement(proof))
    if wrong:
        raise typer.Exit(UNPROVEN)


def _statement(proof: Proof) -> str:
    point = proof.checkpoint
    signed = f"the {point.size} records of {point.env} that were signed at {point.ts} (log {point.log[:16]})"
    if proof.old is not None:
        return f"proven: {signed} begin with the {proof.old.size} that were signed at {proof.old.ts}"
    return f"proven: this record is one of {signed}\n{proof.line}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise usage(f"{path}: it cannot be read ({error.strerror})") from None


@audit.command("export")
def export(  # noqa: PLR0917 - Typer hands every option by name
    ctx: typer.Context,
    seq: Annotated[int | None, typer.Option(min=1, help="One record, with the proof that it was signed.")] = None,
    extends: Annotated[
        int | None, typer.Option(min=1, help="The proof that nothing before this checkpoint's size changed since.")
    ] = None,
    since: Annotated[str, typer.Option(help="Records from this moment on (UTC).")] = "",
    until: Annotated[str, typer.Option(help="Records before this moment (UTC).")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Into this file; without it, to the terminal.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Records as JSON Lines, or a proof for somebody who has the public key alone."""
    from floorbroker.app.proving import Given, evidence

    settings = settings_of(ctx)
    if seq is not None and extends is not None:
        raise usage("--seq and --extends are two proofs: ask for one")
    given = Given(folder=folder)
    environments = _environments(settings, given)
    if len(environments) != 1:
        raise usage(f"name an environment with --env; there are: {', '.join(e.value for e in environments)}")
    with evidence(settings.open_home(), environments[0], given) as held:
        if seq is None and extends is None:
            from floorbroker.store.audit.proof import records_between

            count = _put(out, records_between(held.places, since=_moment(since), until=_moment(until)))
            say(settings, f"{count} records")
            return
        _put(out, [_proof(held.places, held.public, seq, extends)])


def _proof(places: Any, public: Any, seq: int | None, extends: int | None) -> bytes:
    import msgspec

    from floorbroker.store.audit.evidence import Found
    from floorbroker.store.audit.proof import prove_extension, prove_record

    try:
        proof = prove_record(places, public, seq) if seq is not None else prove_extension(places, public, extends or 0)
    except Found as found:
        detail = f"the files are not sound at record {found.finding.seq}: {found.finding.detail}"
        raise Trouble(
            code="conflict", detail=detail, fix="see: floorbroker audit verify", exit_code=UNPROVEN
        ) from found
    return msgspec.json.encode(proof) + b"\n"


def _put(out: Path | None, lines: Iterable[bytes]) -> int:
    """Write lines to a new file or to stdout; how many."""
    count = 0
    if out is None:
        for count, line in enumerate(lines, start=1):  # noqa: B007 - the last one is the count
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
        return count
    try:
        with out.open("xb") as file:
            for count, line in enumerate(lines, start=1):  # noqa: B007
                file.write(line)
    except OSError as error:
        raise usage(f"--out {out}: it cannot be written ({error.strerror})") from None
    return count


def _moment(text: str) -> str:
    """A moment as records write it, cut where it was cut: `2026-11-26` or with a time behind `T`."""
    import re

    if not text:
        return ""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?Z?", text):
        raise usage(f"{text!r} is no moment: write it like 2026-11-26 or 2026-11-26T14:30:00Z")
    return text.rstrip("Z")


@audit.command("restart")
def restart(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why the old chain cannot go on; it is recorded.")],
) -> None:
    """Put a chain that cannot go on aside, whole, and let the next start begin another.  The desk must be stopped."""
    import asyncio

    from floorbroker.app.proving import Given, restart
    from floorbroker.domain.clock import SystemClock
    from floorbroker.gateway.desk import Caller
    from floorbroker.store import SqliteJournal

    settings = settings_of(ctx)
    if not reason.strip():
        raise usage("--reason: say why")
    environments = _environments(settings, Given())
    if len(environments) != 1:
        raise usage(f"name an environment with --env; there are: {', '.join(e.value for e in environments)}")
    (environment,) = environments

    async def work() -> str:
        return await restart(
            settings.open_home(),
            environment,
            caller=Caller(principal="operator", via="cli"),
            reason=reason,
            opened=lambda path: SqliteJournal.open(path, clock=SystemClock(), environment=environment),
        )

    name = asyncio.run(work())
    if settings.json:
        show_json({"environment": environment.value, "aside": name})
    else:
        show_text(f"the old chain stands in audit/{name}; the next start begins another")
