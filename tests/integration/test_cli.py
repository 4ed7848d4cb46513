"""The command line, as a person or a script meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from real_daemon import Daemon

from edged import __version__
from edged.bridge import endpoint


def test_version_and_help_need_no_daemon(daemon: Daemon) -> None:
    assert daemon.run("--version").stdout.decode().strip() == f"edged {__version__}"
    assert b"transcribe" in daemon.run("--help").stdout
    assert endpoint.holder(daemon.paths) is None


def test_no_start_fails_with_the_status_of_a_daemon_that_is_down(daemon: Daemon) -> None:
    done = daemon.run("status", "--no-start", "--json")

    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == "daemon_down"


def test_a_command_starts_the_daemon_and_says_so(daemon: Daemon) -> None:
    done = daemon.run("status", "--json")
    found = json.loads(done.stdout)
    try:
        assert b"starting the daemon" in done.stderr
        assert found["health"] == "ok"
        assert found["version"] == __version__
        assert found["uptime_s"] >= 0
        assert found["pid"] == endpoint.holder(daemon.paths)
        again = daemon.run("status", "--json")
        assert json.loads(again.stdout)["pid"] == found["pid"]
        assert again.stderr == b""
    finally:
        assert daemon.json("shutdown") == {"stopped": True}
    assert endpoint.holder(daemon.paths) is None
    assert not daemon.paths.socket.exists()


def test_status_and_json_import_neither_rich_nor_asyncio(shared_daemon: Daemon) -> None:
    code = (
        "import sys; from edged.cli import main; status = main.main(sys.argv[1:]);"
        "print(sorted({'rich', 'asyncio', 'numpy', 'apsw'} & set(sys.modules)), file=sys.stderr);"
        "sys.exit(status)"
    )
    for arguments in (["status"], ["health"], ["status", "--json"], ["search", "x", "--json"]):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            env=shared_daemon.environ,
            capture_output=True,
            check=True,
        )
        assert done.stderr.strip() == b"[]", arguments


def test_health_says_what_it_looked_at(shared_daemon: Daemon) -> None:
    found = shared_daemon.json("health")

    assert set(found) >= {
        "status",
        "reasons",
        "models_loaded",
        "queue_depth",
        "last_commit_age_ms",
        "disk_free_bytes",
        "sqlite_version",
        "timestamp",
    }
    assert found["last_commit_age_ms"] is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ("describe",),
        ("metrics",),
        ("recordings", "list"),
        ("jobs", "list"),
        ("jobs", "purge"),
        ("watch", "list"),
        ("models", "list"),
        ("models", "ps"),
        ("models", "show", "silero-v6"),
        ("config",),
        ("search", "nothing"),
    ],
)
def test_every_command_prints_for_programs_and_for_people(
    shared_daemon: Daemon, arguments: tuple[str, ...]
) -> None:
    assert isinstance(shared_daemon.json(*arguments), dict)

    done = shared_daemon.run(*arguments)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("recordings", "show", "nope"), 7),
        (("jobs", "cancel", "nope"), 7),
        (("models", "show", "nope"), 9),
        (("models", "load", "nope"), 9),
        (("transcribe", "/nonexistent/file.wav"), 7),
        (("recordings", "show"), 2),
        (("frobnicate",), 2),
        ((), 2),
    ],
)
def test_what_goes_wrong_has_its_exit_status(
    shared_daemon: Daemon, arguments: tuple[str, ...], status: int
) -> None:
    done = shared_daemon.run(*arguments)

    assert done.returncode == status
    assert done.stderr


def test_a_broken_setting_is_named(daemon: Daemon) -> None:
    daemon.paths.config.mkdir(parents=True)
    daemon.paths.config_file.write_text("[jobs]\nconcurrency = 0\n")
    assert b"jobs.concurrency" in daemon.run("config").stderr
    daemon.paths.config_file.write_text("[jobs]\nconcurency = 2\n")
    assert b"concurency" in daemon.run("config").stderr
    daemon.paths.config_file.write_text("not toml")
    done = daemon.run("status")
    assert done.returncode == 22


def test_settings_come_from_file_and_environment(daemon: Daemon) -> None:
    daemon.paths.config.mkdir(parents=True)
    daemon.paths.config_file.write_text("[jobs]\nconcurrency = 3\nattempts = 7\n")
    daemon.environ["EDGED_JOBS_ATTEMPTS"] = "5"

    found = daemon.json("config")["settings"]

    assert (found["jobs.concurrency"], found["jobs.attempts"]) == (3, 5)


def test_a_reader_that_goes_away_is_no_error(shared_daemon: Daemon) -> None:
    done = subprocess.run(  # noqa: S602 - a pipe is the point
        f"{sys.executable} -P -m edged models list | true",
        shell=True,
        env=shared_daemon.environ,
        capture_output=True,
        check=False,
    )

    assert b"Traceback" not in done.stderr


def test_under_sudo_the_user_is_told_how_to_act_as_the_owner(daemon: Daemon) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    environ = {name: value for name, value in daemon.environ.items() if name != "EDGED_HOME"}
    environ |= {"SUDO_UID": "65534", "HOME": str(daemon.home), "XDG_RUNTIME_DIR": str(daemon.home)}

    done = subprocess.run(
        [sys.executable, "-P", "-m", "edged", "status"],
        env=environ,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 18
    assert b"sudo -u nobody" in done.stderr


def test_another_users_daemon_is_named_as_such(daemon: Daemon) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a folder away")
    daemon.start()
    os.chown(daemon.paths.runtime, 65534, 65534)
    try:
        done = daemon.run("status")
    finally:
        os.chown(daemon.paths.runtime, 0, 0)

    assert done.returncode == 18
    assert b"another user" in done.stderr


def test_sigterm_ends_it_in_order(daemon: Daemon) -> None:
    daemon.start()
    assert daemon.process is not None

    daemon.process.send_signal(signal.SIGTERM)

    assert daemon.process.wait(10) == 0
    assert not daemon.paths.socket.exists()
    assert not Path(f"{daemon.paths.database}-wal").exists()


def test_backup_and_restore_bring_everything_back(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    copy = tmp_path / "copy.db"
    daemon.json("watch", "add", str(tmp_path))
    daemon.json("backup", str(copy))
    assert daemon.run("backup", str(copy)).returncode == 25
    daemon.json("watch", "remove", str(tmp_path))
    assert daemon.run("restore", str(copy)).returncode == 20
    daemon.stop()

    daemon.json("restore", str(copy))
    daemon.start()

    assert [one["path"] for one in daemon.json("watch", "list")["folders"]] == [str(tmp_path)]


def test_keys_are_rotated_while_it_runs_and_while_it_does_not(daemon: Daemon) -> None:
    daemon.start()
    before = daemon.paths.key_file.read_bytes()
    daemon.json("key", "rotate")
    rotated = daemon.paths.key_file.read_bytes()
    assert rotated != before
    assert daemon.health().status == "ok"
    daemon.stop()

    daemon.json("key", "rotate")
    assert daemon.paths.key_file.read_bytes() != rotated
    daemon.start()

    assert daemon.health().status == "ok"
