"""Browsers with the extension, each skipped with its reason where something is not here."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bidi
import builds
import cdp
import made_media
import panels
import pytest
import small_graphs
from pulse import Pulse, sound_server
from rooms import FirefoxRoom, Room

MODELS = (
    "blobs", "face-detector-short-range", "face-iris", "face-mesh", "hand-landmarker", "holistic",
    "iris-landmark", "pose-landmarker-full",
)  # fmt: skip


@pytest.fixture(scope="session")
def built() -> Path:
    """The extension, built from what is here."""
    if (reason := builds.lacking()) is not None:
        pytest.skip(reason)
    return builds.built()


@pytest.fixture(scope="session")
def chromium_build(built: Path) -> Path:
    """The same, where there is a Chromium to load it."""
    if cdp.installed() is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return built


@pytest.fixture(scope="session")
def firefox_build(built: Path) -> Path:
    """The same, where there is a Firefox to install it."""
    if bidi.installed() is None:
        pytest.skip("no Firefox here: apt-get install firefox-esr")
    return built


@pytest.fixture(scope="session")
def media() -> Iterator[Path]:
    """A folder with `speech.wav`, `talk.wav` (two sentences) and `portrait.y4m`."""
    if not made_media.has_flite():
        pytest.skip("no flite here: apt-get install flite")
    folder = Path(tempfile.mkdtemp(prefix="edged-media-", dir="/tmp"))
    made_media.speech(folder / "speech.wav")
    made_media.speech(folder / "talk.wav", made_media.BEFORE, made_media.SAID)
    made_media.portrait(folder / "portrait.y4m")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def room(chromium_build: Path, media: Path) -> Iterator[Room]:
    """A running browser and daemon with the panel and the probe approved; leave them as they are."""
    flags = panels.devices(media / "speech.wav", media / "portrait.y4m")
    with Room(chromium_build, builds.LIBRARY, flags=flags) as room:
        _install_doubler(room)
        room.daemon.start()
        yield room


@pytest.fixture(scope="session")
def sighted(room: Room, pulled: Path) -> Room:
    """The same room, whose daemon has the models that see."""
    room.shut_down()
    for model in MODELS:
        if (pulled / model).is_dir():
            shutil.copytree(pulled / model, room.daemon.paths.models / model, dirs_exist_ok=True)
    room.daemon.start()
    return room


@pytest.fixture
def strange(room: Room) -> Room:
    """The same room, to whose daemon nobody is known."""
    room.forget_all()
    return room


@pytest.fixture(scope="module")  # it costs a twentieth of a core as long as it runs
def firefox_sound() -> Iterator[Pulse]:
    """The sound server that Firefox has its microphone from: it has no flag for a made-up one."""
    with sound_server() as server:
        yield server


@pytest.fixture(scope="module")
def firefox_room(firefox_build: Path, firefox_sound: Pulse) -> Iterator[FirefoxRoom]:
    """A running Firefox and daemon, nobody paired at first."""
    with FirefoxRoom(firefox_build, builds.LIBRARY, **firefox_sound.env) as room:
        room.daemon.start()
        yield room


def _install_doubler(room: Room) -> None:
    """A graph that gives twice what it is given, n x 3 of float32; before the daemon starts."""
    folder = room.daemon.paths.manifests
    folder.mkdir(parents=True, exist_ok=True)
    graph = small_graphs.doubler(room.folder / "doubler.onnx")
    digest = hashlib.sha256(graph.read_bytes()).hexdigest()
    (folder / "doubler.toml").write_text(
        'id = "doubler"\ntask = "infer"\nengine = "onnx"\ndescription = "y = 2 x"\n'
        'license = "Apache-2.0"\nmemory_bytes = 1_000_000\n'
        f'[[files]]\nname = "model.onnx"\npath = "{graph}"\nsha256 = "{digest}"\n'
    )
