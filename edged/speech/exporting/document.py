"""JSON (.json): everything that is known, for programs."""

import msgspec

from edged.speech.exporting.told import Told


def write(told: Told) -> str:
    """One object: the session's facts, its speakers, segments with words, and turns.

    A segment is as `segments.list` gives it, with its recording and the speaker's name beside the
    label.
    """
    tree = {
        "session_id": told.session_id,
        "name": told.name,
        "group": told.group,
        "language": told.language,
        "started_at": told.started_at,
        "duration_ms": told.duration_ms,
        "recordings": [{"id": key, "source": source} for key, source in told.recordings.items()],
        "speakers": [{"label": key, "name": name} for key, name in told.speakers.items()],
        "segments": [
            {"recording_id": line.recording_id, "speaker_name": line.speaker}
            | msgspec.to_builtins(line.segment)
            for line in told.lines
        ],
        "turns": [msgspec.to_builtins(turn) for turn in told.turns],
    }
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"
