"""A bare native-messaging host: says back what it is told, acknowledges what is a part of an upload.

What edged's host is measured beside: the same framing, JSON read and written, nothing behind it.
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
        answer = {"v": 1, "id": "e", "parent_id": message["id"], "body": _answered(message)}
        text = json.dumps(answer, separators=(",", ":")).encode()
        sink.write(LENGTH.pack(len(text)) + text)
        sink.flush()


def _answered(message: dict[str, object]) -> object:
    """A request with parts is acknowledged without them, as an upload's part is."""
    return {"type": "upload_taken"} if message.get("parts") else message["body"]


if __name__ == "__main__":
    main()
