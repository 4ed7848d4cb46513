"""edged's own client asking `infer`: ADDRESS MODEL FILE DTYPE SHAPE (as 1x32)."""

import sys
from pathlib import Path
from typing import get_args

from benchmarks.peers import rounds
from edged.bridge.link import SyncClient
from edged.messages import replies, requests
from edged.messages.records import TensorFacts, TensorType


def main() -> None:
    """Measure whenever asked."""
    address, model, file, dtype, shape = sys.argv[1:]
    data = Path(file).read_bytes()
    (kind,) = (one for one in get_args(TensorType) if one == dtype)
    facts = TensorFacts(name="x", dtype=kind, shape=tuple(map(int, shape.split("x"))))
    request = requests.Infer(model=model, tensors=(facts,))
    with SyncClient(address, answer_within_s=60) as client:

        def call() -> object:
            return client.ask(request, replies.Tensors, (data,))

        rounds.serve(call)


if __name__ == "__main__":
    main()
