"""grpc.aio at a free port of the loopback: one unary method, its answer in MessagePack.

A generic handler without protobuf, which is gRPC at its quickest. Prints the port.
"""

import asyncio

import grpc  # type: ignore[import-untyped]  # lives in the peer's own environment
import msgpack

from benchmarks.peers.report import health

SERVICE = "bench.Health"
METHOD = "Check"


async def _answer(_request: bytes, _context: object) -> bytes:
    packed: bytes = msgpack.packb(health())
    return packed


async def _serve() -> None:
    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(_answer)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve())
