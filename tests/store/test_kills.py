"""A process that is killed in the middle of writing loses nothing that it acknowledged."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from store_samples import KEY

from edged.store import Store, meta

WRITE = """
import asyncio, sys
from pathlib import Path
from edged.store import Store, meta

async def main():
    store = Store.open(Path(sys.argv[1]), bytes(range(32)))
    number = int(await store.read(lambda db: meta.get(db, "last")) or 0)
    async def write(n):
        def both(db):
            meta.put(db, f"row {n}", "x" * 2000)
            meta.put(db, "last", str(n))
        await store.write(both)
        print(n, flush=True)
    while True:
        await asyncio.gather(*(write(number + n) for n in range(1, 6)))
        number += 5

asyncio.run(main())
"""


def _write_and_kill(path: Path, *, after: int) -> list[int]:
    """Rows that were acknowledged before the kill."""
    arguments = [sys.executable, "-c", WRITE, str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(after)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    return acknowledged


def _survives(path: Path, kills: int) -> None:
    chance = random.Random(kills)
    acknowledged: set[int] = set()
    for _ in range(kills):
        acknowledged |= set(_write_and_kill(path, after=chance.randrange(1, 400)))
    store = Store.open(path, KEY)
    rows = asyncio.run(
        store.read(lambda db: list(db.execute("SELECT name FROM meta WHERE name LIKE 'row %'")))
    )
    assert acknowledged <= {int(name.split()[1]) for (name,) in rows}
    assert asyncio.run(store.check()) == ()
    assert asyncio.run(store.read(lambda db: meta.get(db, "last")))
    store.close()


def test_no_acknowledged_row_is_lost_in_four_kills(tmp_path: Path) -> None:
    _survives(tmp_path / "edged.db", 4)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_acknowledged_row_is_lost_in_sixty_kills(tmp_path: Path) -> None:
    _survives(tmp_path / "edged.db", 60)
