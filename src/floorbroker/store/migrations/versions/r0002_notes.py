"""Notes are found by what they are about, so that a start need not read the journal for them."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """CREATE TABLE notes (
        topic TEXT NOT NULL, profile TEXT NOT NULL, seq INTEGER NOT NULL,
        CONSTRAINT pk_notes PRIMARY KEY (topic, profile, seq),
        CONSTRAINT fk_notes_seq FOREIGN KEY(seq) REFERENCES records (seq)
    ) WITHOUT ROWID, STRICT""",
    """INSERT INTO notes
    SELECT json_extract(CAST(body AS TEXT), '$.d.topic'), profile, seq FROM records WHERE kind = 'note'""",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE notes")
