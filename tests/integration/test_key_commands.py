"""The ways to the key, by the command line."""

from pathlib import Path

import pytest
from real_daemon import Daemon

PASSPHRASE = b"correct horse battery"


@pytest.fixture
def passphrase(daemon: Daemon) -> Path:
    """A file that only we can read."""
    file = daemon.home / "passphrase"
    file.touch(mode=0o600)
    file.write_bytes(PASSPHRASE + b"\n")
    return file


def test_a_key_is_made_once(daemon: Daemon) -> None:
    daemon.json("key", "init")

    assert daemon.paths.key_file.stat().st_mode & 0o777 == 0o600
    assert daemon.run("key", "init").returncode == 25
    assert daemon.json("key", "show")["ways"] == ["plain"]


def test_a_wrapped_key_needs_its_passphrase_and_the_store_is_not_touched(
    daemon: Daemon, passphrase: Path
) -> None:
    daemon.start()
    daemon.stop()
    store = daemon.paths.database.read_bytes()

    daemon.json("key", "wrap", "--new-passphrase-file", str(passphrase))
    refused = daemon.run("serve")

    assert refused.returncode == 21
    assert b"passphrase" in refused.stderr
    assert daemon.paths.database.read_bytes() == store
    daemon.start(EDGED_KEYS_PASSPHRASE_FILE=str(passphrase))
    assert daemon.health().status == "ok"


def test_a_wrong_passphrase_is_named(daemon: Daemon, passphrase: Path) -> None:
    daemon.json("key", "init", "--passphrase-file", str(passphrase))
    passphrase.write_bytes(b"something else")
    daemon.environ["EDGED_KEYS_PASSPHRASE_FILE"] = str(passphrase)

    assert daemon.run("serve").returncode == 14


def test_a_wrapped_key_can_be_rotated_and_unwrapped(daemon: Daemon, passphrase: Path) -> None:
    daemon.json("key", "init", "--passphrase-file", str(passphrase))
    daemon.environ["EDGED_KEYS_PASSPHRASE_FILE"] = str(passphrase)
    daemon.start()
    daemon.json("key", "rotate")
    daemon.stop()

    daemon.json("key", "wrap", "--none")
    del daemon.environ["EDGED_KEYS_PASSPHRASE_FILE"]
    daemon.start()

    assert daemon.json("key", "show")["ways"] == ["plain"]
    assert daemon.health().status == "ok"


def test_a_recovery_code_opens_a_key_whose_passphrase_is_lost(
    daemon: Daemon, passphrase: Path
) -> None:
    daemon.start()
    code = daemon.json("key", "recovery")["recovery_code"]
    daemon.stop()
    daemon.json("key", "wrap", "--new-passphrase-file", str(passphrase))

    mistyped = daemon.run("key", "recovery", "--use", input=b"AAAAA-" + code[6:].encode() + b"\n")
    daemon.json("key", "recovery", "--use", input=code.lower().encode() + b"\n")
    daemon.start()

    assert mistyped.returncode == 2
    assert daemon.health().status == "ok"


def test_a_backup_from_before_a_rotation_can_be_restored(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    daemon.json("watch", "add", str(tmp_path))
    copy = tmp_path / "copy.db"
    daemon.json("backup", str(copy))
    daemon.json("watch", "remove", str(tmp_path))
    daemon.json("key", "rotate")
    daemon.stop()

    daemon.json("restore", str(copy))
    daemon.start()

    assert len(daemon.json("watch", "list")["folders"]) == 1


def test_a_key_file_that_others_can_read_is_refused(daemon: Daemon) -> None:
    daemon.json("key", "init")
    daemon.paths.key_file.chmod(0o644)

    refused = daemon.run("serve")

    assert refused.returncode == 18
    assert b"chmod" in refused.stderr
