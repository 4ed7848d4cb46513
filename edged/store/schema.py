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

_V2 = """
ALTER TABLE sessions ADD COLUMN state TEXT NOT NULL DEFAULT 'processing' CHECK(state IN
  ('recording', 'paused', 'processing', 'ready_for_claiming', 'completed', 'failed'));
UPDATE sessions SET state = coalesce((
  SELECT t.status FROM recordings r JOIN transcripts t ON t.recording = r.id AND t.current
  WHERE r.session = sessions.id), 'processing');
ALTER TABLE sessions DROP COLUMN status;
ALTER TABLE sessions RENAME COLUMN state TO status;
ALTER TABLE sessions ADD COLUMN name TEXT NOT NULL DEFAULT '';
UPDATE sessions SET name = coalesce((
  SELECT r.name FROM recordings r WHERE r.session = sessions.id ORDER BY r.id LIMIT 1), '');
ALTER TABLE sessions ADD COLUMN keep_audio INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN stage TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN progress REAL NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN duration_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN paused_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN options BLOB;  -- messages.sessions.SessionsStart
ALTER TABLE sessions ADD COLUMN skipped BLOB;  -- tuple of Problem: stages that could not run
ALTER TABLE sessions ADD COLUMN expires_at TEXT;
ALTER TABLE sessions ADD COLUMN job TEXT;
CREATE INDEX sessions_status ON sessions(status);
CREATE INDEX sessions_started ON sessions(started_at);
CREATE INDEX sessions_expiry ON sessions(expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE recordings ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE watch_folders ADD COLUMN lexicons TEXT;  -- JSON array; NULL: the configured ones

CREATE TABLE chunks(  -- of live and fed recordings; the bytes lie in audio_chunks, by number
  recording INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  start_ms INTEGER,  -- from the session's start; NULL while chunks before it are missing
  duration_ms INTEGER NOT NULL,
  silent INTEGER NOT NULL DEFAULT 0,
  codec TEXT NOT NULL,  -- opus, flac, aac, or file: whatever a client sent
  sample_rate INTEGER, channels INTEGER, sample_format TEXT,  -- of raw PCM
  size_bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY(recording, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger(
  recording INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('captured', 'silence', 'gap')),
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(recording, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_results(  -- what a stage of the work after the end found, kept for the next try
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  stage TEXT NOT NULL,
  part TEXT NOT NULL DEFAULT '',
  body BLOB NOT NULL,
  PRIMARY KEY(session, stage, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE people(
  id INTEGER PRIMARY KEY,
  person_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  is_me INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL,
  consent_at TEXT
) STRICT;
CREATE UNIQUE INDEX people_me ON people(is_me) WHERE is_me;

CREATE TABLE speakers(
  id INTEGER PRIMARY KEY,
  speaker_id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  claim_type TEXT CHECK(claim_type IN ('self', 'user', 'guest')),
  claimed_by TEXT,
  claimed_at TEXT,
  person INTEGER REFERENCES people(id) ON DELETE SET NULL,
  guest_name TEXT,
  sample_recording INTEGER REFERENCES recordings(id) ON DELETE SET NULL,
  sample_start_ms INTEGER, sample_end_ms INTEGER,
  UNIQUE(session, label)
) STRICT;
CREATE INDEX speakers_person ON speakers(person) WHERE person IS NOT NULL;

CREATE TABLE merged_speakers(  -- taken into another one; they come back when that is undone
  speaker_id TEXT PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  claim_type TEXT,
  claimed_by TEXT,
  claimed_at TEXT,
  person INTEGER REFERENCES people(id) ON DELETE SET NULL,
  guest_name TEXT,
  sample_recording INTEGER REFERENCES recordings(id) ON DELETE SET NULL,
  sample_start_ms INTEGER, sample_end_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX merged_speakers_session ON merged_speakers(session);
CREATE INDEX merged_speakers_person ON merged_speakers(person) WHERE person IS NOT NULL;

CREATE TABLE turns(  -- who spoke when, as found or as split and merged since; the source of RTTM
  recording INTEGER NOT NULL REFERENCES recordings(id) ON DELETE CASCADE,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  speaker INTEGER NOT NULL REFERENCES speakers(id) ON DELETE CASCADE,
  PRIMARY KEY(recording, start_ms, speaker)
) STRICT, WITHOUT ROWID;
CREATE INDEX turns_speaker ON turns(speaker);

CREATE TABLE speaker_figures(
  speaker INTEGER PRIMARY KEY REFERENCES speakers(id) ON DELETE CASCADE,
  segments INTEGER NOT NULL,
  turns INTEGER NOT NULL,
  words INTEGER NOT NULL,
  low_words INTEGER NOT NULL,
  talk_ms INTEGER NOT NULL,
  overlap_ms INTEGER NOT NULL,
  favourite TEXT,
  said TEXT NOT NULL  -- the words without stop words, each as often as it was said, by alphabet
) STRICT;

CREATE TABLE speaker_targets(
  speaker INTEGER NOT NULL REFERENCES speakers(id) ON DELETE CASCADE,
  lexicon TEXT NOT NULL,
  category TEXT NOT NULL,
  word TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(speaker, lexicon, category, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment_targets(  -- target words in the corrected text
  segment INTEGER NOT NULL REFERENCES segments(id) ON DELETE CASCADE,
  lexicon TEXT NOT NULL,
  category TEXT NOT NULL,
  word TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY(segment, lexicon, category, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE session_figures(  -- all speech, and that part which no speaker could be given to
  session INTEGER PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,
  speech_ms INTEGER NOT NULL,
  unknown_ms INTEGER NOT NULL,
  unknown_words INTEGER NOT NULL,
  unknown_low_words INTEGER NOT NULL
) STRICT;

CREATE TABLE speaker_edits(  -- what undo needs: splits, merges, renames, oldest first
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK(kind IN ('split', 'merge', 'rename')),
  body BLOB NOT NULL,
  made_at TEXT NOT NULL
) STRICT;
CREATE INDEX speaker_edits_session ON speaker_edits(session);

CREATE TABLE voices(  -- of a speaker until somebody names it or it expires; of a person by consent
  id INTEGER PRIMARY KEY,
  speaker INTEGER REFERENCES speakers(id) ON DELETE CASCADE,
  person INTEGER REFERENCES people(id) ON DELETE CASCADE,
  model TEXT NOT NULL,
  vector BLOB NOT NULL,  -- float32, length 1
  source TEXT,  -- of a person's: the speaker_id whose voice it was
  created_at TEXT NOT NULL,
  expires_at TEXT,
  CHECK((speaker IS NULL) <> (person IS NULL))
) STRICT;
CREATE UNIQUE INDEX voices_source ON voices(person, source, model) WHERE person IS NOT NULL;
CREATE INDEX voices_speaker ON voices(speaker) WHERE speaker IS NOT NULL;
CREATE INDEX voices_person ON voices(person) WHERE person IS NOT NULL;
CREATE INDEX voices_expiry ON voices(expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE segments ADD COLUMN raw TEXT;
ALTER TABLE segments ADD COLUMN speaker INTEGER REFERENCES speakers(id) ON DELETE SET NULL;
ALTER TABLE segments ADD COLUMN overlap INTEGER NOT NULL DEFAULT 0;
ALTER TABLE segments ADD COLUMN emotion TEXT;
ALTER TABLE segments ADD COLUMN emotion_confidence REAL;
CREATE INDEX segments_speaker ON segments(speaker) WHERE speaker IS NOT NULL;
CREATE INDEX segments_emotion ON segments(emotion, transcript) WHERE emotion IS NOT NULL;

ALTER TABLE jobs ADD COLUMN session INTEGER REFERENCES sessions(id) ON DELETE SET NULL;
CREATE INDEX jobs_session ON jobs(session) WHERE session IS NOT NULL;
ALTER TABLE events ADD COLUMN session INTEGER;
CREATE INDEX events_session ON events(session) WHERE session IS NOT NULL;

DROP TRIGGER segments_index;
DROP TRIGGER segments_index_scripted;
DROP TRIGGER segments_unindex;
DROP TABLE segments_words;
CREATE VIRTUAL TABLE segments_words USING fts5(
  text, raw, content='segments', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO segments_words(segments_words) VALUES('rebuild');
INSERT INTO segments_words(segments_words, rank) VALUES('secure-delete', 1);
CREATE TRIGGER segments_index AFTER INSERT ON segments BEGIN
  INSERT INTO segments_words(rowid, text, raw) VALUES(new.id, new.text, new.raw);
END;
CREATE TRIGGER segments_index_scripted AFTER INSERT ON segments WHEN new.scripted BEGIN
  INSERT INTO segments_trigrams(rowid, text) VALUES(new.id, concat_ws(' ', new.text, new.raw));
END;
CREATE TRIGGER segments_unindex AFTER DELETE ON segments BEGIN
  INSERT INTO segments_words(segments_words, rowid, text, raw)
  VALUES('delete', old.id, old.text, old.raw);
END;
"""

_V3 = """
CREATE TABLE sights(  -- sources of pictures of a session, in order
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  device TEXT NOT NULL DEFAULT '',
  target_fps REAL NOT NULL,
  width INTEGER NOT NULL DEFAULT 0,  -- of its frames, upright, in pixels; 0: not known yet
  height INTEGER NOT NULL DEFAULT 0,
  captured INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0,
  still INTEGER NOT NULL DEFAULT 0,
  late INTEGER NOT NULL DEFAULT 0,
  lost INTEGER NOT NULL DEFAULT 0,
  detected INTEGER NOT NULL DEFAULT 0,
  UNIQUE(session, number)
) STRICT;

CREATE TABLE tracks(  -- what is kept of a source: face, hands, pose, objects, screen
  id INTEGER PRIMARY KEY,
  sight INTEGER NOT NULL REFERENCES sights(id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  model TEXT NOT NULL,
  UNIQUE(sight, kind)
) STRICT;

CREATE TABLE landmark_blocks(  -- a second of a track, by edged.vision.blocks
  id INTEGER PRIMARY KEY,
  track INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
  second INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  frames INTEGER NOT NULL,
  detected INTEGER NOT NULL,
  body BLOB NOT NULL,
  UNIQUE(track, start_ms)  -- a second that a pause divides is two
) STRICT;

CREATE TABLE sight_gaps(
  sight INTEGER NOT NULL REFERENCES sights(id) ON DELETE CASCADE,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(sight, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE object_sightings(  -- a label seen without a break of a second; score: the best
  id INTEGER PRIMARY KEY,
  track INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
  label TEXT NOT NULL COLLATE NOCASE,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  frames INTEGER NOT NULL,
  most INTEGER NOT NULL,
  score REAL NOT NULL
) STRICT;
CREATE INDEX object_sightings_label ON object_sightings(label, track);
CREATE INDEX object_sightings_track ON object_sightings(track, start_ms);

CREATE TABLE key_frames(  -- of a screen, when its picture changed
  id INTEGER PRIMARY KEY,
  frame_id TEXT NOT NULL UNIQUE,
  track INTEGER NOT NULL REFERENCES tracks(id) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  vector_model TEXT,
  vector BLOB,  -- float32, length 1
  UNIQUE(track, at_ms)
) STRICT;

CREATE TABLE key_frame_pieces(  -- its file, in pieces that can be deleted on a full disk
  id INTEGER PRIMARY KEY,
  frame INTEGER NOT NULL REFERENCES key_frames(id) ON DELETE CASCADE,
  piece INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE(frame, piece)
) STRICT;
"""

_V4 = """
CREATE TABLE clients(  -- who asked to be paired, or was
  id INTEGER PRIMARY KEY,
  client_id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK(kind IN ('browser', 'key', 'local')),
  identity TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK(status IN ('pending', 'approved', 'denied', 'revoked', 'expired')),
  fingerprint TEXT NOT NULL DEFAULT '',
  token_hash BLOB UNIQUE,  -- of a local client: SHA-256 of its token
  asked_at TEXT NOT NULL,
  asked_scopes TEXT NOT NULL DEFAULT '',  -- with spaces between
  scopes TEXT NOT NULL DEFAULT '',
  decided_at TEXT,
  expires_at TEXT,
  last_seen_at TEXT,
  pid INTEGER NOT NULL DEFAULT -1,
  program TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX clients_identity ON clients(kind, identity) WHERE kind != 'local';

CREATE TABLE audit(  -- what clients did and what was decided about them; never changed
  number INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  act TEXT NOT NULL,
  client_id TEXT NOT NULL,
  what TEXT NOT NULL DEFAULT '',
  count INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX audit_client ON audit(client_id, number);
CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN
  SELECT raise(ABORT, 'entries of the audit are never changed');
END;
CREATE TRIGGER audit_holds BEFORE DELETE ON audit BEGIN
  SELECT raise(ABORT, 'entries of the audit are never deleted');
END;

ALTER TABLE sessions ADD COLUMN owner TEXT NOT NULL DEFAULT '';  -- a client_id; empty: the user's
CREATE INDEX sessions_owner ON sessions(owner) WHERE owner != '';
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX jobs_owner ON jobs(owner) WHERE owner != '';
ALTER TABLE events ADD COLUMN owner TEXT NOT NULL DEFAULT '';  -- of what it tells of
CREATE INDEX events_owner ON events(owner, event_seq) WHERE owner != '';

CREATE TABLE uploads(
  id INTEGER PRIMARY KEY,
  upload_id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL DEFAULT '',
  size_bytes INTEGER NOT NULL,
  sha256 TEXT,  -- as the client said it, then as it was found
  received INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL DEFAULT 'open' CHECK(status IN ('open', 'closed', 'dropped')),
  job INTEGER REFERENCES jobs(id) ON DELETE SET NULL,  -- keeps it until it is done
  expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX uploads_owner ON uploads(owner);
CREATE INDEX uploads_job ON uploads(job) WHERE job IS NOT NULL;

CREATE TABLE upload_pieces(
  id INTEGER PRIMARY KEY,
  upload INTEGER NOT NULL REFERENCES uploads(id) ON DELETE CASCADE,
  start INTEGER NOT NULL,
  data BLOB NOT NULL,
  UNIQUE(upload, start)
) STRICT;
"""

MIGRATIONS: tuple[str, ...] = (_V1, _V2, _V3, _V4)
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
