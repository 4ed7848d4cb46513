"""Every error a caller can act on: one leaf per action, each with a wire code and an exit status.

A message names what went wrong and where, in lower case, without user content. `fix` says what to
do. The table in docs/ERRORS.md is made from this module, and a test compares them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

Detail = str | int | float | bool | None


class EdgedError(Exception):
    """The root of all errors that edged raises on purpose.

    Args:
        message: what failed and which one; lower case, no full stop, never user content.
        fix: what the caller can do; the class's own advice when absent.
        details: facts for programs (numbers, ids); they travel on the wire beside the message.
    """

    code: ClassVar[str] = "internal"
    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = "look into the daemon's log; if it happens again, report it"

    def __init__(self, message: str, *, fix: str | None = None, **details: Detail) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix or self.advice
        self.details: Mapping[str, Detail] = details


class Internal(EdgedError):
    """A defect of ours; the log holds the traceback."""


class BadRequest(EdgedError):
    """The request itself is wrong: a field, a frame count, a number out of range."""

    code = "bad_request"
    exit_status = 2
    advice = "compare the request with PROTOCOL.md"


class UnknownRequest(BadRequest):
    """The request's type is not one this daemon knows."""

    code = "unknown_request"
    advice = "`describe` lists the requests of this daemon"


class DaemonDown(EdgedError):
    """No daemon answers at the socket."""

    code = "daemon_down"
    exit_status = 3
    retryable = True
    advice = "start it with `edged serve`, or drop --no-start"


class Busy(EdgedError):
    """A bound was reached; the work was refused, not queued."""

    code = "busy"
    exit_status = 4
    retryable = True
    advice = "try again later; `retry_after_ms` in the details is a hint"


class Deadline(EdgedError):
    """The request's deadline passed before it was answered."""

    code = "deadline"
    exit_status = 5
    retryable = True
    advice = "give a larger deadline_ms"


class Cancelled(EdgedError):
    """The work was cancelled, by the client or because the client is gone."""

    code = "cancelled"
    exit_status = 6
    advice = "send the request again if it is still wanted"


class NotFound(EdgedError):
    """No recording, job, folder or request with that id."""

    code = "not_found"
    exit_status = 7
    advice = "list them first"


class BadMedia(EdgedError):
    """The file or the bytes hold no audio, or no picture, that can be decoded."""

    code = "bad_media"
    exit_status = 8
    advice = "give a wav, flac, mp3, ogg/opus, m4a or mp4 file with an audio track; a JPEG or PNG as a picture"


class ModelMissing(EdgedError):
    """The model is unknown, or its files are not on this machine."""

    code = "model_missing"
    exit_status = 9
    advice = "`edged models list` shows what can be used and what is missing"


class CorruptModel(EdgedError):
    """A model's file differs from its manifest's hash, or the engine refuses it."""

    code = "corrupt_model"
    exit_status = 10
    advice = "reinstall the package, or copy the file again, and check its sha256"


class EngineMissing(EdgedError):
    """The engine's package is not installed."""

    code = "engine_missing"
    exit_status = 11
    advice = "install the extra, for example: pip install 'edged[speech]'"


class WorkerGone(EdgedError):
    """The process that ran the model died or was stopped in the middle of the call."""

    code = "worker_gone"
    exit_status = 12
    retryable = True
    advice = "send the request again; the worker is started anew"


class Quarantined(EdgedError):
    """The model's worker failed too often and is not started again for a while."""

    code = "quarantined"
    exit_status = 13
    advice = "see `edged health` for the reason; `edged models load ID` tries again"


class WrongKey(EdgedError):
    """The key does not open the store, or the file is no store of ours."""

    code = "wrong_key"
    exit_status = 14
    advice = "restore the key file that belongs to this store, or use the recovery code"


class StoreCorrupt(EdgedError):
    """The store's file is damaged; it is left as it is."""

    code = "store_corrupt"
    exit_status = 15
    advice = "restore a backup with `edged restore`; the damaged file is kept"


class StoreTooNew(EdgedError):
    """The store was written by a newer edged; it is left as it is."""

    code = "store_too_new"
    exit_status = 16
    advice = "install the newer edged again, or restore an older backup"


class DiskFull(EdgedError):
    """The disk is full: nothing was written, reading goes on."""

    code = "disk_full"
    exit_status = 17
    retryable = True
    advice = "free space, or delete recordings with `edged recordings delete`"


class Denied(EdgedError):
    """The caller may not do that, or the file may not be read."""

    code = "denied"
    exit_status = 18
    advice = "run the command as the owner of the daemon: `sudo -u OWNER edged ...`"


class TooLarge(EdgedError):
    """A frame, a request or a file is larger than the configured bound."""

    code = "too_large"
    exit_status = 19
    advice = "send it in smaller parts, or pass a path instead of bytes"


class AlreadyRunning(EdgedError):
    """Another daemon owns this home."""

    code = "already_running"
    exit_status = 20
    advice = "stop it with `edged shutdown`, where XDG_RUNTIME_DIR is as it was for it; or use another EDGED_HOME"


class KeyMissing(EdgedError):
    """No key can be found for a store that exists, or a wrapped key has no passphrase."""

    code = "key_missing"
    exit_status = 21
    advice = "see docs/KEYS.md: key file, credential, passphrase file or recovery code"


class ConfigError(EdgedError):
    """The configuration cannot be read or holds a value out of range."""

    code = "config_error"
    exit_status = 22
    advice = "correct config.toml or the EDGED_* variable; docs/CONFIG.md lists all settings"


class Unsupported(EdgedError):
    """The model or the platform cannot do what was asked (a language, a sample rate)."""

    code = "unsupported"
    exit_status = 23
    advice = "`edged models show ID` prints what a model can do"


class NotKept(EdgedError):
    """The recording's audio was not kept, or its original file is gone or changed."""

    code = "not_kept"
    exit_status = 24
    advice = "transcribe with keep_audio, or put the original file back"


class Conflict(EdgedError):
    """The thing is in a state in which this cannot be done."""

    code = "conflict"
    exit_status = 25
    advice = "look at its state first"


class VersionSkew(EdgedError):
    """Client and daemon speak different versions of the protocol."""

    code = "version_skew"
    exit_status = 26
    advice = "restart the daemon after an upgrade: `edged shutdown`, then `edged serve`"


class LicenceRequired(EdgedError):
    """The model's licence has to be accepted at its source, or the token does not open it."""

    code = "licence_required"
    exit_status = 27
    advice = "accept the licence on the model's page, then give a token: HF_TOKEN or --token-file"


class Untrusted(EdgedError):
    """No public source states the file's hash, and nobody said to trust what comes first."""

    code = "untrusted"
    exit_status = 28
    advice = "give --trust-first-use to record its hash at this pull and hold every later one to it"


class SourceDown(EdgedError):
    """None of a file's sources gave it: no network, a server's error, a file that is gone."""

    code = "source_down"
    exit_status = 29
    retryable = True
    advice = "try again, what came is kept; or bring the files along and give --from FOLDER"


class DeviceMissing(EdgedError):
    """No such microphone, loopback or other device is there now."""

    code = "device_missing"
    exit_status = 30
    retryable = True
    advice = "plug it in, or choose another one: `edged devices` lists what is there"


class DeviceBusy(EdgedError):
    """Another program has the device for itself."""

    code = "device_busy"
    exit_status = 31
    retryable = True
    advice = "close the program that uses it, or record through a sound server, which shares it"


class PermissionDenied(EdgedError):
    """The system does not let the daemon listen, or look."""

    code = "permission_denied"
    exit_status = 32
    advice = (
        "let the daemon's user do it: groups `audio`, `video` on Linux, Privacy settings elsewhere"
    )


class PortAudioMissing(EdgedError):
    """The library that reaches sound devices is not installed."""

    code = "portaudio_missing"
    exit_status = 33
    advice = "install it: `apt install libportaudio2`, or your system's package of PortAudio 19"


class SoundServerMissing(EdgedError):
    """What a computer plays can only be heard through PulseAudio or PipeWire, and neither answers."""

    code = "sound_server_missing"
    exit_status = 34
    retryable = True
    advice = "start PipeWire (with pipewire-pulse) or PulseAudio as the daemon's user"


class DeviceRefused(EdgedError):
    """The device does not give audio or pictures as it was asked for: rate, channels, size."""

    code = "device_refused"
    exit_status = 35
    advice = "`edged devices` shows what it gives; ask for that, or record through a sound server"


class NoAudio(EdgedError):
    """A session ended without any audio."""

    code = "no_audio"
    exit_status = 36
    advice = "send chunks by `sessions.append`, or look at the device with `edged devices`"


class NoFrames(EdgedError):
    """A session ended without any frame."""

    code = "no_frames"
    exit_status = 38
    advice = "send frames by `sessions.frame`, or look at the device with `edged devices`"


class UnsupportedLanguage(EdgedError):
    """None of the models for this task knows the language."""

    code = "unsupported_language"
    exit_status = 37
    advice = "`edged describe` says which languages each model knows; pull a model that knows it"


class HostNotRegistered(EdgedError):
    """The browser knows no native-messaging host of this name, or cannot start it."""

    code = "host_not_registered"
    exit_status = 39
    advice = "run `edged browser install`, then `edged browser doctor` shows what the browser finds"


class OriginDenied(EdgedError):
    """The host's manifest does not name this extension, or a policy of the browser forbids it."""

    code = "origin_denied"
    exit_status = 40
    advice = "run `edged browser install --extension-id ID` with the id that the browser shows"


class NotPaired(EdgedError):
    """The client was never approved, or its grants were denied, revoked or ran out."""

    code = "not_paired"
    exit_status = 41
    advice = "ask with `pair`, then approve it: `edged clients list`, `edged clients approve ID`"


class SandboxedBrowser(EdgedError):
    """The browser runs in a Snap or Flatpak that keeps it from starting programs of the system."""

    code = "sandboxed_browser"
    exit_status = 42
    advice = "allow its portal for native messaging, or use the distribution's own package of it"


def leaves() -> dict[str, type[EdgedError]]:
    """Every error class by its wire code."""
    found: dict[str, type[EdgedError]] = {}
    queue: list[type[EdgedError]] = [EdgedError]
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        if kind is not EdgedError:
            found.setdefault(kind.code, kind)
    return found


def from_code(
    code: str,
    message: str,
    *,
    fix: str | None = None,
    details: Mapping[str, Detail] = MappingProxyType({}),
) -> EdgedError:
    """The error that a wire code stands for; an unknown code gives `Internal`."""
    error = leaves().get(code, Internal)(message, fix=fix)
    error.details = details  # not as keywords: one may be called `fix`
    return error
