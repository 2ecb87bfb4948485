"""A commit touches fewer trees: what was said of intents and audit numbers are columns and indexes of the records themselves.

Records never leave, so their numbers need no counter beside them (AUTOINCREMENT), which every commit would write as well.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TRIGGERS = (
    """CREATE TRIGGER records_never_change BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records never change'); END""",
    """CREATE TRIGGER records_never_leave BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records never leave'); END""",
)
# The tables that point at records must go on pointing at `records`, whichever table has that name meanwhile.
_ASIDE = (
    "PRAGMA legacy_alter_table = ON",
    "DROP TRIGGER records_never_change",
    "DROP TRIGGER records_never_leave",
    "ALTER TABLE records RENAME TO records_before",
    "ALTER TABLE keys RENAME TO keys_before",
)
_BACK = ("DROP TABLE records_before", "DROP TABLE keys_before", "PRAGMA legacy_alter_table = OFF")
_UP = (
    *_ASIDE,
    """CREATE TABLE records (
        seq INTEGER NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL,
        kind TEXT NOT NULL, profile TEXT NOT NULL, intent_id TEXT,
        place INTEGER, number INTEGER, mono_us INTEGER, body BLOB NOT NULL,
        CONSTRAINT pk_records PRIMARY KEY (seq),
        CONSTRAINT ck_records_kind CHECK (kind IN ('fact', 'audit', 'key', 'note')),
        CONSTRAINT ck_records_place
        CHECK ((intent_id IS NULL) = (place IS NULL) AND (place IS NULL OR place IN (0, seq))),
        CONSTRAINT ck_records_number
        CHECK ((kind = 'audit') = (number IS NOT NULL) AND (number IS NULL) = (mono_us IS NULL))
    ) STRICT""",
    """INSERT INTO records
    SELECT r.seq, epoch, at, kind, profile, r.intent_id,
        CASE WHEN r.intent_id IS NULL THEN NULL WHEN i.seq IS NULL THEN r.seq ELSE 0 END, number, mono_us, body
    FROM records_before AS r LEFT JOIN audit AS a ON a.seq = r.seq LEFT JOIN intents AS i ON i.seq = r.seq
    AND i.intent_id = r.intent_id ORDER BY r.seq""",
    "CREATE UNIQUE INDEX uq_records_intent ON records (intent_id, place) WHERE intent_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_records_number ON records (number) WHERE number IS NOT NULL",
    """CREATE TABLE keys (
        principal TEXT NOT NULL, profile TEXT NOT NULL, "key" TEXT NOT NULL, seq INTEGER NOT NULL,
        CONSTRAINT pk_keys PRIMARY KEY (principal, profile, "key"),
        CONSTRAINT fk_keys_seq FOREIGN KEY(seq) REFERENCES records (seq)
    ) WITHOUT ROWID, STRICT""",
    'INSERT INTO keys SELECT principal, profile, "key", seq FROM keys_before',
    "DROP TABLE audit",
    "DROP TABLE intents",
    *_BACK,
    *_TRIGGERS,
)
_DOWN = (
    *_ASIDE,
    """CREATE TABLE records (
        seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL, at INTEGER NOT NULL,
        kind TEXT NOT NULL, profile TEXT NOT NULL, intent_id TEXT, body BLOB NOT NULL,
        CONSTRAINT ck_records_kind CHECK (kind IN ('fact', 'audit', 'key', 'note'))
    ) STRICT""",
    """INSERT INTO records
    SELECT seq, epoch, at, kind, profile, intent_id, body FROM records_before ORDER BY seq""",
    """CREATE TABLE intents (
        intent_id TEXT NOT NULL, seq INTEGER NOT NULL,
        CONSTRAINT pk_intents PRIMARY KEY (intent_id),
        CONSTRAINT fk_intents_seq FOREIGN KEY(seq) REFERENCES records (seq)
    ) WITHOUT ROWID, STRICT""",
    "INSERT INTO intents SELECT intent_id, seq FROM records_before WHERE place = 0",
    """CREATE TABLE audit (
        number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, mono_us INTEGER NOT NULL,
        CONSTRAINT uq_audit_seq UNIQUE (seq),
        CONSTRAINT fk_audit_seq FOREIGN KEY(seq) REFERENCES records (seq)
    ) STRICT""",
    "INSERT INTO audit SELECT number, seq, mono_us FROM records_before WHERE number IS NOT NULL ORDER BY number",
    """CREATE TABLE keys (
        principal TEXT NOT NULL, profile TEXT NOT NULL, "key" TEXT NOT NULL, body_hash TEXT NOT NULL,
        intent_id TEXT NOT NULL, seq INTEGER NOT NULL,
        CONSTRAINT pk_keys PRIMARY KEY (principal, profile, "key"),
        CONSTRAINT fk_keys_seq FOREIGN KEY(seq) REFERENCES records (seq)
    ) WITHOUT ROWID, STRICT""",
    """INSERT INTO keys
    SELECT principal, k.profile, "key", json_extract(CAST(body AS TEXT), '$.d.body_hash'), intent_id, k.seq
    FROM keys_before AS k JOIN records_before AS r ON r.seq = k.seq""",
    *_BACK,
    "CREATE INDEX ix_records_intent ON records (intent_id) WHERE intent_id IS NOT NULL",
    *_TRIGGERS,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
