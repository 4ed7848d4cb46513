"""A bare native-messaging host: says back what it is told. What edged's host is measured beside.

The same framing, JSON read and written, nothing behind it. Only `{"type": "take"}` is answered without
the parts that came with it, as an upload's part is acknowledged.
"""

import json
import struct
import sys

LENGTH = struct.Struct("=I")


def main() -> None:
    """Answer until the browser closes the pipe."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        message = json.loads(source.read(LENGTH.unpack(head)[0]))
        message["parent_id"] = message["id"]
        if message["body"]["type"] == "take":
            del message["parts"]
        text = json.dumps(message, separators=(",", ":")).encode()
        sink.write(LENGTH.pack(len(text)) + text)
        sink.flush()


if __name__ == "__main__":
    main()
