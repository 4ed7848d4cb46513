"""httpx at a FastAPI server, one kept-alive connection: PORT and `sync` or `async`."""

import asyncio
import sys

import httpx  # type: ignore[import-not-found]  # lives in the peer's own environment

from benchmarks.peers import rounds


def _sync(address: str) -> None:
    with httpx.Client(base_url=address, trust_env=False) as client:
        rounds.serve(lambda: client.get("/health").json())


async def _async(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:

        async def call() -> object:
            return (await client.get("/health")).json()

        await rounds.serve_async(call)


def main() -> None:
    """Measure whenever asked."""
    port, kind = sys.argv[1:]
    address = f"http://127.0.0.1:{port}"
    if kind == "sync":
        _sync(address)
    else:
        asyncio.run(_async(address))


if __name__ == "__main__":
    main()
