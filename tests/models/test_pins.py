"""Models that stay in memory: remembered, loaded at the start, never ended, told when missing."""

import os
import signal
from pathlib import Path

import msgspec
import pytest
from fake_pools import (  # noqa: F401 - the fixture is used by being there
    QUICK,
    codes,
    model,
    only_fakes,
    pool_of,
    run,
    until,
)

from fake_engine import Fake  # isort: skip - fake_pools says where it lies

from edged.config import Paths
from edged.errors import Conflict, CorruptModel, Denied, ModelMissing
from edged.models import keeping
from edged.models.pins import Pins
from edged.models.pool import Pool


def loaded(pool: Pool) -> set[str]:
    return {one.id for one in pool.loaded(measure=False)}


def pid_of(pool: Pool) -> int:
    return pool.loaded(measure=False)[0].pid


def remember(paths: Paths, *models: str) -> None:
    paths.state.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.encode({"version": 1, "models": models})
    (paths.state / "pins.json").write_bytes(text)


def test_a_pinned_model_never_expires_and_says_so(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, keep_alive_ms=0)
        async with pool_of(paths, model("a"), model("b"), limits=limits) as pool:
            await pool.pin("a")
            await pool.load("b")
            async with pool.borrow("a", Fake, keep_alive_ms=0):
                pass
            await until(lambda: loaded(pool) == {"a"})
            (record,) = pool.loaded()
            assert record.pinned
            assert record.expires_at is None
            assert {one.id: one.pinned for one in pool.summaries()} == {"a": True, "b": False}

    run(scenario)


def test_a_pinned_model_is_loaded_at_every_start(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.pin("a")
        async with pool_of(paths, model("a")) as pool:
            assert loaded(pool) == set()  # nobody waits for it
            await until(lambda: loaded(pool) == {"a"})
            assert pool.loaded()[0].pinned

    run(scenario)


def test_a_model_that_is_let_go_leaves_as_others_do(paths: Paths) -> None:
    async def scenario() -> None:
        limits = msgspec.structs.replace(QUICK, keep_alive_ms=10)
        async with pool_of(paths, model("a"), limits=limits) as pool:
            await pool.pin("a")
            with pytest.raises(Conflict, match="pinned"):
                await pool.unload("a")
            await pool.unpin("a")
            await until(lambda: not loaded(pool))
        async with pool_of(paths, model("a"), limits=limits) as pool:
            assert not pool._pins.models

    run(scenario)


def test_a_pinned_model_whose_worker_dies_is_loaded_again(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.pin("a")
            before = pid_of(pool)
            os.kill(before, signal.SIGKILL)
            await until(lambda: bool(loaded(pool)) and pid_of(pool) != before)

    run(scenario)


def test_a_pinned_model_that_changes_is_loaded_anew_and_stays_pinned(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            await pool.pin("a")
            pool.adopt([model("a", parameters={"canary": "7"})], [])
            await until(lambda: len(pool._slots) == 1 and loaded(pool) == {"a"})
            assert pool._by_model["a"].loaded["a"].canary == "7"
            assert pool.loaded()[0].pinned

    run(scenario)


def test_a_pinned_model_that_is_gone_is_told_and_can_be_let_go(paths: Paths) -> None:
    remember(paths, "gone", "absent", "a")

    async def scenario() -> None:
        async with pool_of(paths, model("a"), model("absent", engine="absent")) as pool:
            await until(lambda: loaded(pool) == {"a"} and len(pool.reasons()) == 2)
            assert codes(pool) == ["engine_missing", "model_missing"]
            assert "gone is pinned and not in memory" in pool.reasons()[1].message
            assert "edged models pin gone --off" in pool.reasons()[1].fix
            await pool.unpin("gone")
            await pool.unpin("absent")
            assert codes(pool) == []
            with pytest.raises(ModelMissing):
                await pool.unpin("gone")

    run(scenario)


def test_a_pinned_model_that_comes_back_is_loaded(paths: Paths) -> None:
    remember(paths, "a")

    async def scenario() -> None:
        async with pool_of(paths) as pool:
            await until(lambda: codes(pool) == ["model_missing"])
            pool.adopt([model("a")], [])
            await until(lambda: loaded(pool) == {"a"})
            assert codes(pool) == []

    run(scenario)


def test_one_that_cannot_be_loaded_is_tried_less_and_less_often(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(paths, "broken")
    monkeypatch.setattr(keeping, "LOOK_S", 0.01)

    async def scenario() -> None:
        async with pool_of(paths, model("broken", canary="43")) as pool:
            await until(lambda: pool._keeping._wait_s.get("broken", 0) >= 0.04)
            assert "corrupt_model" in codes(pool)

    run(scenario)


def test_what_cannot_be_loaded_is_not_pinned(paths: Paths) -> None:
    async def scenario() -> None:
        async with pool_of(paths, model("broken", canary="43")) as pool:
            with pytest.raises(CorruptModel):
                await pool.pin("broken")
            with pytest.raises(ModelMissing):
                await pool.pin("unknown")
            assert not (paths.state / "pins.json").exists()

    run(scenario)


# --- the file ---


def test_pins_are_written_as_a_whole_and_read_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        pins = Pins(tmp_path / "state" / "pins.json")
        await pins.put("b", pinned=True)
        await pins.put("a", pinned=True)
        await pins.put("a", pinned=True)
        await pins.put("unknown", pinned=False)
        assert [one.name for one in (tmp_path / "state").iterdir()] == ["pins.json"]

    run(scenario)
    assert Pins(tmp_path / "state" / "pins.json").models == {"a", "b"}


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"models": [7]}', b'{"models": ["../x"]}', b"\xff\xfe"]
)
def test_a_file_that_is_no_list_of_models_pins_none_and_is_told(paths: Paths, text: bytes) -> None:
    remember(paths)
    (paths.state / "pins.json").write_bytes(text)

    async def scenario() -> None:
        async with pool_of(paths, model("a")) as pool:
            assert codes(pool) == ["config_error"]
            await pool.pin("a")
            assert codes(pool) == []

    run(scenario)
    assert Pins(paths.state / "pins.json").models == {"a"}


def test_a_folder_that_cannot_be_written_keeps_what_was_pinned(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def scenario() -> None:
        pins = Pins(tmp_path / "file" / "pins.json")
        with pytest.raises(Denied, match="pins.json cannot be written"):
            await pins.put("a", pinned=True)
        assert pins.models == frozenset()

    run(scenario)
