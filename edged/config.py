"""The settings tree: defaults < config.toml < EDGED_* variables < flags. Frozen once loaded.

Paths follow the XDG base directories; `EDGED_HOME=DIR` puts all four kinds under one folder.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from edged.errors import ConfigError
from edged.places import find_places

Positive = Annotated[int, Meta(ge=1)]
NonNegative = Annotated[int, Meta(ge=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of config.toml."""


class Server(Section, frozen=True):
    """The socket's bounds.

    frame_bytes: largest single frame (ZMQ_MAXMSGSIZE).
    request_bytes: largest request, all its frames together.
    deadline_ms: for requests that give none; 0: none.
    stall_ms: a client that takes no replies for so long is given up.
    """

    frame_bytes: Positive = 8 * 2**20
    request_bytes: Positive = 256 * 2**20
    frames: Positive = 64
    requests_per_client: Positive = 64
    deadline_ms: NonNegative = 0
    stall_ms: Positive = 30_000


class Store(Section, frozen=True):
    """cipher: `auto` takes AEGIS where the CPU has AES instructions, ChaCha20 otherwise."""

    cipher: str = "auto"
    readers: Annotated[int, Meta(ge=0, le=16)] = 0
    ballast_bytes: NonNegative = 2**20


class Workers(Section, frozen=True):
    """keep_alive_ms: -1 for ever, 0 not at all; restarts: at most so many a minute.

    memory_bytes: that all models together may take; 0: half of what is free at the start.
    device: auto, cpu, gpu, npu, or one by name (gpu:cuda); strict_device: nowhere else, not partly.
    batch_wait_us: how long a request may wait for others to run with, where a model allows it.
    """

    memory_bytes: NonNegative = 0
    device: str = "auto"
    strict_device: bool = False
    batch_wait_us: NonNegative = 2_000
    keep_alive_ms: Annotated[int, Meta(ge=-1)] = 300_000
    restarts_per_minute: Positive = 5
    call_deadline_ms: Positive = 120_000
    load_deadline_ms: Positive = 60_000
    canary_ms: Positive = 30_000
    check_ms: Positive = 2_000
    quarantine_ms: Positive = 300_000


class Defaults(Section, frozen=True):
    """Models by task; empty: the best that fits."""

    transcribe: str = ""
    vad: str = ""
    language: str = ""
    image_classify: str = ""
    image_detect: str = ""
    image_embed: str = ""
    image_segment: str = ""
    audio_classify: str = ""
    text_classify: str = ""

    stream_transcribe: str = ""
    diarize: str = ""
    speaker_embed: str = ""
    speech_emotion: str = ""
    align: str = ""
    separate: str = ""
    denoise: str = ""
    keywords: str = ""
    speak: str = ""
    language_identify: str = ""

    face_detect: str = ""
    face_landmarks: str = ""
    hand_landmarks: str = ""
    pose_landmarks: str = ""
    holistic_landmarks: str = ""
    iris_landmarks: str = ""
    gestures: str = ""


class Capture(Section, frozen=True):
    """chunk_ms: of kept audio, the most that a crash can lose; ring_ms: between device and daemon."""

    chunk_ms: Annotated[int, Meta(ge=1_000, le=600_000)] = 30_000
    ring_ms: Annotated[int, Meta(ge=500, le=60_000)] = 5_000
    reopen_ms: Positive = 500


class Seeing(Section, frozen=True):
    """deny: parts of titles of windows whose pixels are never looked at, with commas between.

    stalled_ms: a camera without a frame for so long is opened again, and the pauses between tries
    grow from reopen_ms to longest_pause_ms. motion: frames that differ by less count as still, in [0, 1].
    change: of a screen, beyond which it is a new key frame.
    """

    deny: str = ""
    stalled_ms: Annotated[int, Meta(ge=100, le=60_000)] = 2_000
    reopen_ms: Positive = 500
    longest_pause_ms: Positive = 30_000
    motion: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.004
    change: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.02


class Sessions(Section, frozen=True):
    """What holds for sessions that say nothing else.

    retention_days: sessions are deleted so long after their end; 0: never.
    backlog_ms: live recognition that is further behind skips ahead; the work after the end has all.
    lexicons: active ones, by name, with spaces between; `-singlish.vulgar` leaves a category out.
    voice_days: voices that nobody enrolled are forgotten after so many days.
    """

    retention_days: NonNegative = 0
    backlog_ms: Positive = 30_000
    lexicons: str = ""
    voice_days: Positive = 7


class Access(Section, frozen=True):
    """Who may ask, and how much; the bounds hold for each client but the user's own processes.

    local_clients: `user`: processes of the daemon's user act for the user; `pair`: each has to be paired.
    ttl_days: how long a grant holds when nothing else was said; 0: without an end.
    requests_per_minute, bytes_per_minute: with a burst of a tenth; running: requests at once.
    pending: strangers that may wait for a decision at once. pending_ms: how long one waits.
    notify: tell the desktop of strangers, and of captures that clients began.
    """

    local_clients: Literal["user", "pair"] = "user"
    ttl_days: NonNegative = 30
    requests_per_minute: Positive = 6_000
    bytes_per_minute: Positive = 2**30
    running: Positive = 32
    pending: Positive = 20
    pending_ms: Positive = 600_000
    notify: bool = True


class Uploads(Section, frozen=True):
    """bytes: largest upload, and all unfinished ones of a client together; keep_ms: since its last part."""

    bytes: Positive = 4 * 2**30
    keep_ms: Positive = 86_400_000


class Tcp(Section, frozen=True):
    """endpoint: `tcp://ADDRESS:PORT` to listen on beside ipc, always with CURVE; empty: nowhere."""

    endpoint: str = ""


class Pull(Section, frozen=True):
    """rate_bytes: at most so many a second; 0: as many as come. timeout_s: without any byte."""

    rate_bytes: NonNegative = 0
    timeout_s: Positive = 30
    tries: Positive = 5


class Jobs(Section, frozen=True):
    """concurrency: jobs at once; attempts and the first wait between them (doubled, with jitter)."""

    concurrency: Positive = 1
    attempts: Positive = 3
    backoff_ms: Positive = 5_000
    lease_ms: Positive = 30_000


class Watch(Section, frozen=True):
    """settle_ms: a file counts when it stayed the same for so long."""

    settle_ms: Positive = 1_000


class Keys(Section, frozen=True):
    """passphrase_file: opens a wrapped key without a terminal; keyring: the backend, by name."""

    passphrase_file: str = ""
    keyring: str = ""


class Config(Section, frozen=True):
    """All settings; `threads` and `devices` map a model's id to its thread count and device."""

    server: Server = Server()
    store: Store = Store()
    workers: Workers = Workers()
    defaults: Defaults = Defaults()
    jobs: Jobs = Jobs()
    watch: Watch = Watch()
    keys: Keys = Keys()
    pull: Pull = Pull()
    capture: Capture = Capture()
    sessions: Sessions = Sessions()
    seeing: Seeing = Seeing()
    access: Access = Access()
    uploads: Uploads = Uploads()
    tcp: Tcp = Tcp()
    threads: dict[str, int] = {}
    devices: dict[str, str] = {}


class Paths(Struct, frozen=True, kw_only=True):
    """Where things lie. Absolute; nothing is created by looking.

    config: config.toml and the user's own manifests (manifests/).
    state: the store, the key, the log. runtime: socket and lock. cache: what can be made again.
    """

    config: Path
    state: Path
    runtime: Path
    cache: Path

    @property
    def config_file(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "config.toml"

    @property
    def manifests(self) -> Path:
        """The user's own manifests."""
        return self.config / "manifests"

    @property
    def lexicons(self) -> Path:
        """The user's own lexicons."""
        return self.config / "lexicons"

    @property
    def database(self) -> Path:
        """The encrypted store."""
        return self.state / "edged.db"

    @property
    def key_file(self) -> Path:
        """The store's key, or its wrapped slots."""
        return self.state / "db.key"

    @property
    def log_file(self) -> Path:
        """Where a daemon that the command line started writes its log."""
        return self.state / "edged.log"

    @property
    def socket(self) -> Path:
        """The ipc endpoint's file."""
        return self.runtime / "requests"

    @property
    def endpoint(self) -> str:
        """The ipc endpoint."""
        return f"ipc://{self.socket}"

    @property
    def tcp_key_file(self) -> Path:
        """The daemon's CURVE keys for TCP."""
        return self.state / "tcp.key"

    @property
    def owner_token_file(self) -> Path:
        """What the user's own programs show where `access.local_clients` is `pair`."""
        return self.runtime / "owner-token"

    @property
    def lock_file(self) -> Path:
        """Held by the daemon as long as it lives."""
        return self.runtime / "lock"

    @property
    def store_lock_file(self) -> Path:
        """Held likewise, whatever the runtime folder is."""
        return self.state / "lock"

    @property
    def models(self) -> Path:
        """Model files that were put here by hand or pulled."""
        return self.state / "models"


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this user: EDGED_HOME, else systemd's, else the XDG base directories."""
    config, state, runtime, cache = map(Path, find_places(environ))
    return Paths(config=config, state=state, runtime=runtime, cache=cache)


def load(
    paths: Paths,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
) -> Config:
    """The settings from file, environment and flags, later ones winning.

    Args:
        paths: where config.toml lies.
        environ: EDGED_SECTION_NAME=value, for example EDGED_WORKERS_KEEP_ALIVE_MS=0.
        flags: dotted names to values, for example {"jobs.concurrency": 2}.

    Raises:
        ConfigError: a syntax error, an unknown setting, or a value out of range.
    """
    tree = _read_file(paths.config_file)
    for name, value in _from_environment(environ).items():
        _put(tree, name, value)
    for name, flag in (flags or {}).items():
        _put(tree, name, flag)
    try:
        return msgspec.convert(tree, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"setting refused: {error}") from error


def settings(config: Config) -> dict[str, object]:
    """Every setting as a dotted name and its value."""
    tree: dict[str, Any] = msgspec.to_builtins(config)
    flat: dict[str, object] = {}
    for section, values in tree.items():
        for name, value in values.items():
            flat[f"{section}.{name}"] = value
    return flat


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"cannot read config.toml: {error.strerror}") from error
    import tomllib

    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"config.toml is not TOML: {error}") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The EDGED_* variables that name a setting; others (EDGED_HOME, ...) are not settings."""
    names = {f"EDGED_{name.upper().replace('.', '_')}": name for name in settings(Config())}
    return {names[variable]: value for variable, value in environ.items() if variable in names}


def _put(tree: dict[str, Any], name: str, value: object) -> None:
    section, _, field = name.partition(".")
    tree.setdefault(section, {})[field] = value


def cores() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
