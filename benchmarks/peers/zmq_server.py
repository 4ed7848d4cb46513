"""The floor: a blocking ROUTER and onnxruntime in one loop. FILE THREADS; prints its address."""

import sys
import tempfile
from pathlib import Path

import zmq

from benchmarks.peers.onnx_model import Model


def main() -> None:
    """Answer every message's last frame with the model's bytes, for ever."""
    model = Model(sys.argv[1], int(sys.argv[2]))
    address = f"ipc://{Path(tempfile.mkdtemp(prefix='edged-bench-')) / 'loop'}"
    router = zmq.Context().socket(zmq.ROUTER)
    router.bind(address)
    print(address, flush=True)
    while True:
        sender, data = router.recv_multipart(copy=False)
        router.send_multipart([sender, model.answer(data.buffer)], copy=False)


if __name__ == "__main__":
    main()
