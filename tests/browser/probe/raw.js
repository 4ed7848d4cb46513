// A native port without any library: what is posted, what comes back, how it ended.

export class Raw {
  constructor(host) {
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

  // The whole reply to one request, its pieces joined.
  async ask(id, body, more = {}) {
    this.port.postMessage({ v: 1, id, body, ...more });
    return this.reply(id);
  }

  async reply(id) {
    const text = [];
    for (;;) {
      const message = await this.next((one) => one.parent_id === id || one.piece);
      if (message === null) throw new Error(this.ended);
      if (!message.piece) return message;
      text.push(message.data);
      if (message.piece.last) return JSON.parse(text.join(""));
    }
  }

  close() {
    this.port.disconnect();
  }

  #take(message) {
    const index = this.waiting.findIndex((waiting) => waiting.accepts(message));
    if (index >= 0) this.waiting.splice(index, 1)[0].tell(message);
    else this.said.push(message);
  }
}
