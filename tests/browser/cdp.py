"""Chromium, driven over the pipe of its DevTools protocol; nothing but the standard library.

Measured 2026-11-21, Debian's Chromium 156: `Extensions.loadUnpacked` works, and returns when the
extension's pages can be opened, which `--load-extension` does not wait for; the browser ends when the
pipe is closed. A debugger that is attached to a service worker keeps it alive, so tests that end one
attach to pages only.
"""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ANSWER_WITHIN_S = 30.0
END_WITHIN_S = 5.0
POLL_S = 0.02

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-default-browser-check", "--disable-default-apps", "--disable-dev-shm-usage",
    "--no-proxy-server", "--mute-audio", "--force-color-profile=srgb", "--remote-debugging-pipe",
    "--autoplay-policy=no-user-gesture-required", "--lang=en-US",
    # A hidden page must go on as a visible one does: every page but one is hidden here.
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
)  # fmt: skip


def installed() -> str | None:
    """The Chromium of this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class BrowserError(AssertionError):
    """What the browser answered instead of a result."""


class Page:
    """A tab, or another target that a debugger is attached to."""

    def __init__(self, browser: "Chromium", target: str, session: str) -> None:
        self.target = target
        self._browser = browser
        self._session = session

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What a method of the protocol gives for this target."""
        return self._browser.call(method, session=self._session, **arguments)

    def evaluate(self, expression: str, *, within_s: float = ANSWER_WITHIN_S) -> Any:
        """The value of a JavaScript expression, awaited.

        Raises:
            BrowserError: what it threw.
        """
        found = self._browser.call(
            "Runtime.evaluate",
            session=self._session,
            within_s=within_s,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if thrown := found.get("exceptionDetails"):
            said = thrown.get("exception", {})
            raise BrowserError(said.get("description") or str(said.get("value", thrown)))
        return found["result"].get("value")

    def wait(self, expression: str, *, within_s: float = ANSWER_WITHIN_S) -> Any:
        """The first value of the expression that is true."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with contextlib.suppress(BrowserError):
                if found := self.evaluate(expression):
                    return found
            time.sleep(POLL_S)
        seen = self.evaluate("document.body ? document.body.innerText.slice(0, 2000) : ''")
        raise BrowserError(f"not within {within_s} s: {expression}\nthe page says:\n{seen}")

    def text(self) -> str:
        """What can be read on it."""
        found: str = self.evaluate("document.body.innerText")
        return found

    def click(self, selector: str) -> None:
        """Click the middle of an element, as a mouse would, once it is there."""
        quoted = json.dumps(selector)
        self.wait(f"!!document.querySelector({quoted})")
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({quoted}); e.scrollIntoView({{block: 'center'}});"
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Put text into a field, as a keyboard would."""
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def press(self, key: str, *, code: int, text: str = "") -> None:
        """Press and release a key. code: its virtual key code, 13 for Enter. text: what it types."""
        facts = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown", **facts, **({"text": text} if text else {})
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def choose_files(self, selector: str, *files: Path) -> None:
        """Choose files in an `<input type=file>`, which need not be visible."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"no {selector} on the page"
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def drop_files(self, x: float, y: float, *files: Path) -> None:
        """Drag files from outside of the browser and drop them at a point."""
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def size(self, width: int, height: int, *, scale: float = 1) -> None:
        """Give the page so many CSS pixels; scale: how many real ones each has."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def prefer(self, **features: str) -> None:
        """Set media features: `color_scheme="dark"`, `reduced_motion="reduce"`."""
        wanted = [
            {"name": f"prefers-{name.replace('_', '-')}", "value": value}
            for name, value in features.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A picture of it as PNG; whole: also what must be scrolled to."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def navigate(self, url: str) -> None:
        """Go there; returns when the page is loaded."""
        self.call("Page.navigate", url=url)
        self.wait(
            f"location.href.startsWith({json.dumps(url)}) && document.readyState === 'complete'"
        )

    def close(self) -> None:
        """Close the tab, as a user would."""
        with contextlib.suppress(BrowserError):
            self._browser.call("Target.closeTarget", targetId=self.target)


class Chromium:
    """A browser of its own on a profile of its own; close it.

    Args:
        profile: an empty folder; the manifest of a host lies in `NativeMessagingHosts` there.
        extensions: folders of unpacked extensions; `ids` are theirs in that order.
        environ: variables that hosts inherit.
        flags: more of the command line.
    """

    def __init__(
        self,
        profile: Path,
        *,
        extensions: Sequence[Path] = (),
        environ: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        program = installed()
        assert program, "no Chromium here"
        self.profile = profile
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._sending = threading.Lock()
        self.log = profile / "chromium.log"
        command = [program, *FLAGS, f"--user-data-dir={profile}", *flags]
        self._start([*command, "about:blank"], {**os.environ, **(environ or {})})
        self.ids = tuple(self.load(folder) for folder in extensions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The browser's first process."""
        return self._process.pid

    def call(
        self,
        method: str,
        *,
        session: str | None = None,
        within_s: float = ANSWER_WITHIN_S,
        **arguments: Any,
    ) -> dict[str, Any]:
        """What a method of the protocol gives.

        Raises:
            BrowserError: it failed, or nothing came in time.
        """
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": arguments}
        if session is not None:
            message["sessionId"] = session
        answer: queue.Queue[dict[str, Any]] = queue.Queue(1)
        self._answers[number] = answer
        try:
            with self._sending:
                self._to.write(json.dumps(message).encode() + b"\0")
                self._to.flush()
            found = answer.get(timeout=within_s)
        except (queue.Empty, OSError, ValueError):
            raise BrowserError(f"{method}: no answer within {within_s} s; {self._said()}") from None
        finally:
            self._answers.pop(number, None)
        if "error" in found:
            raise BrowserError(f"{method}: {found['error'].get('message')}")
        result: dict[str, Any] = found["result"]
        return result

    def load(self, extension: Path) -> str:
        """Load an unpacked extension, as a developer would; returns its id."""
        found: str = self.call("Extensions.loadUnpacked", path=str(extension))["id"]
        return found

    def open(self, url: str) -> Page:
        """A new tab with that page, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        page = self.attach(target)
        page.navigate(url)
        return page

    def attach(self, target: str) -> Page:
        """A debugger at a target that is there."""
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, target, session)

    def targets(self, kind: str, *, starts: str = "") -> list[dict[str, Any]]:
        """The targets of a kind (`page`, `service_worker`) whose address starts so."""
        found = self.call("Target.getTargets", filter=[{}])["targetInfos"]
        return [one for one in found if one["type"] == kind and one["url"].startswith(starts)]

    def close(self) -> None:
        """End it in order, or else by force; nothing of it is left."""
        with contextlib.suppress(BrowserError):
            if self._process.poll() is None:
                self.call("Browser.close", within_s=END_WITHIN_S)
        with contextlib.suppress(OSError):
            self._to.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_WITHIN_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(END_WITHIN_S)

    def _start(self, command: list[str], environ: dict[str, str]) -> None:
        theirs_in, ours_out = _high_pipe()
        ours_in, theirs_out = _high_pipe()
        # Bash puts them at 3 and 4, where Chromium looks for them; Popen itself cannot renumber.
        joined = ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                joined,
                env=environ,
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._to = os.fdopen(ours_out, "wb")
        self._reader = threading.Thread(target=self._read, args=(ours_in,), daemon=True)
        self._reader.start()

    def _read(self, source: int) -> None:
        with os.fdopen(source, "rb", buffering=0) as stream:
            for text in _messages(stream.read):
                message = json.loads(text)
                waiting = self._answers.get(message.get("id", 0))
                if waiting is not None:
                    waiting.put_nowait(message)

    def _said(self) -> str:
        return self.log.read_text(errors="replace")[-1500:] if self.log.exists() else ""


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not where Chromium's will be."""
    found = []
    for end in os.pipe():
        found.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return found[0], found[1]


def _messages(read: Callable[[int], bytes | None]) -> Iterator[bytes]:
    """The messages of a stream, each ended by NUL, until it ends."""
    pieces: list[bytes] = []
    while data := read(1 << 20):
        *whole, rest = data.split(b"\0")
        for text in whole:
            yield b"".join([*pieces, text])
            pieces = []
        pieces.append(rest)
