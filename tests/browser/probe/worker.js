// A service worker that uploads `payload.bin`. It may be ended at any moment: what it must know to go
// on lies in the session's storage, and whoever wakes it again says "upload" again.
import { Edged } from "./client.js";

const edged = new Edged({ name: "probe" });
const kept = chrome.storage.session;

async function upload() {
  const payload = await (await fetch(chrome.runtime.getURL("payload.bin"))).blob();
  const { uploadId } = await kept.get("uploadId");
  return edged.upload(payload, {
    ...(uploadId ? { uploadId } : {}),
    onOpened: (opened) => void kept.set({ uploadId: opened.upload_id, from: opened.received }),
    onProgress: (received) => void kept.set({ received }),
  });
}

chrome.runtime.onMessage.addListener((message) => {
  if (message !== "upload") return;
  upload().then(
    (uploaded) => kept.set({ uploaded }),
    (error) => kept.set({ error: `${error.code}: ${error.message}` }),
  );
});
