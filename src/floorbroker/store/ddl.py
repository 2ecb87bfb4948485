"""The journal's database as one script, so that a new journal is made in one step.

`schema.py` holds the same tables for migrations, and the migrations make them step by step; a test keeps the three
equal.
"""

from __future__ import annotations

APPLICATION_ID = 0x464C4252  # "FLBR", in the header of the file
HEAD = "0003"  # the newest migration

SCRIPT = """
CREATE TABLE meta (
	"key" TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_meta PRIMARY KEY ("key")
)
 WITHOUT ROWID, STRICT;
CREATE TABLE records (
	seq INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	at INTEGER NOT NULL,
	kind TEXT NOT NULL,
	profile TEXT NOT NULL,
	intent_id TEXT,
	place INTEGER,
	number INTEGER,
	mono_us INTEGER,
	body BLOB NOT NULL,
	CONSTRAINT pk_records PRIMARY KEY (seq),
	CONSTRAINT ck_records_kind CHECK (kind IN ('fact', 'audit', 'key', 'note')),
	CONSTRAINT ck_records_place CHECK ((intent_id IS NULL) = (place IS NULL) AND (place IS NULL OR place IN (0, seq))),
	CONSTRAINT ck_records_number CHECK ((kind = 'audit') = (number IS NOT NULL) AND (number IS NULL) = (mono_us IS NULL))
)
 STRICT;
CREATE UNIQUE INDEX uq_records_intent ON records (intent_id, place) WHERE intent_id IS NOT NULL;
CREATE UNIQUE INDEX uq_records_number ON records (number) WHERE number IS NOT NULL;
CREATE TABLE client_ids (
	profile TEXT NOT NULL,
	cl_ord_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_client_ids PRIMARY KEY (profile, cl_ord_id),
	CONSTRAINT fk_client_ids_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
CREATE TABLE executions (
	profile TEXT NOT NULL,
	intent_id TEXT NOT NULL,
	exec_id TEXT NOT NULL,
	version INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_executions PRIMARY KEY (profile, intent_id, exec_id, version),
	CONSTRAINT fk_executions_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
CREATE TABLE keys (
	principal TEXT NOT NULL,
	profile TEXT NOT NULL,
	"key" TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_keys PRIMARY KEY (principal, profile, "key"),
	CONSTRAINT fk_keys_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
CREATE TABLE notes (
	topic TEXT NOT NULL,
	profile TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_notes PRIMARY KEY (topic, profile, seq),
	CONSTRAINT fk_notes_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
CREATE TABLE outbox (
	consumer TEXT NOT NULL,
	published INTEGER NOT NULL,
	CONSTRAINT pk_outbox PRIMARY KEY (consumer)
)
 WITHOUT ROWID, STRICT;
CREATE TRIGGER records_never_change BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'records never change'); END;
CREATE TRIGGER records_never_leave BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'records never leave'); END;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version (version_num) VALUES ('0003');
"""
