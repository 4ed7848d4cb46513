"""Which function answers which request."""

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from edged.errors import UnknownRequest
from edged.messages import access as granting
from edged.messages import people, requests, voice
from edged.messages.replies import AnyReply
from edged.messages.requests import AnyRequest
from edged.messages.seeing import (
    FramesExport,
    FramesImage,
    FramesList,
    FramesSearch,
    See,
    SessionsFrame,
    StreamFrame,
    TracksDerive,
)
from edged.messages.sessions import (
    DevicesList,
    SessionsAppend,
    SessionsDelete,
    SessionsExport,
    SessionsGet,
    SessionsLedger,
    SessionsList,
    SessionsPause,
    SessionsReprocess,
    SessionsResume,
    SessionsRetry,
    SessionsStart,
    SessionsStop,
    StreamAudio,
    StreamClose,
    StreamOpen,
)
from edged.messages.uploads import UploadClose, UploadDrop, UploadOpen, UploadPart
from edged.service import (
    about,
    access,
    aligning,
    appending,
    audio,
    clips,
    devices,
    events,
    exporting,
    feelings,
    frames,
    images,
    infer,
    jobs,
    keywords,
    languages,
    lexicons,
    models,
    recordings,
    reprocessing,
    seeing,
    sessions,
    sounding,
    speakers,
    speaking,
    stats,
    store,
    streams,
    tagging,
    text,
    transcribe,
    uploads,
    vad,
    watch,
)
from edged.service import people as persons
from edged.service.house import House

Buffer = bytes | memoryview
Parts = tuple[Buffer, ...]
Outgoing = AnyReply | tuple[AnyReply, Sequence[Buffer]]
Stream = AsyncGenerator[Outgoing, None]

AT_ONCE: dict[type, Callable[[House, Any], AnyReply]] = {
    requests.Describe: about.describe,
    requests.Health: about.health,
    requests.Metrics: about.metrics,
    requests.Shutdown: about.shutdown,
    requests.ModelsList: models.list_models,
    requests.ModelsPs: models.ps,
}
"""Answered on the spot: they wait for nothing."""

STREAMED: dict[type, Callable[[House, Any], Stream]] = {
    requests.RecordingsList: recordings.list_recordings,
    requests.RecordingsGet: recordings.get,
    requests.RecordingsAudio: clips.audio,
    people.SpeakersSample: clips.sample,
    requests.RecordingsDelete: recordings.delete,
    requests.RecordingsReprocess: recordings.reprocess,
    requests.TranscriptsSearch: recordings.search,
    requests.SegmentsList: recordings.segments_of,
    SessionsExport: exporting.export,
    SessionsPause: sessions.pause,
    SessionsResume: sessions.resume,
    SessionsStop: sessions.stop,
    SessionsGet: sessions.get,
    SessionsList: sessions.list_sessions,
    SessionsLedger: sessions.show_ledger,
    SessionsDelete: sessions.delete,
    SessionsReprocess: reprocessing.reprocess,
    SessionsRetry: reprocessing.retry,
    requests.JobsSubmit: jobs.submit,
    requests.JobsGet: jobs.get,
    requests.JobsList: jobs.list_jobs,
    requests.JobsCancel: jobs.cancel,
    requests.JobsRetry: jobs.retry,
    requests.JobsPurge: jobs.purge,
    requests.ModelsShow: models.show,
    requests.ModelsLoad: models.load,
    requests.ModelsUnload: models.unload,
    requests.ModelsPin: models.pin,
    requests.ModelsFile: models.file,
    requests.ModelsBench: models.bench,
    requests.TextClassify: text.classify,
    voice.Speak: speaking.speak,
    requests.WatchAdd: watch.add,
    requests.WatchRemove: watch.remove,
    requests.WatchList: watch.list_folders,
    people.SpeakersList: speakers.list_speakers,
    people.SpeakersUnclaim: speakers.unclaim,
    people.SpeakersRename: speakers.rename,
    people.SpeakersSplit: speakers.split,
    people.SpeakersMerge: speakers.merge,
    people.SpeakersUndo: speakers.undo,
    people.SpeakersMatches: speakers.matches,
    people.PeopleList: persons.list_people,
    people.PeopleAdd: persons.add,
    people.PeopleRename: persons.rename,
    people.PeopleForget: persons.forget,
    people.PeopleEnroll: persons.enroll,
    people.Stats: stats.stats,
    people.StatsWrapped: stats.wrapped,
    people.LexiconList: lexicons.list_lexicons,
    people.LexiconShow: lexicons.show,
    people.LexiconApply: lexicons.apply,
    requests.Subscribe: events.subscribe,
    DevicesList: devices.list_devices,
    FramesList: frames.list_frames,
    FramesExport: frames.export,
    FramesImage: frames.image,
    TracksDerive: frames.derive,
    UploadOpen: uploads.open_upload,
    UploadClose: uploads.close,
    UploadDrop: uploads.drop,
    granting.Pair: access.pair,
    granting.ClientsSelf: access.show_self,
    granting.ClientsList: access.list_clients,
    granting.ClientsShow: access.show,
    granting.ClientsApprove: access.approve,
    granting.ClientsDeny: access.deny,
    granting.ClientsRevoke: access.revoke,
    granting.ClientsForget: access.forget,
    granting.ClientsAdd: access.add,
    granting.ClientsAudit: access.show_audit,
    requests.Backup: store.backup,
    requests.RotateKey: store.rotate_key,
}
"""Answered by a generator of replies, in a task of its own."""

WITH_PARTS: dict[type, Callable[[House, Any, Parts], Stream]] = {
    requests.Transcribe: transcribe.transcribe,
    requests.Infer: infer.infer,
    requests.ImagesClassify: images.classify,
    requests.ImagesDetect: images.detect,
    requests.ImagesEmbed: images.embed,
    requests.ImagesSegment: images.segment,
    See: seeing.see,
    requests.AudioClassify: audio.classify,
    voice.Align: aligning.align,
    voice.EmotionSpeech: feelings.emotions,
    voice.Keywords: keywords.keywords,
    voice.AudioTag: tagging.tag,
    voice.LanguageIdentify: languages.identify,
    voice.Separate: sounding.separate,
    voice.Denoise: sounding.denoise,
    SessionsAppend: appending.append,
    FramesSearch: frames.search,
    UploadPart: uploads.take,
    SessionsFrame: sessions.frame,
}
"""Likewise, with the frames that came behind the envelope."""

OF_CALLER: dict[type, Callable[[House, Any, Parts, str], Outgoing | Stream]] = {
    requests.Hello: about.hello,
    SessionsStart: sessions.start,
    people.SpeakersClaim: speakers.claim,
    StreamOpen: streams.open_stream,
    StreamAudio: streams.take,
    StreamFrame: streams.take_frame,
    StreamClose: streams.close,
}
"""Likewise, about what one connection has open, or calls itself."""


def answer(house: House, request: AnyRequest, parts: Parts, caller: str) -> Outgoing | Stream:
    """The reply to a request, or the generator that yields its replies.

    Args:
        house: the daemon's parts.
        request: already validated against its struct.
        parts: the frames behind the envelope.
        caller: names the connection; state kept for one caller is never seen by another.

    Raises:
        Denied: a client names a file of this machine; see service.ownership.
        EdgedError: the leaf that answers the request.
    """
    if house.asker.is_owner:
        return _answer(house, request, parts, caller)
    return house.ownership.guarded(
        house.asker, request, lambda: _answer(house, request, parts, caller)
    )


def _answer(house: House, request: AnyRequest, parts: Parts, caller: str) -> Outgoing | Stream:
    if isinstance(request, requests.Describe) and request.model is not None:
        return about.describe_model(house, request.model)
    if isinstance(request, requests.Vad):
        return vad.vad(house, request, parts, caller)
    if of_caller := OF_CALLER.get(type(request)):
        return of_caller(house, request, parts, caller)
    if with_parts := WITH_PARTS.get(type(request)):
        return with_parts(house, request, parts)
    if at_once := AT_ONCE.get(type(request)):
        return at_once(house, request)
    if streamed := STREAMED.get(type(request)):
        return streamed(house, request)
    raise UnknownRequest("this daemon does not answer that request")
