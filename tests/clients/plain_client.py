"""A client written from PROTOCOL.md alone, with nothing of edged: zmq and msgpack.

python plain_client.py ENDPOINT FILE
"""

import json
import sys
from typing import Any

import msgpack
import zmq


def transcribe(endpoint: str, path: str) -> dict[str, Any]:
    """The segments and the last reply of a transcription."""
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    body = {"type": "transcribe", "path": path}
    socket.send(msgpack.packb({"v": 1, "id": "1", "body": body}))
    segments: list[dict[str, Any]] = []
    try:
        while socket.poll(30_000):
            envelope = msgpack.unpackb(socket.recv_multipart()[0])
            reply = envelope["body"]
            if reply["type"] == "transcript":
                segments += reply["segments"]
            if not envelope.get("more", False):
                return {"segments": segments, "end": reply}
        raise TimeoutError("no daemon answers")
    finally:
        socket.close()
        context.term()


if __name__ == "__main__":
    print(json.dumps(transcribe(sys.argv[1], sys.argv[2])))
