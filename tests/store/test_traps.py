"""The engine's traps, numbered as in the notes they were measured in; each holds our way around it."""

import asyncio
import os
from pathlib import Path

import apsw
import apsw.bestpractice
import pytest

from edged.errors import ConfigError, DiskFull, WrongKey
from edged.store import Store, engine, meta
from edged.store.schema import NEWEST
from edged.store.writer import _lost

KEY = bytes(range(32))


def _raw(path: Path, *, cipher: str = "chacha20", **pragmas: str) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.pragma("cipher", cipher)
    for name, value in pragmas.items():
        db.pragma(name, value)
    return db


def _new_store(path: Path) -> None:
    Store.open(path, KEY, ballast_bytes=0).close()


@pytest.mark.parametrize("length", [0, 16, 31, 33, 48, 64])
def test_trap_1_a_key_of_another_length_is_refused_and_never_taken_for_a_passphrase(
    tmp_path: Path, length: int
) -> None:
    other = _raw(tmp_path / "raw.db", key="raw:" + "ab" * 31)
    other.execute("CREATE TABLE t(x)")  # the engine takes 62 digits as a passphrase, silently
    other.close()

    with pytest.raises(WrongKey, match="not 32"):
        Store.open(tmp_path / "edged.db", os.urandom(length))

    assert not (tmp_path / "edged.db").exists()


def test_trap_2_the_raw_key_is_used_as_it_is_unlike_hexkey(tmp_path: Path) -> None:
    _new_store(tmp_path / "edged.db")
    cipher = engine.inspect(tmp_path / "edged.db", KEY, newest=NEWEST)

    by_hexkey = _raw(tmp_path / "edged.db", cipher=cipher, hexkey=KEY.hex())
    with pytest.raises(apsw.NotADBError):
        by_hexkey.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    by_hexkey.close()
    by_raw = _raw(tmp_path / "edged.db", cipher=cipher, key=f"x'{KEY.hex()}'")
    assert by_raw.pragma("user_version") == NEWEST
    by_raw.close()


def test_trap_3_the_key_comes_before_every_other_pragma_so_no_plain_header_is_written(
    tmp_path: Path,
) -> None:
    hooks = list(apsw.connection_hooks)
    apsw.bestpractice.apply((apsw.bestpractice.connection_wal,))
    try:
        early = apsw.Connection(str(tmp_path / "plain.db"))
        early.close()
    finally:
        apsw.connection_hooks[:] = hooks
    assert (tmp_path / "plain.db").read_bytes().startswith(engine.PLAIN_HEADER)

    _new_store(tmp_path / "edged.db")

    assert not (tmp_path / "edged.db").read_bytes().startswith(b"SQLite")
    assert apsw.connection_hooks == hooks


def test_trap_4_a_full_disk_is_reported_as_such_and_not_masked_by_the_clean_up(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path / "edged.db", KEY, ballast_bytes=0)

    def fill(db: engine.Connection) -> None:
        db.pragma("max_page_count", int(db.pragma("page_count")) + 4)
        with db:
            meta.put(db, "large", "x" * 100_000)

    with pytest.raises(DiskFull):
        asyncio.run(store.write(fill))

    assert store.disk_full
    store.close()


def test_trap_5_a_wrong_key_is_found_by_reading_for_the_key_pragma_says_ok(
    tmp_path: Path,
) -> None:
    _new_store(tmp_path / "edged.db")
    before = (tmp_path / "edged.db").read_bytes()
    wrong = _raw(tmp_path / "edged.db", cipher="aegis")
    assert wrong.pragma("key", "raw:" + "00" * 32) == "ok"
    wrong.close()

    with pytest.raises(WrongKey):
        Store.open(tmp_path / "edged.db", bytes(32))

    assert (tmp_path / "edged.db").read_bytes() == before


@pytest.mark.parametrize("cipher", ["aes256cbc", "aes128cbc", "rc4", "plain", ""])
def test_trap_6_ciphers_that_authenticate_nothing_are_refused(tmp_path: Path, cipher: str) -> None:
    with pytest.raises(ConfigError):
        Store.open(tmp_path / "edged.db", KEY, cipher=cipher)

    assert set(engine.CIPHERS) == {"aegis", "chacha20"}
    assert not (tmp_path / "edged.db").exists()


def test_trap_7_pragmas_that_do_nothing_are_not_relied_on_and_those_used_took_effect(
    tmp_path: Path,
) -> None:
    _new_store(tmp_path / "edged.db")
    db = engine.connect(tmp_path / "edged.db", KEY, "aegis")

    assert db.pragma("cipher_memory_security") is None
    wanted = {
        "journal_mode": "wal",
        "synchronous": 2,
        "temp_store": 2,
        "secure_delete": 1,
        "mmap_size": 0,
        "trusted_schema": 0,
        "foreign_keys": 1,
        "journal_size_limit": engine.WAL_LIMIT_BYTES,
        "auto_vacuum": 2,
    }
    assert {name: db.pragma(name) or 0 for name in wanted} == wanted
    db.close()


def test_trap_8_a_transaction_takes_the_write_lock_at_its_beginning(tmp_path: Path) -> None:
    """A read that turns into a write fails at once when another writer was faster: ext 517."""
    path = tmp_path / "edged.db"
    store = Store.open(path, KEY, ballast_bytes=0)
    other = engine.connect(path, KEY, store.cipher)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM meta").fetchall()
    asyncio.run(store.write(meta.self_test))
    with pytest.raises(apsw.BusyError) as caught:
        other.execute("DELETE FROM meta")
    assert engine._code(caught.value) == apsw.SQLITE_BUSY_SNAPSHOT
    other.execute("ROLLBACK")

    def read_then_write(db: engine.Connection) -> None:
        seen = meta.get(db, "self_test")
        other.set_busy_timeout(0)
        with pytest.raises(apsw.BusyError):
            other.execute("BEGIN IMMEDIATE")
        meta.put(db, "seen", str(seen))

    asyncio.run(store.write(read_then_write))

    other.close()
    store.close()


def test_trap_9_a_full_disk_error_hidden_in_the_context_of_another_is_found() -> None:
    masked = apsw.SQLError("cannot rollback - no transaction is active")
    masked.__context__ = apsw.FullError("disk is full")

    assert isinstance(_lost(masked), apsw.FullError)


def test_trap_10_nothing_of_ours_installs_apsw_best_practices() -> None:
    sources = Path(engine.__file__).parent.rglob("*.py")

    assert not [source for source in sources if "bestpractice" in source.read_text()]
    assert apsw.connection_hooks == []
