import { expect, test, vi } from "vitest";
import { Edged, fingerprint, newNonce } from "../src";
import vectors from "./fingerprints.json";
import { FakeHost, settle } from "./host";

const ORIGIN = vectors[0]!.identity;
const NONCE = vectors[0]!.nonce;
const WORDS = vectors[0]!.fingerprint;

test.each(vectors)("the daemon's fingerprint of $identity and $nonce", async (vector) => {
  expect(await fingerprint(vector.identity, vector.nonce)).toBe(vector.fingerprint);
});

test("nonces are 32 hexadecimal digits, and none is like another", () => {
  const nonces = Array.from({ length: 100 }, newNonce);

  expect(new Set(nonces).size).toBe(100);
  expect(nonces.every((nonce) => /^[0-9a-f]{32}$/.test(nonce))).toBe(true);
});

async function asked(shown: string[] = []): Promise<{ host: FakeHost; paired: Promise<unknown> }> {
  const host = new FakeHost();
  const edged = new Edged({ name: "test", connect: host.connect });
  const paired = edged.pair({
    scopes: ["speech"],
    nonce: NONCE,
    identity: ORIGIN,
    onPairing: (_client, words) => shown.push(words),
  });
  // WebCrypto answers from a thread of its own.
  await vi.waitFor(() => host.asked, { timeout: 9_000, interval: 5 });
  return { host, paired };
}

test("a client asks with its nonce, shows the words, and gets the decision", async () => {
  const shown: string[] = [];
  const { host, paired } = await asked(shown);
  expect(host.asked.body).toEqual({ type: "pair", name: "test", scopes: ["speech"], nonce: NONCE });

  host.port.reply(host.asked, { type: "pairing", client: { fingerprint: WORDS } } as object, { more: true });
  await settle();
  expect(shown).toEqual([WORDS]);
  host.port.reply(host.asked, { type: "paired", client: { status: "approved" }, token: "" } as object);

  expect(await paired).toEqual({ status: "approved" });
});

test("a client that was approved before is told so at once", async () => {
  const { host, paired } = await asked();

  host.port.reply(host.asked, { type: "paired", client: { status: "approved" }, token: "" } as object);

  expect(await paired).toEqual({ status: "approved" });
});

test("a daemon that shows other words is not paired with, and the request is left", async () => {
  const { host, paired } = await asked();
  const { id } = host.asked;

  host.port.reply(host.asked, { type: "pairing", client: { fingerprint: "other words" } } as object, {
    more: true,
  });

  await expect(paired).rejects.toMatchObject({ code: "denied" });
  expect(host.asked.body).toEqual({ type: "cancel", request_id: id });
});
