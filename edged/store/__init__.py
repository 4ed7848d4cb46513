"""The encrypted store: the only place with SQL. Aggregates are modules of plain functions.

Each takes a connection first and runs inside `Store.write` or `Store.read`:
`await store.write(lambda db: segments.add(db, ...))`.
"""

from edged.store.copies import restore
from edged.store.database import Store, opens
from edged.store.engine import Connection

__all__ = ["Connection", "Store", "opens", "restore"]
