"""Key files for TCP."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from edged.bridge import curve_keys
from edged.bridge.curve_keys import ClientKeys
from edged.errors import ConfigError, Conflict, Denied


def _client(endpoint: str = "tcp://127.0.0.1:7077") -> ClientKeys:
    public, secret = curve_keys.new_pair()
    return ClientKeys(endpoint=endpoint, server_key=public, public_key=public, secret_key=secret)


def test_the_daemons_keys_are_made_once_and_only_its_user_can_read_them(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tcp.key"

    first = curve_keys.server_keys(path)

    assert curve_keys.server_keys(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert zmq.curve_public(first.secret_key.encode()).decode() == first.public_key
    assert list(path.parent.iterdir()) == [path]


def test_two_that_make_the_daemons_keys_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(curve_keys.server_keys, [tmp_path / "tcp.key"] * 16))

    assert len(made) == 1


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tcp.key"
    curve_keys.server_keys(path)
    path.chmod(0o644)

    with pytest.raises(Denied, match="read by others"):
        curve_keys.server_keys(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"endpoint": "ipc:///a", "server_key": "a", "public_key": "b", "secret_key": "c"}',
    ],
)
def test_a_damaged_key_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(ConfigError, match="damaged"):
        curve_keys.read_client(path)


def test_a_clients_file_is_read_as_it_was_written_and_never_overwritten(tmp_path: Path) -> None:
    path, keys = tmp_path / "key", _client()

    curve_keys.write_client(path, keys)

    assert curve_keys.read_client(path) == keys
    assert path.read_text() == curve_keys.as_text(keys)
    with pytest.raises(Conflict):
        curve_keys.write_client(path, _client())
    assert curve_keys.read_client(path) == keys
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_missing_or_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as missing:
        curve_keys.read_client(tmp_path / "absent")
    assert "keygen" in missing.value.fix

    with pytest.raises(Denied):
        curve_keys.write_client(tmp_path / "absent" / "key", _client())
