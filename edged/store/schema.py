"""Numbered migrations. A store remembers its number; a newer one than ours is refused untouched."""

from edged.errors import StoreTooNew
from edged.store.engine import Connection

_V1 = """
PRAGMA application_id = 1701078884;  -- edgd, as engine.APPLICATION_ID

CREATE TABLE meta(
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions(
  id INTEGER PRIMARY KEY,
  session_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK(kind IN ('file', 'fed', 'live')),
  group_name TEXT NOT NULL DEFAULT '',
  started_by TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'running' CHECK(status IN ('running', 'completed', 'failed')),
  started_at TEXT NOT NULL,
  ended_at TEXT,
  error_code TEXT, error_message TEXT, error_fix TEXT
) STRICT;

CREATE TABLE recordings(
  id INTEGER PRIMARY KEY,
  recording_id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  source TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  path TEXT,
  sha256 TEXT NOT NULL DEFAULT '',
  content TEXT UNIQUE,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  sample_rate INTEGER, channels INTEGER, sample_format TEXT,
  audio_ms INTEGER NOT NULL DEFAULT 0,
  audio_kept INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
) STRICT;
CREATE INDEX recordings_session ON recordings(session);

CREATE TABLE transcripts(
  id INTEGER PRIMARY KEY,
  recording INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  model TEXT NOT NULL,
  language TEXT NOT NULL DEFAULT '',
  language_source TEXT NOT NULL DEFAULT 'assumed',
  status TEXT NOT NULL DEFAULT 'processing'
    CHECK(status IN ('processing', 'completed', 'failed')),
  done_ms INTEGER NOT NULL DEFAULT 0,
  compute_ms INTEGER NOT NULL DEFAULT 0,
  segment_count INTEGER NOT NULL DEFAULT 0,
  current INTEGER NOT NULL DEFAULT 0,
  error_code TEXT, error_message TEXT, error_fix TEXT,
  created_at TEXT NOT NULL,
  ended_at TEXT,
  UNIQUE(recording, fingerprint)
) STRICT;
CREATE UNIQUE INDEX transcripts_current ON transcripts(recording) WHERE current;

CREATE TABLE segments(
  id INTEGER PRIMARY KEY,
  transcript INTEGER NOT NULL REFERENCES transcripts(id) ON DELETE CASCADE,
  seq INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  text TEXT NOT NULL,
  confidence REAL NOT NULL,
  words BLOB,
  scripted INTEGER,
  UNIQUE(transcript, seq)
) STRICT;
CREATE INDEX segments_scripted ON segments(scripted) WHERE scripted;

CREATE VIRTUAL TABLE segments_words USING fts5(
  text, content='segments', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
CREATE VIRTUAL TABLE segments_trigrams USING fts5(
  text, content='', contentless_delete=1, tokenize='trigram'
);
INSERT INTO segments_words(segments_words, rank) VALUES('secure-delete', 1);
INSERT INTO segments_trigrams(segments_trigrams, rank) VALUES('secure-delete', 1);

CREATE TRIGGER segments_index AFTER INSERT ON segments BEGIN
  INSERT INTO segments_words(rowid, text) VALUES(new.id, new.text);
END;
CREATE TRIGGER segments_index_scripted AFTER INSERT ON segments WHEN new.scripted BEGIN
  INSERT INTO segments_trigrams(rowid, text) VALUES(new.id, new.text);
END;
CREATE TRIGGER segments_unindex AFTER DELETE ON segments BEGIN
  INSERT INTO segments_words(segments_words, rowid, text) VALUES('delete', old.id, old.text);
END;
CREATE TRIGGER segments_unindex_scripted AFTER DELETE ON segments WHEN old.scripted BEGIN
  DELETE FROM segments_trigrams WHERE rowid = old.id;
END;

CREATE TABLE jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL DEFAULT 'queued'
    CHECK(state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  priority INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  interruptions INTEGER NOT NULL DEFAULT 0,
  not_before TEXT,
  lease_until TEXT,
  leased_by TEXT,
  stage TEXT NOT NULL DEFAULT '',
  progress REAL NOT NULL DEFAULT 0,
  error_code TEXT, error_message TEXT, error_fix TEXT,
  payload BLOB NOT NULL,
  recording INTEGER REFERENCES recordings(id) ON DELETE SET NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_queue ON jobs(state, priority, id);
CREATE INDEX jobs_recording ON jobs(recording) WHERE recording IS NOT NULL;

CREATE TABLE watch_folders(
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  recursive INTEGER NOT NULL,
  model TEXT,
  language TEXT,
  added_at TEXT NOT NULL
) STRICT;

CREATE TABLE watch_seen(
  folder INTEGER NOT NULL REFERENCES watch_folders(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  sha256 TEXT NOT NULL DEFAULT '',
  job_id TEXT,
  seen_at TEXT NOT NULL,
  PRIMARY KEY(folder, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE audio_chunks(
  recording INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  piece INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE(recording, number, piece)
) STRICT;

CREATE TABLE events(
  event_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  recording INTEGER,
  job TEXT,
  segment INTEGER,
  body BLOB
) STRICT;
CREATE INDEX events_recording ON events(recording) WHERE recording IS NOT NULL;
CREATE INDEX events_job ON events(job) WHERE job IS NOT NULL;
"""

MIGRATIONS: tuple[str, ...] = (_V1,)
"""The n-th script turns version n into n + 1. One that was released is never changed again."""

NEWEST = len(MIGRATIONS)


def migrate(db: Connection) -> None:
    """Bring a store to the newest version, each step in a transaction of its own.

    Raises:
        StoreTooNew: a newer edged wrote it; nothing was changed.
        apsw.Error: a step failed; the store is as it was before that step.
    """
    version = int(db.pragma("user_version"))
    if version > NEWEST:
        raise StoreTooNew(f"the store has version {version}, this edged knows {NEWEST}")
    for number in range(version, NEWEST):
        _step(db, number)


def _step(db: Connection, number: int) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(MIGRATIONS[number])
        db.execute(f"PRAGMA user_version = {number + 1}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
