"""FastAPI on uvicorn at a free port of the loopback: GET /health answers JSON; prints the port."""

import socket

import fastapi  # type: ignore[import-not-found]  # lives in the peer's own environment
import uvicorn  # type: ignore[import-not-found]  # likewise

from benchmarks.peers.report import health


async def answer() -> dict[str, object]:
    """The route."""
    return health()


def main() -> None:
    """Serve until killed."""
    app = fastapi.FastAPI()
    app.add_api_route("/health", answer)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # With the protocol named asyncio sets TCP_NODELAY; without it every answer would take 44 ms.
    listener.bind(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
