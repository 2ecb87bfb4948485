"""The journal's database as one script, so that a new journal is made in one step.

`schema.py` holds the same tables for migrations, and the migrations make them step by step; a test keeps the three
equal.
"""

from __future__ import annotations

APPLICATION_ID = 0x464C4252  # "FLBR", in the header of the file
HEAD = "0002"  # the newest migration

SCRIPT = """
CREATE TABLE meta (
	"key" TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_meta PRIMARY KEY ("key")
)
 WITHOUT ROWID, STRICT;
CREATE TABLE records (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	epoch INTEGER NOT NULL,
	at INTEGER NOT NULL,
	kind TEXT NOT NULL,
	profile TEXT NOT NULL,
	intent_id TEXT,
	body BLOB NOT NULL,
	CONSTRAINT ck_records_kind CHECK (kind IN ('fact', 'audit', 'key', 'note'))
)
 STRICT;
CREATE INDEX ix_records_intent ON records (intent_id) WHERE intent_id IS NOT NULL;
CREATE TABLE intents (
	intent_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_intents PRIMARY KEY (intent_id),
	CONSTRAINT fk_intents_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
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
	body_hash TEXT NOT NULL,
	intent_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	CONSTRAINT pk_keys PRIMARY KEY (principal, profile, "key"),
	CONSTRAINT fk_keys_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 WITHOUT ROWID, STRICT;
CREATE TABLE audit (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	seq INTEGER NOT NULL,
	mono_us INTEGER NOT NULL,
	CONSTRAINT uq_audit_seq UNIQUE (seq),
	CONSTRAINT fk_audit_seq FOREIGN KEY(seq) REFERENCES records (seq)
)
 STRICT;
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
INSERT INTO alembic_version (version_num) VALUES ('0002');
"""
