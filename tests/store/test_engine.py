import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import apsw
import pytest

from edged import errors
from edged.store import Store, engine, meta, opens, schema

KEY = bytes(range(32))


@pytest.mark.parametrize(
    ("version", "refused"),
    [
        ("3.6.23", False),
        ("3.7.0", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.54.0", False),
        ("4.0", False),
    ],
)
def test_engines_that_can_lose_commits_are_refused(version: str, *, refused: bool) -> None:
    if refused:
        with pytest.raises(errors.Unsupported, match="WAL-reset"):
            engine.refuse_engine(version)
    else:
        engine.refuse_engine(version)


def test_the_engine_that_is_installed_is_a_good_one() -> None:
    engine.refuse_engine(apsw.sqlite_lib_version())


EXPECTED = {
    "FullError": errors.DiskFull,
    "NotADBError": errors.WrongKey,
    "CorruptError": errors.StoreCorrupt,
    "FormatError": errors.StoreCorrupt,
    "BusyError": errors.Busy,
    "LockedError": errors.Busy,
    "CantOpenError": errors.Denied,
    "PermissionsError": errors.Denied,
    "ReadOnlyError": errors.Denied,
    "AuthError": errors.Denied,
    "TooBigError": errors.TooLarge,
    "InterruptError": errors.Cancelled,
    "AbortError": errors.Cancelled,
    "ConstraintError": errors.Conflict,
}


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(apsw).values()
        if isinstance(kind, type) and issubclass(kind, apsw.Error)
    ],
)
def test_every_error_of_the_engine_becomes_one_of_ours(kind: type[apsw.Error]) -> None:
    ours = engine.translate(kind("foreign text /home/user/secret"))

    assert type(ours) is EXPECTED.get(kind.__name__, errors.Internal)
    assert "secret" not in ours.message
    assert ours.fix


@pytest.mark.parametrize("content", [b"just a text", b"x" * 4096, b"\0" * 8192, b"\xff" * 5000])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "edged.db"
    path.write_bytes(content)

    with pytest.raises((errors.WrongKey, errors.StoreCorrupt)):
        Store.open(path, KEY)

    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["edged.db"]


def test_a_plain_sqlite_file_is_named_as_such_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE t(x)")
    plain.commit()
    plain.close()
    before = path.read_bytes()

    with pytest.raises(errors.WrongKey, match="plain SQLite"):
        Store.open(path, KEY)

    assert path.read_bytes() == before


def test_a_damaged_first_page_is_told_from_a_wrong_key(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    Store.open(path, KEY).close()
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)

    with pytest.raises(errors.StoreCorrupt):
        Store.open(path, KEY)
    with pytest.raises(errors.WrongKey):
        Store.open(path, bytes(32))

    assert path.read_bytes() == bytes(content)


def test_a_store_that_was_cut_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    Store.open(path, KEY).close()
    content = path.read_bytes()[:5000]
    path.write_bytes(content)

    with pytest.raises(errors.StoreCorrupt):
        store = Store.open(path, KEY)
        try:
            asyncio.run(store.write(meta.self_test))
        finally:
            store.close()


def test_a_flipped_bit_in_any_page_is_found(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    Store.open(path, KEY, ballast_bytes=0).close()
    whole = path.read_bytes()
    last_page = len(whole) // engine.PAGE_BYTES - 1

    for page in (1, last_page // 2, last_page):
        content = bytearray(whole)
        content[page * engine.PAGE_BYTES + 77] ^= 4
        path.write_bytes(content)
        assert _faults(path)


def _faults(path: Path) -> tuple[str, ...]:
    try:
        store = Store.open(path, KEY, ballast_bytes=0)
    except errors.StoreCorrupt as error:
        return (error.message,)
    faults = asyncio.run(store.check())
    store.close()
    return faults


def test_a_store_of_a_newer_edged_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    Store.open(path, KEY).close()
    newer = engine.connect(path, KEY, "aegis")
    newer.pragma("user_version", schema.NEWEST + 1)
    newer.close()
    before = path.read_bytes()

    with pytest.raises(errors.StoreTooNew):
        Store.open(path, KEY)

    assert path.read_bytes() == before
    assert opens(path, KEY)


def test_an_encrypted_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edged.db"
    path.touch()
    other = engine.connect(path, KEY, "aegis")
    other.execute("CREATE TABLE theirs(x)")
    other.close()

    with pytest.raises(errors.StoreCorrupt, match="another program"):
        Store.open(path, KEY)


@pytest.mark.parametrize("cipher", engine.CIPHERS)
def test_the_cipher_is_recorded_and_honoured_also_when_the_record_is_lost(
    tmp_path: Path, cipher: engine.Cipher
) -> None:
    path = tmp_path / "edged.db"
    Store.open(path, KEY, cipher=cipher).close()
    seal = engine.read_seal(path)
    assert seal is not None
    assert seal.cipher == cipher

    for _ in range(2):
        store = Store.open(path, KEY, cipher="auto")
        assert store.cipher == cipher
        store.close()
        engine.seal_path(path).unlink()


def test_nothing_of_a_store_lies_in_clear_or_open_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    store = Store.open(folder / "edged.db", KEY)
    asyncio.run(store.write(lambda db: meta.put(db, "marker", "a-very-private-marker")))

    for file in folder.iterdir():
        assert b"private-marker" not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    store.close()


def test_a_folder_that_cannot_be_written_is_denied(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(errors.Denied):
        Store.open(tmp_path / "file" / "edged.db", KEY)
