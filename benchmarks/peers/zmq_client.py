"""A DEALER at the bare loop: ADDRESS FILE, whose bytes are the input."""

import sys
from pathlib import Path

import zmq

from benchmarks.peers import rounds


def main() -> None:
    """Measure whenever asked."""
    address, file = sys.argv[1:]
    data = Path(file).read_bytes()
    dealer = zmq.Context().socket(zmq.DEALER)
    dealer.connect(address)

    def call() -> object:
        dealer.send(data, copy=False)
        return dealer.recv()

    rounds.serve(call)


if __name__ == "__main__":
    main()
