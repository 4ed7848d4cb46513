"""httpx at LitServe over one kept connection: PORT FILE."""

import sys
import time
from pathlib import Path

import httpx  # type: ignore[import-not-found]  # lives in the peer's own environment

from benchmarks.peers import rounds

READY_WITHIN_S = 60
OCTETS = {"content-type": "application/octet-stream"}


def _until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if client.get("/health").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            time.sleep(0.1)


def main() -> None:
    """Measure whenever asked."""
    port, file = sys.argv[1:]
    data = Path(file).read_bytes()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        _until_ready(client)

        def call() -> object:
            return client.post("/predict", content=data, headers=OCTETS).raise_for_status().content

        rounds.serve(call)


if __name__ == "__main__":
    main()
