"""gRPC at a grpc.aio server over one channel: PORT and `sync` or `async`."""

import asyncio
import sys

import grpc  # type: ignore[import-untyped]  # lives in the peer's own environment
import msgpack

from benchmarks.peers import rounds

PATH = "/bench.Health/Check"


def _sync(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(PATH)
        rounds.serve(lambda: msgpack.unpackb(check(b"")))


async def _async(address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        check = channel.unary_unary(PATH)

        async def call() -> object:
            return msgpack.unpackb(await check(b""))

        await rounds.serve_async(call)


def main() -> None:
    """Measure whenever asked."""
    port, kind = sys.argv[1:]
    address = f"127.0.0.1:{port}"
    if kind == "sync":
        _sync(address)
    else:
        asyncio.run(_async(address))


if __name__ == "__main__":
    main()
