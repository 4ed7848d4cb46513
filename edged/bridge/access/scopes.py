"""Which scopes a request needs; every request of the protocol is in exactly one table."""

from typing import Final

from edged.messages import access, people, requests, seeing, sessions, uploads, voice
from edged.messages.access import Scope
from edged.messages.requests import AnyRequest

Need = frozenset[Scope]

STRANGERS: Final[frozenset[type]] = frozenset(
    (requests.Hello, requests.Cancel, access.Pair, access.ClientsSelf)
)
"""What may be asked without being a client."""

CLIENTS: Final[frozenset[type]] = frozenset(
    (requests.Describe, requests.Health, uploads.UploadDrop, sessions.StreamClose)
)
"""What every approved client may ask, whatever its scopes."""

_ANY_TASK: Final[Need] = frozenset(("vision", "speech", "language"))
_ANY_CAPTURE: Final[Need] = frozenset(("capture.microphone", "capture.camera", "capture.screen"))
_SPEECH: Final[Need] = frozenset(("speech",))
_VISION: Final[Need] = frozenset(("vision",))
_LANGUAGE: Final[Need] = frozenset(("language",))
_READ: Final[Need] = frozenset(("results.read", "results.read:all"))
_DELETE: Final[Need] = frozenset(("results.delete",))
_MODELS: Final[Need] = frozenset(("models.read", "models.manage"))
_MANAGE: Final[Need] = frozenset(("models.manage",))
_FEEDS: Final[Need] = _SPEECH | _VISION
_INTAKE: Final[Need] = _FEEDS | _ANY_CAPTURE

ANY_OF: Final[dict[type, Need]] = {
    requests.Vad: _SPEECH,
    requests.Transcribe: _SPEECH,
    requests.AudioClassify: _SPEECH,
    requests.JobsSubmit: _SPEECH,
    requests.RecordingsReprocess: _SPEECH,
    voice.Align: _SPEECH,
    voice.Separate: _SPEECH,
    voice.EmotionSpeech: _SPEECH,
    voice.Speak: _SPEECH,
    voice.Keywords: _SPEECH,
    voice.AudioTag: _SPEECH,
    voice.Denoise: _SPEECH,
    voice.LanguageIdentify: _SPEECH,
    people.LexiconList: _SPEECH,
    people.LexiconShow: _SPEECH,
    people.LexiconApply: _SPEECH,
    people.SpeakersClaim: _SPEECH,
    people.SpeakersUnclaim: _SPEECH,
    people.SpeakersRename: _SPEECH,
    people.SpeakersSplit: _SPEECH,
    people.SpeakersMerge: _SPEECH,
    people.SpeakersUndo: _SPEECH,
    sessions.StreamAudio: _SPEECH,
    sessions.SessionsReprocess: _SPEECH,
    sessions.SessionsRetry: _SPEECH,
    uploads.UploadOpen: _SPEECH,
    uploads.UploadPart: _SPEECH,
    uploads.UploadClose: _SPEECH,
    requests.ImagesClassify: _VISION,
    requests.ImagesDetect: _VISION,
    requests.ImagesEmbed: _VISION,
    requests.ImagesSegment: _VISION,
    seeing.See: _VISION,
    seeing.StreamFrame: _VISION,
    seeing.SessionsFrame: _VISION,
    requests.TextClassify: _LANGUAGE,
    requests.Infer: _ANY_TASK,
    sessions.DevicesList: _ANY_CAPTURE,
    # What exactly is captured decides further: see `captures`.
    sessions.SessionsStart: _INTAKE,
    sessions.StreamOpen: _INTAKE,
    sessions.SessionsAppend: _SPEECH,
    sessions.SessionsPause: _INTAKE,
    sessions.SessionsResume: _INTAKE,
    sessions.SessionsStop: _INTAKE,
    requests.RecordingsList: _READ,
    requests.RecordingsGet: _READ,
    requests.RecordingsAudio: _READ,
    requests.SegmentsList: _READ,
    requests.TranscriptsSearch: _READ,
    requests.JobsGet: _READ | _SPEECH,
    requests.JobsList: _READ,
    requests.JobsCancel: _SPEECH,
    requests.JobsRetry: _SPEECH,
    requests.Subscribe: _READ | _FEEDS,
    sessions.SessionsGet: _READ,
    sessions.SessionsList: _READ,
    sessions.SessionsLedger: _READ,
    sessions.SessionsExport: _READ,
    people.SpeakersList: _READ,
    people.SpeakersSample: _READ,
    people.SpeakersMatches: frozenset(("results.read:all",)),
    people.PeopleList: frozenset(("results.read:all",)),
    people.Stats: _READ,
    people.StatsWrapped: _READ,
    seeing.FramesList: _READ,
    seeing.FramesExport: _READ,
    seeing.FramesSearch: _READ,
    seeing.FramesImage: _READ,
    seeing.TracksDerive: _READ,
    requests.RecordingsDelete: _DELETE,
    sessions.SessionsDelete: _DELETE,
    requests.ModelsList: _MODELS,
    requests.ModelsShow: _MODELS,
    requests.ModelsPs: _MODELS,
    requests.ModelsFile: _MODELS,
    requests.ModelsLoad: _MANAGE,
    requests.ModelsUnload: _MANAGE,
    requests.ModelsPin: _MANAGE,
    requests.ModelsBench: _MANAGE,
}
"""One of these scopes is enough, for results of the client's own."""

OWNER_ONLY: Final[frozenset[type]] = frozenset(
    (
        requests.Metrics,
        requests.Shutdown,
        requests.Backup,
        requests.RotateKey,
        requests.JobsPurge,
        requests.WatchAdd,
        requests.WatchRemove,
        requests.WatchList,
        people.PeopleAdd,
        people.PeopleRename,
        people.PeopleForget,
        people.PeopleEnroll,
        access.ClientsList,
        access.ClientsShow,
        access.ClientsApprove,
        access.ClientsDeny,
        access.ClientsRevoke,
        access.ClientsForget,
        access.ClientsAdd,
        access.ClientsAudit,
    )
)
"""What nobody but the user may ask: settings, other people's voices, and who may ask what."""

_CAPTURED: Final[dict[str, Scope]] = {
    "microphone": "capture.microphone",
    "loopback": "capture.microphone",
    "camera": "capture.camera",
    "screen": "capture.screen",
}


def captures(request: AnyRequest) -> Need:
    """Every scope of these is needed, since the request makes the daemon listen or look itself."""
    if isinstance(request, sessions.SessionsStart):
        kinds: set[str] = {source.kind for source in request.wished}
    elif isinstance(request, sessions.StreamOpen):
        kinds = {request.kind}
    else:
        return frozenset()
    return frozenset(_CAPTURED[kind] for kind in kinds if kind in _CAPTURED)
