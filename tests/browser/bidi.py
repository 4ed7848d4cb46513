"""Firefox, driven by WebDriver BiDi without geckodriver; nothing but the standard library.

Measured 2026-11-21, firefox-esr 153.7: `--remote-allow-system-access` is what lets a debugger into the
pages of an extension, and the preference below fixes the address at which they lie.
"""

import contextlib
import itertools
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rfc6455 import WebSocket

ANSWER_WITHIN_S = 30.0
START_WITHIN_S = 30.0
END_WITHIN_S = 5.0
POLL_S = 0.02

PREFERENCES: dict[str, Any] = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.min_background_timeout_value": 10,
    "extensions.getAddons.cache.enabled": False,
    "extensions.update.enabled": False,
    "media.autoplay.default": 0,
    "media.getusermedia.insecure.enabled": True,
    "media.navigator.permission.disabled": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}
"""Nothing is fetched; microphone and camera are granted without a question."""


def installed() -> str | None:
    """The Firefox of this machine."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class FirefoxError(AssertionError):
    """What the browser answered instead of a result."""


class Tab:
    """A tab."""

    def __init__(self, browser: "Firefox", context: str) -> None:
        self._browser = browser
        self.context = context

    def navigate(self, url: str) -> None:
        """Go there; returns when the page is loaded."""
        self._browser.call(
            "browsingContext.navigate", context=self.context, url=url, wait="complete"
        )

    def evaluate(self, expression: str, *, within_s: float = ANSWER_WITHIN_S) -> Any:
        """The value of a JavaScript expression, awaited; anything that JSON can carry.

        Raises:
            FirefoxError: what it threw.
        """
        found = self._browser.call(
            "script.evaluate",
            within_s=within_s,
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if found["type"] == "exception":
            raise FirefoxError(found["exceptionDetails"]["text"])
        value = found["result"]
        return json.loads(value["value"]) if value["type"] == "string" else None

    def wait(self, expression: str, *, within_s: float = ANSWER_WITHIN_S) -> Any:
        """The first value of the expression that is true."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with contextlib.suppress(FirefoxError):
                if found := self.evaluate(expression):
                    return found
            time.sleep(POLL_S)
        seen = self.evaluate("document.body ? document.body.innerText.slice(0, 2000) : ''")
        raise FirefoxError(f"not within {within_s} s: {expression}\nthe page says:\n{seen}")

    def click(self, selector: str) -> None:
        """Click an element, as a script would, once it is there."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"!!{element}")
        self.evaluate(f"void {element}.click()")

    def text(self) -> str:
        """What can be read on it."""
        found: str = self.evaluate("document.body.innerText")
        return found


class Firefox:
    """A browser of its own; close it.

    Args:
        home: an empty folder: its HOME, where hosts are looked for in `.mozilla`, and its profile.
        uuids: where the pages of an extension lie: `moz-extension://UUID/`.
        environ: variables that hosts inherit.
    """

    def __init__(
        self, home: Path, *, uuids: Mapping[str, str], environ: Mapping[str, str] | None = None
    ) -> None:
        program = installed()
        assert program, "no Firefox here"
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._log = home / "firefox.log"
        profile = home / "profile"
        profile.mkdir()
        self._prepare(profile, uuids)
        command = [
            program, "--headless", "--no-remote", "--profile", str(profile),
            "--remote-debugging-port=0", "--remote-allow-system-access", "about:blank",
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env={
                    **os.environ,
                    **(environ or {}),
                    "HOME": str(home),
                    "MOZ_CRASHREPORTER_DISABLE": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._socket = WebSocket(self._port(), "/session")
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
            self.call("session.new", capabilities={})
        except BaseException:
            self._kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The browser's first process."""
        return self._process.pid

    def call(
        self, method: str, *, within_s: float = ANSWER_WITHIN_S, **arguments: Any
    ) -> dict[str, Any]:
        """What a command gives.

        Raises:
            FirefoxError: it failed, or nothing came in time.
        """
        number = next(self._numbers)
        answer: queue.Queue[dict[str, Any]] = queue.Queue(1)
        self._answers[number] = answer
        try:
            self._socket.send(json.dumps({"id": number, "method": method, "params": arguments}))
            found = answer.get(timeout=within_s)
        except (queue.Empty, OSError):
            raise FirefoxError(f"{method}: no answer within {within_s} s") from None
        finally:
            self._answers.pop(number, None)
        if found["type"] == "error":
            raise FirefoxError(f"{method}: {found['error']}: {found['message']}")
        result: dict[str, Any] = found["result"]
        return result

    def install(self, extension: Path) -> str:
        """Install an unpacked extension, or a packed one; returns its id."""
        kind = "path" if extension.is_dir() else "archivePath"
        found = self.call(
            "webExtension.install", extensionData={"type": kind, "path": str(extension)}
        )
        name: str = found["extension"]
        return name

    def open(self, url: str) -> Tab:
        """A new tab with that page, loaded."""
        tab = Tab(self, self.call("browsingContext.create", type="tab")["context"])
        tab.navigate(url)
        return tab

    def close(self) -> None:
        """End it; nothing of it is left."""
        with contextlib.suppress(FirefoxError):
            self.call("browser.close", within_s=END_WITHIN_S)
        self._socket.close()
        self._reader.join(END_WITHIN_S)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_WITHIN_S)
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _prepare(self, profile: Path, uuids: Mapping[str, str]) -> None:
        wanted = {**PREFERENCES, "extensions.webextensions.uuids": json.dumps(dict(uuids))}
        lines = (
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in wanted.items()
        )
        (profile / "user.js").write_text("".join(lines))

    def _port(self) -> int:
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            said = self._log.read_text(errors="replace")
            if found := re.search(r"BiDi listening on ws://127\.0\.0\.1:(\d+)", said):
                return int(found[1])
            time.sleep(POLL_S)
        raise FirefoxError(f"it did not start: {self._log.read_text(errors='replace')[-1500:]}")

    def _read(self) -> None:
        while (text := self._socket.receive()) is not None:
            message = json.loads(text)
            waiting = self._answers.get(message.get("id") or 0)
            if waiting is not None:
                waiting.put_nowait(message)
