"""MLServer with a runtime of ours around onnxruntime: FILE THREADS WORKERS BATCH; prints its gRPC address.

The tensor travels as one BYTES element: as FP32, MLServer makes a Python list of 150,000 numbers of it.
"""

import asyncio
import socket
import sys
import tempfile

import numpy as np
from mlserver import MLModel, MLServer, ModelSettings, Settings  # type: ignore[import-not-found]
from mlserver.settings import ModelParameters  # type: ignore[import-not-found]
from mlserver.types import (  # type: ignore[import-not-found]
    InferenceRequest,
    InferenceResponse,
    ResponseOutput,
)

from benchmarks.peers.onnx_model import Model


class Runtime(MLModel):  # type: ignore[misc]  # its package is in the peer's environment
    """One graph."""

    async def load(self) -> bool:
        """Open it."""
        file, threads = self.settings.parameters.uri.split("?")
        self._model = Model(file, int(threads))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Run one request, or as many as MLServer gathered."""
        rows = [self._model.array(one) for one in payload.inputs[0].data.root]
        found = self._model.run(np.concatenate(rows) if len(rows) > 1 else rows[0])
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                ResponseOutput(
                    name="y",
                    shape=[len(rows), 1],
                    datatype="BYTES",
                    data=[part.tobytes() for part in np.split(found, len(rows))],
                )
            ],
        )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def _serve(file: str, threads: str, workers: int, batch: int) -> None:
    port = _free_port()
    server = MLServer(
        Settings(
            host="127.0.0.1",
            http_port=_free_port(),
            grpc_port=port,
            metrics_port=_free_port(),
            metrics_dir=tempfile.mkdtemp(prefix="edged-bench-metrics-"),
            parallel_workers=workers,
            debug=False,
            load_models_at_startup=False,
            grpc_max_message_length=64 * 2**20,
        )
    )
    model = ModelSettings(
        name="bench",
        implementation="benchmarks.peers.mlserver_server.Runtime",
        max_batch_size=batch,
        max_batch_time=0.002 if batch else 0.0,
        parameters=ModelParameters(uri=f"{file}?{threads}"),
    )
    print(f"127.0.0.1:{port}", flush=True)
    await server.start([model])


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
