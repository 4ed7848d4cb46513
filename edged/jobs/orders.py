"""What a job is to do: one struct per kind, as it lies in the queue.

A payload that an older edged queued still decodes: new fields have defaults that mean what was
meant then.
"""

import msgspec
from msgspec import Struct

from edged.errors import Unsupported

TRANSCRIBE = "transcribe"
SESSION = "session"


class TranscribeFile(Struct, frozen=True, kw_only=True):
    """A job's order: which content, and how. A path, an upload or a recording is given.

    recording_id: audio that the store knows (reprocess). upload_id: named `name`.
    again: names one wish to do it again although it was done; empty: once is enough.
    diarize, speakers: say who speaks, afterwards; how many there are, 0 when nobody knows.
    lexicons: correct and count; () leaves the text as it was heard.
    owner: the client_id for whom it is done; empty: the user.
    """

    path: str | None = None
    recording_id: str | None = None
    upload_id: str | None = None
    name: str = ""
    model: str
    language: str | None = None
    keep_audio: bool = False
    again: str = ""
    diarize: bool = False
    speakers: int = 0
    lexicons: tuple[str, ...] = ()
    owner: str = ""


class ProcessSession(Struct, frozen=True, kw_only=True):
    """The work after a session's end: who spoke when, what was said, counts and samples.

    model, language: None leaves them to the settings, when the work begins.
    lexicons: those that are active. diarize, speakers: as for a file.
    again: names one wish to do it again; empty: the first time.
    """

    session_id: str
    model: str | None = None
    language: str | None = None
    lexicons: tuple[str, ...] = ()
    diarize: bool = True
    speakers: int = 0
    again: str = ""


Order = TranscribeFile | ProcessSession

_KINDS: dict[str, type[TranscribeFile] | type[ProcessSession]] = {
    TRANSCRIBE: TranscribeFile,
    SESSION: ProcessSession,
}


def decode(kind: str, payload: bytes) -> Order:
    """The order of a job of a kind.

    Raises:
        Unsupported: nobody here knows the kind, or the payload is none of it.
    """
    known = _KINDS.get(kind)
    if known is None:
        raise Unsupported(f"this edged knows no jobs of the kind {kind}")
    try:
        return msgspec.msgpack.decode(payload, type=known)
    except msgspec.MsgspecError as error:
        raise Unsupported(f"a job of the kind {kind} holds no order") from error


def encode(order: Order) -> bytes:
    """An order as a job's payload."""
    return msgspec.msgpack.encode(order)
