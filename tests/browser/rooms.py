"""A browser with edged's extension, a probe and a foreign one; beside it a real daemon."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from bidi import Firefox, Tab
from cdp import Chromium, Page

INTEGRATION = Path(__file__).parent.parent / "integration"
sys.path.insert(0, str(INTEGRATION))  # real daemons lie with the tests that are about them
from real_daemon import Daemon  # noqa: E402 - needs the line above

from edged.bridge import endpoint  # noqa: E402 - likewise
from edged.bridge.browsers.identity import CHROMIUM_ID, FIREFOX_ID, HOST_NAME  # noqa: E402 - likewise

HERE = Path(__file__).parent
PROBE = HERE / "probe"
ECHO_NAME = "org.edged.echo"
"""A host that says back what it is told, without a daemon."""

PANEL = f"chrome-extension://{CHROMIUM_ID}/panel/panel.html"
CAMERA = f"chrome-extension://{CHROMIUM_ID}/camera/camera.html"
EVERYTHING = (
    "vision", "speech", "language", "capture.microphone", "capture.camera", "capture.screen",
    "results.read", "results.delete", "models.read", "models.manage",
)  # fmt: skip


def id_of_folder(folder: Path) -> str:
    """The id that Chromium gives an unpacked extension without a key: from where it lies."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:32]
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest)


def launcher(folder: Path, *arguments: str) -> Path:
    """A program that runs this Python with these arguments; a manifest can name no arguments."""
    path = folder / f"host-{hashlib.sha256(repr(arguments).encode()).hexdigest()[:8]}"
    words = " ".join(f"'{word}'" for word in (sys.executable, *arguments))
    path.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def manifest(name: str, program: Path, **allowed: Sequence[str]) -> str:
    """A native-messaging host's manifest. allowed: `allowed_origins` or `allowed_extensions`."""
    facts = {"name": name, "description": "edged", "path": str(program), "type": "stdio"}
    return json.dumps({**facts, **allowed})


class Room:
    """Chromium with three extensions, and a daemon on a home that the browser's hosts find.

    The panel's id and the probe's are in the host's manifest, the foreign one's is not. Nobody is
    paired at first. Close it.

    Args:
        built: the built extension, with `chromium` in it; None goes without it.
        library: `@edged/client` as one module, for the probe.
        flags: more for Chromium's command line.
        settings: EDGED_* variables.
    """

    def __init__(
        self,
        built: Path | None,
        library: Path | None,
        *,
        flags: Sequence[str] = (),
        **settings: str,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="edged-browser-", dir="/tmp"))
        home = self.folder / "home"
        home.mkdir()
        self.daemon = Daemon(home, **settings)
        # Where Chromium looks for hosts of its user: that folder is a profile of its own kind.
        self.profile = self.folder / ".config" / "chromium"
        self.profile.mkdir(parents=True)
        self.probe = self._copied("probe", library)
        self.foreign = self._copied("foreign", library)
        self.probe_origin = f"chrome-extension://{id_of_folder(self.probe)}/"
        self.foreign_origin = f"chrome-extension://{id_of_folder(self.foreign)}/"
        self._built = built
        self._flags = flags
        self._browser: Chromium | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def browser(self) -> Chromium:
        """The running browser; it starts with the first use."""
        if self._browser is None:
            self._browser = self._started()
        return self._browser

    def panel(self) -> Page:
        """The side panel in a tab."""
        return self.browser.open(PANEL)

    def probe_page(self) -> Page:
        """A page of the probe, with `library` and `Raw` at hand."""
        return self._page(self.probe_origin)

    def foreign_page(self) -> Page:
        """A page of the extension that no manifest names."""
        return self._page(self.foreign_origin)

    def clients(self, status: str | None = None) -> list[dict[str, Any]]:
        """The clients that the daemon knows, as `edged clients list` tells."""
        found: list[dict[str, Any]] = self.daemon.json("clients", "list")["clients"]
        return [one for one in found if status in {None, one["status"]}]

    def client(self, identity: str) -> dict[str, Any] | None:
        """The client with that origin, when it asked already."""
        return next((one for one in self.clients() if one["identity"] == identity), None)

    def approve(self, identity: str, *scopes: str) -> None:
        """Approve the pending client with that origin, as a user does in a terminal."""
        found = self.wait(lambda: self.client(identity))
        wanted = ",".join(scopes or EVERYTHING)
        self.daemon.json("clients", "approve", found["client_id"], "--scopes", wanted)

    def admit_probe(self) -> None:
        """Pair the probe, unless it is paired: it asks, and the user approves in a terminal."""
        found = self.client(self.probe_origin)
        if found is not None and found["status"] == "approved":
            return
        page = self.probe_page()
        body = {"type": "pair", "name": "probe", "scopes": EVERYTHING, "nonce": "0f" * 16}
        page.evaluate(f"void (globalThis.raw = new Raw('{HOST_NAME}'))")
        page.evaluate(f"void raw.port.postMessage({{v: 1, id: 'pair', body: {json.dumps(body)}}})")
        self.approve(self.probe_origin)
        page.evaluate("raw.next((one) => one.body?.type === 'paired')")
        page.close()

    def doctor(self) -> str:
        """What `edged browser doctor` says of this browser; nothing may be wrong."""
        done = as_user(self.daemon, self.folder, "browser", "doctor", "--browser", "chromium")
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout.decode()

    def shut_down(self) -> None:
        """End the daemon, whoever started it."""
        assert self.daemon.run("shutdown").returncode == 0
        self.wait(lambda: self.holder() is None)
        self.daemon.kill()

    def forget_all(self) -> None:
        """Make everybody a stranger again, with a daemon running and nothing kept by the panel."""
        if self.holder() is None:
            self.daemon.kill()
            self.daemon.start()
        for one in self.clients():
            self.daemon.json("clients", "forget", one["client_id"])
        if self._built is not None:
            page = self.browser.open(PANEL)
            page.evaluate("chrome.storage.local.clear()")
            page.close()

    def holder(self) -> int | None:
        """The pid of the daemon that runs now, whoever started it."""
        return endpoint.holder(self.daemon.paths)

    def hosts(self) -> set[int]:
        """The pids of the hosts that this browser runs now."""
        return {pid for pid in _processes() if _runs(pid, b"edged.bridge.native", self.daemon.home)}

    def wait(self, condition: Callable[[], Any], within_s: float = 30.0) -> Any:
        """The first true answer."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError(f"it did not happen within {within_s} s")

    def close(self) -> None:
        """End browser and daemon, whoever started it; nothing is left."""
        try:
            if self._browser is not None:
                self._browser.close()
        finally:
            end_daemon(self.daemon)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _started(self) -> Chromium:
        self._register()
        extensions = [self.probe, self.foreign]
        if self._built is not None:
            extensions.insert(0, self._built / "chromium")
        return Chromium(
            self.profile,
            extensions=extensions,
            environ=at_home(self.daemon, self.folder),
            flags=self._flags,
        )

    def _register(self) -> None:
        """Tell Chromium of the host, as a user does; of the echo host, by hand."""
        register(self.daemon, self.folder, "chromium", id_of_folder(self.probe))
        echo = launcher(self.folder, str(HERE / "echo_host.py"))
        text = manifest(ECHO_NAME, echo, allowed_origins=[self.probe_origin])
        (self.profile / "NativeMessagingHosts" / f"{ECHO_NAME}.json").write_text(text)

    def _copied(self, name: str, library: Path | None) -> Path:
        folder = self.folder / name
        shutil.copytree(PROBE, folder)
        if library is not None:
            shutil.copyfile(library, folder / "client.js")
        return folder

    def _page(self, origin: str) -> Page:
        page = self.browser.open(f"{origin}page.html")
        page.wait("globalThis.ready === true")
        return page


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever had to itself and shared, resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return (
        int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
        * 1024
    )


PROBE_IN_FIREFOX = "probe@edged.org"


class FirefoxRoom:
    """Firefox with edged's extension and a probe, and a daemon on a home that its hosts find. Close it.

    Args:
        built: the built extension, with `firefox` in it; None goes without it.
        library: `@edged/client` as one module, for the probe.
        environ: more variables, such as those that lead to a sound server.
    """

    panel_id = FIREFOX_ID
    probe_id = PROBE_IN_FIREFOX

    def __init__(self, built: Path | None, library: Path, **environ: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="edged-firefox-", dir="/tmp"))
        home = self.folder / "home"
        home.mkdir()
        self.daemon = Daemon(home)
        self.probe = self.folder / "probe"
        shutil.copytree(PROBE, self.probe)
        shutil.copyfile(library, self.probe / "client.js")
        self._in_its_words()
        (self.folder / ".mozilla").mkdir()
        register(self.daemon, self.folder, "firefox", PROBE_IN_FIREFOX)
        self._uuids = {name: str(uuid.uuid4()) for name in (FIREFOX_ID, PROBE_IN_FIREFOX)}
        self.browser = Firefox(
            self.folder, uuids=self._uuids, environ={**self.daemon.environ, **environ}
        )
        self.browser.install(self.probe)
        if built is not None:
            self.browser.install(built / "edged-firefox.xpi")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def probe_page(self) -> Tab:
        """A page of the probe, with `library` and `Raw` at hand."""
        tab = self.browser.open(f"moz-extension://{self._uuids[PROBE_IN_FIREFOX]}/page.html")
        tab.wait("globalThis.ready === true")
        return tab

    def client(self, identity: str) -> dict[str, Any] | None:
        """The client with that add-on id, when it asked already."""
        found = self.daemon.json("clients", "list")["clients"]
        return next((one for one in found if one["identity"] == identity), None)

    def panel(self) -> Tab:
        """The sidebar in a tab."""
        return self.browser.open(f"moz-extension://{self._uuids[FIREFOX_ID]}/panel/panel.html")

    def close(self) -> None:
        """End browser and daemon; nothing is left."""
        try:
            self.browser.close()
        finally:
            end_daemon(self.daemon)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _in_its_words(self) -> None:
        """Firefox has event pages where Chromium has service workers, and ids that are chosen."""
        path = self.probe / "manifest.json"
        facts = json.loads(path.read_text())
        facts["background"] = {"scripts": ["worker.js"], "type": "module"}
        facts["browser_specific_settings"] = {"gecko": {"id": PROBE_IN_FIREFOX}}
        path.write_text(json.dumps(facts))


def at_home(daemon: Daemon, home: Path) -> dict[str, str]:
    """The daemon's variables, for somebody whose HOME that is."""
    found = {**daemon.environ, "HOME": str(home)}
    found.pop("XDG_CONFIG_HOME", None)
    return found


def as_user(daemon: Daemon, home: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """What an `edged` command gives somebody whose HOME that is."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "edged", *words],
        env=at_home(daemon, home),
        capture_output=True,
        timeout=30,
        check=False,
    )


def register(daemon: Daemon, home: Path, browser: str, *extensions: str) -> None:
    """`edged browser install` for a browser whose user lives there."""
    more = [word for one in extensions for word in ("--extension-id", one)]
    done = as_user(daemon, home, "browser", "install", "--browser", browser, *more)
    assert done.returncode == 0, done.stderr


def end_daemon(daemon: Daemon) -> None:
    """End it, and any that a host started in its home, even one that does not serve yet."""
    daemon.kill()
    for pid in _processes():
        if _runs(pid, b"serve", daemon.home):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _runs(pid: int, word: bytes, home: Path) -> bool:
    """Whether a process was started with such a word in its command, for this home."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        environ = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return word in command and f"EDGED_HOME={home}\0".encode() in environ
