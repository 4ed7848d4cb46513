// How long things take, as a page sees it. The page is isolated, so that its clock has steps of 5 us.

const WINDOW = 8;
const PART = 262144;

// Milliseconds of so many requests, one after the other. parts: base64, the same each time.
export async function trips(raw, body, count, parts = undefined) {
  const taken = [];
  for (let at = 0; at < count; at++) {
    const message = { v: 1, id: `t${serial++}`, body, ...(parts ? { parts } : {}) };
    const started = performance.now();
    raw.port.postMessage(message);
    await raw.reply(message.id);
    taken.push(performance.now() - started);
  }
  return taken;
}

// Milliseconds in which a file went to the echo host, in parts, a window of them on their way.
export async function echoed(raw, file, body) {
  const started = performance.now();
  const under = new Set();
  for (let offset = 0; offset < file.size; offset += PART) {
    const bytes = new Uint8Array(await file.slice(offset, offset + PART).arrayBuffer());
    if (under.size >= WINDOW) await Promise.race(under);
    const id = `e${serial++}`;
    raw.port.postMessage({ v: 1, id, body: { ...body, offset }, parts: [bytes.toBase64()] });
    const sent = raw.reply(id).then(() => under.delete(sent));
    under.add(sent);
  }
  await Promise.all(under);
  return performance.now() - started;
}

// Milliseconds in which a file was uploaded.
export async function uploaded(edged, file) {
  const started = performance.now();
  const { upload_id } = await edged.upload(file);
  const taken = performance.now() - started;
  await edged.request({ type: "upload.drop", upload_id });
  return taken;
}

let serial = 0;
