"""No changed, mixed or older vault opens: every bit, every swap, every generation (I23), and no bomb is lit.

The key is derived once for each set of parameters; what is counted is opened in memory.
"""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
import rfc8785

from floorbroker.domain.errors import VaultRefused, VaultRolledBack, WrongPassphrase
from floorbroker.vault import Vault
from floorbroker.vault.format import LENGTH_SIZE, MAGIC, MAX_FILE, MAX_HEADER, Entry, Header, Parsed, parse
from floorbroker.vault.keys import MAC_SIZE
from tests.support.vaults import LIVE, OTHER, PAPER, PASSPHRASE, SIM, Opener, make, secrets, signed_again

CANARIES = ("canary-key-one", "canary-secret-two", "correct horse battery staple")
KIB_4 = 4 * 1024
HEAD = len(MAGIC) + LENGTH_SIZE
PLACES = [
    (profile, broker, environment)
    for profile in ("alpaca", "other")
    for broker in ("ALPACA", "KRAKEN")
    for environment in (SIM, PAPER, LIVE)
]
Change = Callable[[bytes], bytes]


def written(folder: Path, places: list[tuple] = PLACES, *, seed: int = 1, name: str = "v.enc") -> Vault:
    vault = make(folder, seed=seed, name=name)
    for number, (profile, broker, environment) in enumerate(places):
        fields = secrets(BROKER_API_KEY=f"{CANARIES[0]}-{number}", BROKER_SECRET_KEY=CANARIES[1])
        vault.write(profile, broker=broker, environment=environment, fields=fields)
    return vault


@pytest.fixture(scope="module")
def four_kib(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A vault of exactly 4 KiB: the last record is as large as it takes, and its names are as long as it takes."""
    vault = written(tmp_path_factory.mktemp("four"), PLACES[:3])
    blocks = letters = 0
    for _ in range(30):
        profile, broker, fields = filler(blocks, letters)
        vault.write(profile, broker=broker, environment=SIM, fields=secrets(**fields))
        missing = KIB_4 - len(raw := vault.path.read_bytes())
        if missing == 0:
            return raw
        vault.remove(profile, broker=broker, environment=SIM)
        blocks, letters = blocks + (letters + missing) // 256, (letters + missing) % 256
    raise AssertionError("no record makes it 4 KiB")


def filler(blocks: int, letters: int) -> tuple[str, str, dict[str, str]]:
    """A record of so many blocks, whose names have so many letters more than they must; its message has one length."""
    names: list[str] = []
    for letter, most in (("p", 62), ("A", 31), ("B", 63), ("C", 63), ("D", 63)):
        more = min(letters, most)
        letters -= more
        names.append(letter * (1 + more))
    fields = dict.fromkeys(names[2:], "k")
    fields[names[2]] = "k" * (220 + 256 * blocks - sum(map(len, names[2:])))
    return names[0], names[1], fields


def refusal(opener: Opener, raw: bytes) -> VaultRefused | None:
    """What opening says; None when it opens."""
    try:
        opener.open(raw)
    except VaultRefused as error:
        return error
    return None


def is_of_help(error: VaultRefused) -> bool:
    """It says what to do, and nothing of any secret."""
    told = str(error)
    return any(word in told for word in ("put back", "newer Floorbroker")) and not any(c in told for c in CANARIES)


# -- every bit --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(8))
def test_no_flipped_bit_of_a_vault_of_four_kib_opens(four_kib: bytes, part: int) -> None:
    assert len(four_kib) == KIB_4
    opener = Opener()
    assert refusal(opener, four_kib) is None
    opened: list[int] = []
    unhelpful: list[str] = []
    for bit in range(part, KIB_4 * 8, 8):
        raw = bytearray(four_kib)
        raw[bit // 8] ^= 1 << bit % 8
        error = refusal(opener, bytes(raw))
        if error is None:
            opened.append(bit)
        elif not is_of_help(error):
            unhelpful.append(f"bit {bit}: {error}")
    assert opened == []
    assert unhelpful == []


def test_no_cut_and_no_longer_vault_opens(four_kib: bytes) -> None:
    opener = Opener()
    changed = [four_kib[:length] for length in range(KIB_4)]
    changed += [four_kib + bytes(more) for more in (1, 2, 256)]
    changed += [four_kib[:at] + b"\0" + four_kib[at:] for at in range(0, KIB_4, 7)]
    assert [len(raw) for raw in changed if (error := refusal(opener, raw)) is None or not is_of_help(error)] == []


# -- every swap -------------------------------------------------------------------------------------------------------------

MEMBERS = ("id", "version", "dek", "wrapped", "sealed")


def crossed(one: Parsed, other: Parsed, i: int, j: int, members: tuple[str, ...]) -> tuple[Header, list[bytes]]:
    """The place of record `i` of one vault with members of record `j` of another; sums are made to fit."""
    mine, theirs = one.header.records[i], other.header.records[j]
    sealed = list(one.sealed)
    if "sealed" in members:
        sealed[i] = other.sealed[j]
    changed = {name: getattr(theirs, name) for name in members if name != "sealed"}
    if "sealed" in members:
        changed |= {"size": theirs.size, "sha256": theirs.sha256, "fields": theirs.fields}
    records = list(one.header.records)
    records[i] = msgspec.structs.replace(mine, **changed)
    return msgspec.structs.replace(one.header, records=tuple(records)), sealed


def every_swap(one: Parsed, other: Parsed) -> Iterator[tuple[Header, list[bytes]]]:
    """Every record in the place of every other, in every combination of what makes one up."""
    combinations = [c for n in range(1, len(MEMBERS) + 1) for c in itertools.combinations(MEMBERS, n)]
    count = len(one.header.records)
    for i, j in itertools.product(range(count), range(len(other.header.records))):
        if one is other and i == j:
            continue
        for members in combinations:
            header, sealed = crossed(one, other, i, j, members)
            if (header, tuple(sealed)) != (one.header, one.sealed):  # both are of version 1: no change is no swap
                yield header, sealed


def outcome(opener: Opener, raw: bytes) -> str:
    """Whether any record of a file opens for a place it was not sealed for; `refused` is what must come out."""
    try:
        opener.open(raw).verify()
    except VaultRefused as error:
        return "refused" if is_of_help(error) else str(error)
    return "opened"


def test_no_record_opens_in_another_profile_broker_or_environment_even_under_a_right_mac_i23(tmp_path: Path) -> None:
    opener = Opener()
    parsed = parse(written(tmp_path).path.read_bytes())
    found: dict[str, int] = {}
    for header, sealed in every_swap(parsed, parsed):
        if len({entry.id for entry in header.records}) < len(header.records):
            continue  # the same id twice is not even a header, which the next test shows
        if len({entry.dek for entry in header.records}) < len(header.records):
            continue
        told = outcome(opener, signed_again(header, sealed, derive=opener.derive))
        found[told] = found.get(told, 0) + 1
    assert set(found) == {"refused"}
    assert found["refused"] > 500


def test_no_two_records_can_change_places_even_under_a_right_mac_i23(tmp_path: Path) -> None:
    opener = Opener()
    parsed = parse(written(tmp_path).path.read_bytes())
    swaps = 0
    for i, j in itertools.combinations(range(len(PLACES)), 2):
        for combination in (("id", "dek", "wrapped", "sealed", "version"), ("dek", "wrapped", "sealed"), ("sealed",)):
            header, sealed = crossed(parsed, parsed, i, j, combination)
            back, _ = crossed(parsed, parsed, j, i, combination)
            records = list(header.records)
            records[j] = back.records[j]
            if "sealed" in combination:
                sealed[j] = parsed.sealed[i]
            whole = msgspec.structs.replace(header, records=tuple(records))
            assert outcome(opener, signed_again(whole, sealed, derive=opener.derive)) == "refused"
            swaps += 1
    assert swaps == 198


def test_no_record_of_another_vault_opens_with_the_same_passphrase_i23(tmp_path: Path) -> None:
    opener = Opener()
    one = parse(written(tmp_path, PLACES[:4]).path.read_bytes())
    other = parse(written(tmp_path, PLACES[:4], seed=2, name="other.enc").path.read_bytes())
    tried = 0
    for header, sealed in every_swap(one, other):
        assert outcome(opener, signed_again(header, sealed, derive=opener.derive)) == "refused"
        tried += 1
    assert tried == 16 * 30  # the version alone is the same


def test_without_the_passphrase_no_swap_gets_past_the_mac(tmp_path: Path) -> None:
    opener = Opener()
    raw = written(tmp_path).path.read_bytes()
    parsed = parse(raw)
    start = len(raw) - sum(len(part) for part in parsed.sealed)
    for i, j in itertools.permutations(range(len(parsed.sealed)), 2):
        parts = list(parsed.sealed)
        parts[i] = parsed.sealed[j]
        assert isinstance(refusal(opener, raw[:start] + b"".join(parts)), VaultRefused)
    order = [*parsed.sealed[1:], parsed.sealed[0]]
    assert isinstance(refusal(opener, raw[:start] + b"".join(order)), VaultRefused)
    for keep in range(len(parsed.sealed)):
        header = msgspec.structs.replace(parsed.header, records=parsed.header.records[:keep])
        text = rfc8785.dumps(msgspec.to_builtins(header))
        fake = MAGIC + len(text).to_bytes(LENGTH_SIZE, "big") + text + parsed.mac + b"".join(parsed.sealed[:keep])
        assert isinstance(refusal(opener, fake), WrongPassphrase)


def test_an_older_version_of_a_record_does_not_open_in_a_newer_file_i23(tmp_path: Path) -> None:
    opener = Opener()
    vault = written(tmp_path, PLACES[:2])
    older = parse(vault.path.read_bytes())
    profile, broker, environment = PLACES[0]
    vault.write(profile, broker=broker, environment=environment, fields=secrets(BROKER_API_KEY="newer"))
    newer = parse(vault.path.read_bytes())
    versioned = MEMBERS[1:]  # the id is that of the record, whatever its version
    for members in (c for n in range(1, len(versioned)) for c in itertools.combinations(versioned, n)):
        header, sealed = crossed(newer, older, 0, 0, members)
        if (header, tuple(sealed)) != (newer.header, newer.sealed):
            assert outcome(opener, signed_again(header, sealed, derive=opener.derive)) == "refused", members
    header, sealed = crossed(newer, older, 0, 0, MEMBERS)
    text = rfc8785.dumps(msgspec.to_builtins(header))
    raw = MAGIC + len(text).to_bytes(LENGTH_SIZE, "big") + text + newer.mac + b"".join(sealed)
    assert isinstance(refusal(opener, raw), WrongPassphrase)  # whole as it was: only the MAC knows that it is older


# -- every generation -------------------------------------------------------------------------------------------------------


def test_every_older_generation_is_refused_and_the_newest_opens(tmp_path: Path) -> None:
    opener = Opener()
    vault = make(tmp_path)
    files: list[bytes] = [vault.path.read_bytes()]
    random = Random(4)
    for number in range(40):
        profile, broker, environment = random.choice(PLACES)
        vault.write(profile, broker=broker, environment=environment, fields=secrets(BROKER_API_KEY=f"k{number}"))
        files.append(vault.path.read_bytes())
    known = vault.known
    for raw in files[:-1]:
        with pytest.raises(VaultRolledBack, match="--accept-older"):
            opener.open(raw, known=known)
    assert opener.open(files[-1], known=known).generation == len(files)


def test_the_old_passphrase_does_not_open_the_new_file_nor_the_new_one_an_old_file(tmp_path: Path) -> None:
    opener = Opener()
    vault = written(tmp_path, PLACES[:3])
    old = vault.path.read_bytes()
    vault.rotate_passphrase(OTHER)
    new = vault.path.read_bytes()
    for raw, passphrase in ((new, PASSPHRASE), (old, OTHER)):
        with pytest.raises(WrongPassphrase):
            opener.open(raw, passphrase)


# -- bombs ------------------------------------------------------------------------------------------------------------------


def framed(header: object, *, length: int | None = None, tail: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else rfc8785.dumps(header)  # type: ignore[arg-type]
    size = len(text) if length is None else length
    return MAGIC + size.to_bytes(LENGTH_SIZE, "big") + text + bytes(MAC_SIZE) + tail


def bombs(raw: bytes) -> dict[str, bytes]:
    """Files that ask for much."""
    parsed = parse(raw)
    good, sealed = msgspec.to_builtins(parsed.header), b"".join(parsed.sealed)
    entry = good["records"][0]

    def kdf(**changed: object) -> bytes:
        return framed({**good, "kdf": {**good["kdf"], **changed}}, tail=sealed)

    found = {
        f"log2n {n}": kdf(log2n=n) for n in (0, 1, 10, 16, 21, 22, 24, 30, 31, 32, 62, 63, 64, 1_000_000, 2**53 - 1)
    }
    found |= {f"r {n}": kdf(r=n) for n in (0, 1, 7, 9, 1 << 20, 1 << 30, 2**53 - 1)}
    found |= {f"p {n}": kdf(p=n) for n in (0, 5, 1 << 20, 1 << 30, 2**53 - 1)}
    found |= {"another kdf": kdf(name="argon2id"), "salt": kdf(salt="A" * 60_000)}
    found |= {f"header of {n}": framed(b"{}", length=n) for n in (0, MAX_HEADER + 1, 1 << 24, 1 << 31, (1 << 32) - 1)}
    found |= {
        f"record of {n}": framed({**good, "records": [{**entry, "size": n}]})
        for n in (0, 1 << 17, 1 << 31, 1 << 40, 2**53 - 1)
    }
    found["nested"] = framed(b'{"records":' + b"[" * 60_000 + b"]" * 60_000)[: MAX_HEADER + 100]
    found["records"] = framed({**good, "records": [entry] * 150})
    found["long words"] = framed({**good, "vault": "a" * 60_000})
    return found


@pytest.mark.parametrize("seed", [1])
def test_bombs_are_refused_before_a_key_is_derived_or_memory_is_taken(tmp_path: Path, seed: int) -> None:
    opener = Opener()
    lit = bombs(written(tmp_path, PLACES[:1], seed=seed).path.read_bytes())
    assert len(lit) > 35
    refusal(opener, lit["nested"])  # what is loaded once is no bomb's doing
    for name, raw in lit.items():
        tracemalloc.start()
        error = refusal(opener, raw)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(error, VaultRefused), name
        assert not isinstance(error, WrongPassphrase), name
        assert peak < 2 * 1024 * 1024, name
    assert opener.derive.asked == []


def test_a_file_beyond_the_maximum_is_not_even_read() -> None:
    opener = Opener()
    with pytest.raises(VaultRefused, match="larger than any vault"):
        opener.open(bytes(MAX_FILE + 1))
    assert opener.derive.asked == []


# -- one spelling -----------------------------------------------------------------------------------------------------------


def respelled(raw: bytes, change: Change) -> bytes:
    parsed = parse(raw)
    text = change(parsed.signed[HEAD:])
    return framed(text, tail=b"".join(parsed.sealed))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(b'"generation":', b'"generation": '),
        lambda t: t + b" ",
        lambda t: b"\n" + t,
        lambda t: t.replace(b'"version":1}', b'"version":1,"version":1}'),
        lambda t: t.replace(b'{"generation":2', b'{"generation":1,"generation":2'),
        lambda t: t.replace(b'"version":1}', b'"version":1,"x":1}'),
        lambda t: t.replace(b'"generation":2', b'"generation":2.0'),
        lambda t: t.replace(b'"generation":2', b'"generation":2e0'),
        lambda t: t.replace(b'"generation":2', b'"generation":-2'),
        lambda t: t.replace(b'"generation":2', b'"generation":"2"'),
        lambda t: t.replace(b'"generation":2', b'"generation":null'),
        lambda t: t.replace(b'"generation":2', b'"generation":9007199254740992'),
        lambda t: t.replace(b'"scrypt"', b'"scr\\u0079pt"'),
        lambda t: t.replace(b'"ALPACA"', b'"ALPACA\\n"'),
        lambda t: t.replace(b'"ALPACA"', b'"alpaca"'),
        lambda t: t.replace(b'"sim"', b'"test"'),
        lambda t: t.replace(b',"version":1}', b"}"),
        lambda t: t.replace(b',"version":1}', b',"version":2}'),
        lambda t: t.replace(b"=", b"", 1),
        lambda t: t[:-1],
        lambda t: b"[" + t + b"]",
        lambda t: b"null",
        lambda t: t.decode().encode("utf-16"),
    ],
)
def test_a_header_has_one_spelling_and_no_unknown_members(tmp_path: Path, change: Change) -> None:
    raw = written(tmp_path, PLACES[:1]).path.read_bytes()
    changed = respelled(raw, change)
    assert changed != respelled(raw, lambda text: text)
    opener = Opener()
    error = refusal(opener, changed)
    assert isinstance(error, VaultRefused)
    assert not isinstance(error, WrongPassphrase)
    assert opener.derive.asked == []


@pytest.mark.parametrize("member", ["id", "dek", "place"])
def test_no_id_and_no_place_stands_in_a_header_twice(tmp_path: Path, member: str) -> None:
    opener = Opener()
    parsed = parse(written(tmp_path, PLACES[:2]).path.read_bytes())
    first, second = parsed.header.records
    names = ("profile", "broker", "environment") if member == "place" else (member,)
    twice = msgspec.structs.replace(second, **{name: getattr(first, name) for name in names})
    header = msgspec.structs.replace(parsed.header, records=(first, twice))
    with pytest.raises(VaultRefused, match="twice"):
        opener.open(signed_again(header, parsed.sealed, derive=opener.derive))


def test_a_newer_format_is_named_as_one() -> None:
    with pytest.raises(VaultRefused, match="a newer Floorbroker wrote it"):
        Opener().open(b"FBV2" + bytes(100))


def test_the_fields_that_a_header_tells_are_those_that_were_sealed(tmp_path: Path) -> None:
    opener = Opener()
    parsed = parse(written(tmp_path, PLACES[:1]).path.read_bytes())
    entry: Entry = msgspec.structs.replace(parsed.header.records[0], fields=("BROKER_API_KEY",))
    header = msgspec.structs.replace(parsed.header, records=(entry,))
    assert outcome(opener, signed_again(header, parsed.sealed, derive=opener.derive)) == "refused"
