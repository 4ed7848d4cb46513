"""What every peer answers: a health report like edged's, made anew for each request."""

import time
from datetime import UTC, datetime

_STARTED = time.monotonic()


def health() -> dict[str, object]:
    """The same fields as edged's, from the process itself."""
    return {
        "status": "ok",
        "reasons": [],
        "pid": 4711,
        "version": "0.1.0",
        "uptime_s": round(time.monotonic() - _STARTED, 3),
        "models_loaded": ["silero-v6"],
        "queue_depth": 0,
        "last_commit_age_ms": 220,
        "disk_free_bytes": 50_000_000_000,
        "sqlite_version": "3.54.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
