// A native port without any library: what is posted, what comes back, how it ended.

const TOLD_EACH = 512 * 1024;

export class Raw {
  // deaf: never says that it has dealt with anything, so that the host's credit is used up.
  constructor(host, { deaf = false } = {}) {
    this.deaf = deaf;
    this.told = 0;
    this.sent = 0;
    this.seen = 0;
    this.pieces = 0;
    this.said = [];
    this.waiting = [];
    this.ended = null;
    this.port = chrome.runtime.connectNative(host);
    this.port.onMessage.addListener((message) => this.#take(message));
    this.port.onDisconnect.addListener(() => {
      this.ended = chrome.runtime.lastError?.message ?? "closed";
      this.waiting.splice(0).forEach((waiting) => waiting.tell(null));
    });
  }

  // The next message that the test accepts, kept ones first; null when the port has ended.
  next(accepts = () => true) {
    const index = this.said.findIndex(accepts);
    if (index >= 0) return Promise.resolve(this.said.splice(index, 1)[0]);
    if (this.ended !== null) return Promise.resolve(null);
    return new Promise((tell) => this.waiting.push({ accepts, tell }));
  }

  // The last reply to one request, its pieces joined; those before it are passed over.
  async ask(id, body, more = {}) {
    this.port.postMessage({ v: 1, id, body, ...more });
    return this.reply(id);
  }

  async reply(id) {
    const text = [];
    for (;;) {
      const message = await this.next((one) => one.parent_id === id || one.piece);
      if (message === null) throw new Error(this.ended);
      if (message.more) continue;
      if (!message.piece) return message;
      this.pieces += 1;
      text.push(message.data);
      if (!message.piece.last) continue;
      const whole = text.join("");
      return { ...JSON.parse(whole), length: whole.length };
    }
  }

  close() {
    this.port.disconnect();
  }

  #take(message) {
    this.seen += 1;
    this.sent = message.sent ?? this.sent;
    if (!this.deaf && message.sent - this.told >= TOLD_EACH) {
      this.told = message.sent;
      this.port.postMessage({ host: { type: "taken", bytes: this.told } });
    }
    const index = this.waiting.findIndex((waiting) => waiting.accepts(message));
    if (index >= 0) this.waiting.splice(index, 1)[0].tell(message);
    else this.said.push(message);
  }
}
