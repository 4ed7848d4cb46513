"""gRPC at MLServer over one channel: ADDRESS FILE."""

import sys
import time
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # lives in the peer's own environment
from mlserver.grpc import dataplane_pb2 as messages  # type: ignore[import-not-found]
from mlserver.grpc.dataplane_pb2_grpc import (  # type: ignore[import-not-found]
    GRPCInferenceServiceStub,
)

from benchmarks.peers import rounds

READY_WITHIN_S = 60


def _until_ready(stub: GRPCInferenceServiceStub) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        try:
            if stub.ModelReady(messages.ModelReadyRequest(name="bench")).ready:
                return
        except grpc.RpcError:
            time.sleep(0.1)


def main() -> None:
    """Measure whenever asked."""
    address, file = sys.argv[1:]
    data = Path(file).read_bytes()
    options = [(f"grpc.max_{way}_message_length", 64 * 2**20) for way in ("send", "receive")]
    with grpc.insecure_channel(address, options) as channel:
        stub = GRPCInferenceServiceStub(channel)
        _until_ready(stub)

        def call() -> object:
            tensor = messages.ModelInferRequest.InferInputTensor(
                name="x", datatype="BYTES", shape=[1, 1]
            )
            tensor.contents.bytes_contents.append(data)
            return stub.ModelInfer(messages.ModelInferRequest(model_name="bench", inputs=[tensor]))

        rounds.serve(call)


if __name__ == "__main__":
    main()
