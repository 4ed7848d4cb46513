import asyncio
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged import errors, keys
from edged.config import Keys
from edged.keys import keyfile, recovery, wrapping
from edged.store import Store, opens, restore

PLAIN = Keys()


def _load(folder: Path, **options: object) -> bytes:
    arguments: dict[str, object] = {"settings": PLAIN, "opens": opens, "environ": {}} | options
    return keys.load(folder / "db.key", database=folder / "edged.db", **arguments)  # type: ignore[arg-type]  # a test's own defaults


def test_the_first_start_makes_a_key_that_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "state"

    first = _load(folder)

    assert len(first) == 32
    assert _load(folder) == first
    assert stat.S_IMODE((folder / "db.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_store_without_its_key_is_an_error_and_no_key_is_made(tmp_path: Path) -> None:
    (tmp_path / "edged.db").write_bytes(b"x" * 4096)

    with pytest.raises(errors.KeyMissing):
        _load(tmp_path)

    assert not (tmp_path / "db.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    _load(tmp_path)
    (tmp_path / "db.key").chmod(mode)

    with pytest.raises(errors.Denied) as caught:
        _load(tmp_path)

    assert "chmod 600" in caught.value.fix


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    before = _load(tmp_path)

    with pytest.raises(errors.Conflict):
        keys.create(tmp_path / "db.key")

    assert _load(tmp_path) == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"\xff\xfe", b'{"v":1,"slots":[],"salt":"00"}', b"ab" * 32]
)
def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "db.key").write_bytes(content)
    (tmp_path / "db.key").chmod(0o600)

    with pytest.raises(errors.KeyMissing):
        _load(tmp_path)

    assert (tmp_path / "db.key").read_bytes() == content


def test_a_key_file_of_a_newer_edged_is_refused(tmp_path: Path) -> None:
    _load(tmp_path)
    content = json.loads((tmp_path / "db.key").read_text()) | {"v": 2, "new": True}
    (tmp_path / "db.key").write_text(json.dumps(content))

    with pytest.raises(errors.StoreTooNew):
        _load(tmp_path)


@pytest.mark.parametrize(
    "content", [bytes(range(32)), bytes(range(32)).hex().encode(), b"%s\n" % (b"ab" * 32)]
)
def test_a_system_credential_comes_first(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "edged.dbkey").write_bytes(content)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    key = _load(tmp_path, environ=environ)

    assert key in (bytes(range(32)), bytes.fromhex("ab" * 32))
    assert not (tmp_path / "db.key").exists()


@pytest.mark.parametrize("content", [b"", b"short", b"xy" * 32])
def test_a_credential_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "edged.dbkey").write_bytes(content)

    with pytest.raises(errors.KeyMissing):
        _load(tmp_path, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_passphrase_wraps_the_key_without_changing_it(tmp_path: Path) -> None:
    key = _load(tmp_path)
    master = json.loads((tmp_path / "db.key").read_text())["slots"][0]["master"]

    keys.wrap(tmp_path / "db.key", "correct horse")

    assert master not in (tmp_path / "db.key").read_text()
    assert _load(tmp_path, passphrase=lambda: "correct horse") == key
    with pytest.raises(errors.WrongKey):
        _load(tmp_path, passphrase=lambda: "wrong horse")
    with pytest.raises(errors.KeyMissing):
        _load(tmp_path)
    keys.wrap(tmp_path / "db.key", "another one", passphrase=lambda: "correct horse")
    assert _load(tmp_path, passphrase=lambda: "another one") == key
    keys.unwrap(tmp_path / "db.key", passphrase=lambda: "another one")
    assert _load(tmp_path) == key


def test_the_passphrase_comes_from_a_private_file(tmp_path: Path) -> None:
    key = _load(tmp_path)
    keys.wrap(tmp_path / "db.key", "correct horse")
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    settings = Keys(passphrase_file=str(secret))

    assert _load(tmp_path, settings=settings) == key
    secret.chmod(0o644)
    with pytest.raises(errors.Denied):
        _load(tmp_path, settings=settings)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    _load(tmp_path)

    with pytest.raises(errors.BadRequest):
        keys.wrap(tmp_path / "db.key", "short")


def test_a_recovery_code_opens_what_a_forgotten_passphrase_closed(tmp_path: Path) -> None:
    key = _load(tmp_path)
    code = keys.add_recovery(tmp_path / "db.key")
    keys.wrap(tmp_path / "db.key", "forgotten word")
    assert code.replace("-", "") not in (tmp_path / "db.key").read_text()

    keys.recover(tmp_path / "db.key", code.lower().replace("-", " "), new_passphrase="a new word")  # noqa: S106 a test's

    assert _load(tmp_path, passphrase=lambda: "a new word") == key
    keys.recover(tmp_path / "db.key", code)
    assert _load(tmp_path) == key
    with pytest.raises(errors.WrongKey):
        keys.recover(tmp_path / "db.key", recovery.new_code())
    keys.remove_recovery(tmp_path / "db.key")
    with pytest.raises(errors.NotFound):
        keys.recover(tmp_path / "db.key", code)


@given(st.integers(0, 34), st.sampled_from(recovery.ALPHABET))
def test_a_mistyped_symbol_is_nearly_always_noticed(place: int, symbol: str) -> None:
    code = "7F9K2M4X8QW3ZC5V1B6N0HJTDRGSEYPA"
    whole = code + recovery._check(code)
    typed = whole[:place] + symbol + whole[place + 1 :]

    if typed == whole:
        assert recovery.parse(typed) == code
    else:
        with pytest.raises(errors.BadRequest):
            recovery.parse(typed)


def test_codes_are_random_and_read_back_in_any_spelling() -> None:
    codes = {recovery.new_code() for _ in range(50)}

    assert len(codes) == 50
    for code in codes:
        spelled = code.replace("1", "l").replace("0", "o").lower()
        assert recovery.parse(spelled) == recovery.parse(code)


@pytest.mark.parametrize(
    "backend", ["", "file", "plaintext", "chainer", "keyrings.alt.file.PlaintextKeyring", "fail"]
)
def test_keyrings_that_are_not_named_as_good_are_refused(tmp_path: Path, backend: str) -> None:
    _load(tmp_path)
    before = (tmp_path / "db.key").read_bytes()

    with pytest.raises(errors.BadRequest):
        keys.add_keyring(tmp_path / "db.key", backend)

    assert (tmp_path / "db.key").read_bytes() == before


def test_a_keyring_that_does_not_work_here_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    _load(tmp_path)
    before = (tmp_path / "db.key").read_bytes()

    with pytest.raises((errors.Denied, errors.EngineMissing)):
        keys.add_keyring(tmp_path / "db.key", "kwallet")

    assert (tmp_path / "db.key").read_bytes() == before


def test_no_backend_that_keeps_files_can_be_named() -> None:
    names = " ".join(module for module, _ in wrapping.KEYRINGS.values()).lower()

    assert not any(word in names for word in ("alt", "file", "plain", "chain", "crypt", "null"))


def test_the_daemons_side_imports_no_cryptography(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from edged import keys; from edged.config import Keys\n"
        "import edged.store as store\n"
        f"p = Path({str(tmp_path)!r})\n"
        "keys.load(p/'db.key', database=p/'edged.db', settings=Keys(), opens=store.opens,"
        " environ={})\n"
        "keys.wrap(p/'db.key', 'correct horse')\n"
        "print([m for m in ('cryptography', 'keyring', 'numpy', 'rich') if m in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_a_changed_key_keeps_passphrase_and_recovery_code_and_old_keys_for_backups(
    tmp_path: Path,
) -> None:
    old = _load(tmp_path)
    store = Store.open(tmp_path / "edged.db", old)
    code = keys.add_recovery(tmp_path / "db.key")
    keys.wrap(tmp_path / "db.key", "correct horse")

    asyncio.run(
        keys.rotate(
            tmp_path / "db.key",
            store,
            settings=PLAIN,
            passphrase=lambda: "correct horse",
            environ={},
        )
    )
    store.close()

    new = _load(tmp_path, passphrase=lambda: "correct horse")
    assert new != old
    assert opens(tmp_path / "edged.db", new)
    keys.recover(tmp_path / "db.key", code)
    assert keys.candidates(tmp_path / "db.key", settings=PLAIN, environ={}) == (new, old)


def test_a_credential_cannot_be_changed_by_us(tmp_path: Path) -> None:
    (tmp_path / "edged.dbkey").write_bytes(bytes(32))
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    store = Store.open(tmp_path / "edged.db", bytes(32))

    with pytest.raises(errors.Unsupported):
        asyncio.run(keys.rotate(tmp_path / "db.key", store, settings=PLAIN, environ=environ))

    store.close()


ROTATE = """
import asyncio, sys
from pathlib import Path
from edged import keys
from edged.config import Keys
from edged.store import Store, opens
folder = Path(sys.argv[1])
key = keys.load(folder / "db.key", database=folder / "edged.db", settings=Keys(), opens=opens,
    environ={})
store = Store.open(folder / "edged.db", key)
asyncio.run(keys.rotate(folder / "db.key", store, settings=Keys(), environ={}))
"""


@pytest.mark.parametrize("border", ["rotate_copied", "rotate_before_swap", "rotate_after_swap"])
def test_a_change_that_is_killed_leaves_a_key_file_that_opens_the_store(
    tmp_path: Path, border: str
) -> None:
    Store.open(tmp_path / "edged.db", _load(tmp_path)).close()

    done = subprocess.run(
        [sys.executable, "-c", ROTATE, str(tmp_path)],
        env=os.environ | {"EDGED_FAILPOINT": border},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert keyfile.read(tmp_path / "db.key").pending

    key = _load(tmp_path)

    assert keyfile.read(tmp_path / "db.key").pending is None
    store = Store.open(tmp_path / "edged.db", key)
    asyncio.run(keys.rotate(tmp_path / "db.key", store, settings=PLAIN, environ={}))
    store.close()
    assert opens(tmp_path / "edged.db", _load(tmp_path))


def test_a_second_change_waits_until_an_interrupted_one_is_settled(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "edged.db", _load(tmp_path))
    asyncio.run(keys.rotate(tmp_path / "db.key", store, settings=PLAIN, environ={}))
    content = keyfile.read(tmp_path / "db.key")
    pending = msgspec.structs.replace(content, pending=keyfile.new_salt())
    keyfile.replace(tmp_path / "db.key", pending)

    with pytest.raises(errors.Conflict):
        asyncio.run(keys.rotate(tmp_path / "db.key", store, settings=PLAIN, environ={}))

    store.close()
    assert opens(tmp_path / "edged.db", _load(tmp_path))


def test_a_backup_under_an_earlier_key_can_be_restored(tmp_path: Path) -> None:
    key_file, database = tmp_path / "db.key", tmp_path / "edged.db"
    store = Store.open(database, _load(tmp_path))
    asyncio.run(store.backup(tmp_path / "copy.db"))
    asyncio.run(keys.rotate(key_file, store, settings=PLAIN, environ={}))
    asyncio.run(keys.rotate(key_file, store, settings=PLAIN, environ={}))
    store.close()
    present = _load(tmp_path)

    found = keys.candidates(key_file, settings=PLAIN, environ={})
    key = next(key for key in found if opens(tmp_path / "copy.db", key))
    keys.expect(key_file, key, settings=PLAIN)
    assert _load(tmp_path) == present
    keys.expect(key_file, key, settings=PLAIN)
    restore(tmp_path / "copy.db", database, key)

    assert _load(tmp_path) == key
    assert opens(database, key)
    assert present in keys.candidates(key_file, settings=PLAIN, environ={})
