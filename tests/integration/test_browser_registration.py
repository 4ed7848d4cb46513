"""As a new user tries it: install, doctor; the registered host really starts and finds its daemon."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_daemon import Daemon

NAME = "org.edged.host.json"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the paths are those of Linux")


@pytest.fixture
def user(daemon: Daemon) -> Iterator[Daemon]:
    """A user with a home of their own, who started Chromium and Firefox once."""
    home = Path(tempfile.mkdtemp(prefix="edged-user-", dir="/tmp"))
    for folder in (".config/chromium", ".mozilla/firefox"):
        (home / folder).mkdir(parents=True)
    (home / ".config/chromium/Local State").touch()
    daemon.environ |= {"HOME": str(home), "PATH": f"{home}/bin:{os.environ['PATH']}"}
    for name in ("XDG_CONFIG_HOME", "CHROME_CONFIG_HOME"):
        daemon.environ.pop(name, None)
    yield daemon
    shutil.rmtree(home)


def _manifest(user: Daemon) -> Path:
    return Path(user.environ["HOME"]) / ".config/chromium/NativeMessagingHosts" / NAME


def test_what_was_installed_is_found_in_order_and_answers(user: Daemon) -> None:
    user.start()

    installed = user.run("browser", "install")
    examined = user.json("browser", "doctor")

    here = {one["browser"]: one for one in examined["browsers"] if one["here"]}
    assert installed.returncode == 0
    assert here.keys() >= {"chromium", "firefox"}
    for one in (here["chromium"], here["firefox"]):
        assert one["trial"]["fault"] is None
        assert one["trial"]["version"]


def test_the_doctor_tells_why_the_host_cannot_start_a_daemon(user: Daemon) -> None:
    user.run("browser", "install")
    config = user.paths.config_file
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("[store\n")

    done = user.run("browser", "doctor", "--browser", "chromium", "--json")

    (report,) = (one for one in json.loads(done.stdout)["browsers"] if one["here"])
    assert done.returncode == 1
    assert [note["code"] for note in report["notes"]] == ["config_error"]


def test_a_starting_daemon_leads_browsers_to_itself(user: Daemon) -> None:
    user.run("browser", "install")
    launcher = user.paths.state / "native-host"
    good = launcher.read_bytes()
    launcher.write_text('#!/bin/sh\n# of an older place\nexec /gone/python "$@"\n')

    user.start()

    user.wait(lambda: launcher.read_bytes() == good)
    assert json.loads(_manifest(user).read_bytes())["path"] == str(launcher)
