"""LitServe around onnxruntime, raw bytes over HTTP: FILE THREADS WORKERS BATCH; prints its port."""

import socket
import sys
from typing import Annotated

import numpy as np
from fastapi import Body, Response  # type: ignore[import-not-found]
from litserve import LitAPI, LitServer  # type: ignore[import-not-found]

from benchmarks.peers.onnx_model import Array, Model

Octets = Annotated[bytes, Body(media_type="application/octet-stream")]
"""So that FastAPI reads no JSON and LitServe hands the bytes on as they are."""


class Api(LitAPI):  # type: ignore[misc]  # its package is in the peer's environment
    """One graph."""

    def setup(self, device: str) -> None:
        """Open it, in a worker of LitServe's."""
        del device
        self._model = Model(sys.argv[1], int(sys.argv[2]))

    def decode_request(self, request: Octets) -> Array:
        """The body as a tensor."""
        return self._model.array(request)

    def batch(self, inputs: list[Array]) -> Array:
        """Several requests as one."""
        return np.concatenate(inputs)

    def predict(self, array: Array) -> Array:
        """Run."""
        return self._model.run(array)

    def unbatch(self, output: Array) -> list[Array]:
        """One row for each request."""
        return list(np.split(output, len(output)))

    def encode_response(self, output: Array) -> Response:
        """The tensor as a body."""
        return Response(output.tobytes(), media_type="application/octet-stream")


def main() -> None:
    """Serve."""
    workers, batch = int(sys.argv[3]), int(sys.argv[4])
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    api = Api(max_batch_size=max(1, batch), batch_timeout=0.002 if batch else 0.0)
    server = LitServer(api, accelerator="cpu", workers_per_device=workers, fast_queue=True)
    print(port, flush=True)
    server.run(
        host="127.0.0.1",
        port=port,
        log_level="error",
        generate_client_file=False,
        pretty_logs=False,
    )


if __name__ == "__main__":
    main()
