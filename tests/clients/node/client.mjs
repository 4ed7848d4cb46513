// Transcribes one file through a running edged and prints what came back as one JSON object.
// Written from PROTOCOL.md alone:  node client.mjs ENDPOINT FILE
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { decode, encode } from "@msgpack/msgpack";
import { Dealer } from "zeromq";

const ANSWER_LIMIT_MS = 30_000; // silence means that no daemon runs: PROTOCOL.md, Connecting

async function* replies(endpoint, body) {
  const socket = new Dealer({ linger: 0, receiveTimeout: ANSWER_LIMIT_MS, sendTimeout: 5_000 });
  socket.connect(endpoint);
  try {
    const id = randomUUID();
    await socket.send(encode({ v: 1, id, body }));
    for (;;) {
      const [frame] = await socket.receive();
      const envelope = decode(frame);
      if (envelope.parent_id !== id && envelope.parent_id) continue;
      yield envelope.body;
      if (!envelope.more) return;
    }
  } finally {
    socket.close();
  }
}

async function transcribe(endpoint, path) {
  const result = { segments: [], progress: [] };
  for await (const reply of replies(endpoint, { type: "transcribe", path })) {
    switch (reply.type) {
      case "transcript":
        result.segments.push(...reply.segments);
        break;
      case "progress":
        result.progress.push(reply.fraction);
        break;
      case "transcribed":
        Object.assign(result, reply);
        break;
      case "error":
        throw new Error(`${reply.code}: ${reply.message}`);
      default: // accepted, loading, and what a later daemon may add
    }
  }
  return result;
}

const [endpoint, file] = process.argv.slice(2);
if (!file) {
  console.error("usage: node client.mjs ENDPOINT FILE");
  process.exit(2);
}
try {
  console.log(JSON.stringify(await transcribe(endpoint, resolve(file))));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
