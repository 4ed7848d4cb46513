"""Pools with real workers and a fake engine, and what tests ask them."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

WORKERS = Path(__file__).parent.parent / "workers"
sys.path.insert(0, str(WORKERS))  # the fake engine lies with the tests of the workers
from fake_engine import Fake, Question, Reply  # noqa: E402 - needs the line above

from edged import config  # noqa: E402 - likewise
from edged.config import Config, Paths  # noqa: E402 - likewise
from edged.models import catalog  # noqa: E402 - likewise
from edged.models.lease import Lease  # noqa: E402 - likewise
from edged.models.manifest import Engine, Manifest  # noqa: E402 - likewise
from edged.models.pool import Pool  # noqa: E402 - likewise

ENGINES = {
    "fake": Engine(module="fake_engine", packages=()),
    "absent": Engine(module="absent", packages=("edged_no_such_package",), extra="vision"),
}
SOON = 5.0
QUICK = config.Workers(check_ms=20, canary_ms=60_000, call_deadline_ms=5_000)


def model(name: str, **facts: object) -> Manifest:
    plain: dict[str, object] = {
        "id": name,
        "task": "transcribe",
        "engine": "fake",
        "description": "a fake",
        "license": "Apache-2.0",
        "memory_bytes": 1,
    }
    return msgspec.convert(plain | facts, Manifest)


@pytest.fixture(autouse=True)
def only_fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(WORKERS))
    monkeypatch.setattr(catalog, "shipped_folder", lambda: str(tmp_path / "none"))


@contextlib.asynccontextmanager
async def pool_of(
    paths: Paths, *models: Manifest, limits: config.Workers = QUICK, **sections: config.Defaults
) -> AsyncIterator[Pool]:
    """A pool over these models, looked after as in the daemon."""
    paths.manifests.mkdir(parents=True, exist_ok=True)
    for one in models:
        text = _toml(msgspec.to_builtins(one))
        (paths.manifests / f"{one.id}.toml").write_text(text)
    settings = msgspec.structs.replace(Config(workers=limits), **sections)
    pool = Pool(settings, paths, engines=ENGINES)
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(pool.run())
        try:
            yield pool
        finally:
            watch.cancel()
            await pool.close()


def _toml(tree: dict[str, object]) -> str:
    """Enough TOML for a manifest: JSON's scalars and arrays are TOML's; tables come last."""
    tables = {"parameters", "files", "quality"}
    plain = [
        f"{name} = {msgspec.json.encode(value).decode()}"
        for name, value in tree.items()
        if name not in tables and value is not None
    ]
    parameters = tree["parameters"]
    assert isinstance(parameters, dict)
    return "\n".join(
        [
            *plain,
            "[parameters]",
            *(
                f"{name} = {msgspec.json.encode(value).decode()}"
                for name, value in parameters.items()
            ),
        ]
    )


async def until(condition: Callable[[], bool], within_s: float = SOON) -> None:
    """Poll what only the kernel or the pool's watch knows."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.002)


async def who(lease: Lease[Fake], text: str = "") -> Reply:
    return await lease.call(lease.model.who, Question(text=text))


def states(pool: Pool) -> dict[str, str]:
    return {one.id: one.state for one in pool.summaries()}


def codes(pool: Pool) -> list[str]:
    return [one.code for one in pool.reasons()]


def run(scenario: Callable[[], Awaitable[object]]) -> object:
    async def bounded() -> object:
        async with asyncio.timeout(18):
            return await scenario()

    return asyncio.run(bounded())
