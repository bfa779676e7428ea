/**
 * One link between two equal ends: each may export contracts, each may call. Comes in: a duplex stream (a unix socket, a
 * child's channel). Goes out: ports to what the other end exports. Called by `serve.ts`, `dial.ts` and the isolation of plugins.
 */
import type { Duplex } from 'node:stream';
import type { Contract } from '../contracts/define.js';
import { CoreError, toCoreError } from '../errors/index.js';
import { IncomingCalls, resolveExports, type Export } from './incoming.js';
import { OutgoingCalls } from './outgoing.js';
import { makePort } from './port.js';
import * as protocol from './protocol.js';
import { checkHello, DEFAULT_LIMITS, PROTOCOL_VERSION, type Frame, type Hello, type Identity, type Limits } from './protocol.js';
import { Wire } from './wire.js';

/** Who the other end says it is, and what it offers. */
export interface Peer {
  readonly identity: Identity;
  /** `[id, version]` of its contracts. */
  readonly exports: ReadonlyArray<readonly [id: string, version: number]>;
}

export interface LinkOptions {
  readonly exports?: readonly Export[] | undefined;
  readonly identity?: Partial<Identity> | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Throws to refuse the other end, before anything is exported to it. Only one end of a link may have it. */
  readonly authorize?: ((peer: Peer) => void | Promise<void>) | undefined;
}

export interface Link {
  /**
   * Settles when both ends have said hello. Rejects with `E_PROTOCOL` (versions differ; the message has both), `E_REFUSED`,
   * `E_TIMEOUT` or `E_CLOSED`.
   */
  handshake(): Promise<Peer>;
  /** The other end's implementation of the contract. Throws `E_STATE` before the handshake, `E_UNPROVIDED` when it has none of that version. */
  port<T>(contract: Contract<T>): T;
  /** Why the link ended, once it has. */
  readonly reason: CoreError | undefined;
  /** Settles, never rejects, when the link has ended and nothing of it is left. */
  readonly closed: Promise<void>;
  /** Fails every call in flight with `E_CLOSED`, aborts what the other end had asked for, and closes the stream. */
  close(): Promise<void>;
}

/** Begins to speak at once. Throws `E_PLUGIN` when an implementation lacks a method of its contract. */
export function createLink(duplex: Duplex, options: LinkOptions = {}): Link {
  return new WireLink(duplex, options);
}

class WireLink implements Link {
  readonly #options: LinkOptions;
  readonly #limits: Limits;
  readonly #wire: Wire;
  readonly #incoming: IncomingCalls;
  readonly #outgoing: OutgoingCalls;
  readonly #handshake: Promise<Peer>;
  readonly #handshakeTimer: NodeJS.Timeout;
  #shake!: { resolve(peer: Peer): void; reject(error: CoreError): void };
  #peer: Peer | undefined;
  #greeted = false;

  constructor(duplex: Duplex, options: LinkOptions) {
    const methods = resolveExports(options.exports ?? []);
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#handshake = new Promise((resolve, reject) => {
      this.#shake = { resolve, reject };
    });
    // Whoever asks for the handshake gets the error; a link nobody asks must not crash the process.
    this.#handshake.catch(() => undefined);
    this.#wire = new Wire(duplex, { onFrame: (frame, size) => this.#onFrame(frame, size), onEnd: (reason) => this.#onEnd(reason) });
    this.#incoming = new IncomingCalls(this.#wire, this.#limits, methods);
    this.#outgoing = new OutgoingCalls(this.#wire, this.#limits);
    const { handshakeTimeout } = this.#limits;
    this.#handshakeTimer = setTimeout(() => this.#fail(new CoreError('E_TIMEOUT', { message: `no hello within ${handshakeTimeout} ms` })), handshakeTimeout);
    if (!options.authorize) this.#sendHello();
  }

  get closed(): Promise<void> {
    return this.#wire.closed;
  }

  get reason(): CoreError | undefined {
    return this.#wire.reason;
  }

  handshake(): Promise<Peer> {
    return this.#handshake;
  }

  port<T>(contract: Contract<T>): T {
    if (!this.#peer) throw new CoreError('E_STATE', { message: `${contract.key} was asked for before the handshake` });
    const versions = this.#peer.exports.filter(([id]) => id === contract.id).map(([, version]) => version);
    if (!versions.includes(contract.version)) throw unprovided(contract, this.#peer, versions);
    return makePort(contract, (method, spec, request, call) => {
      const target = { contract: contract.key, method, spec };
      return spec.kind === 'stream' ? this.#outgoing.stream(target, request, call) : this.#outgoing.call(target, request, call);
    });
  }

  async close(): Promise<void> {
    this.#wire.end(new CoreError('E_CLOSED', { message: 'the link was closed' }), null);
    await this.#wire.closed;
  }

  #sendHello(): void {
    const { exports = [], identity } = this.#options;
    const { maxFrame, maxCalls } = this.#limits;
    this.#wire.send([protocol.HELLO, {
      protocol: PROTOCOL_VERSION,
      identity: { name: 'core', version: '0.0.0', pid: process.pid, ...identity },
      exports: exports.map(([contract]) => [contract.id, contract.version] as const),
      limits: { maxFrame, maxCalls },
    }]);
  }

  #onFrame(frame: Frame, size: number): void {
    if (frame[0] === protocol.BYE) return this.#wire.end(goodbye(frame[1] && CoreError.fromJSON(frame[1])), null);
    if (frame[0] === protocol.HELLO) return this.#onHello(frame[1]);
    if (!this.#peer) throw new CoreError('E_PROTOCOL', { message: 'the other end called before it said hello' });
    this.#dispatch(frame, size);
  }

  #dispatch(frame: Exclude<Frame, readonly [0 | 1, unknown]>, size: number): void {
    const [type, id] = frame;
    switch (type) {
      case protocol.CALL: return this.#incoming.call(id, [frame[2], frame[3]], frame[4], frame[5]);
      case protocol.CANCEL: return this.#incoming.cancel(id);
      case protocol.CREDIT: return this.#incoming.credit(id, frame[2]);
      case protocol.INPUT: return this.#incoming.input(id, frame[2], size);
      case protocol.INPUT_END: return this.#incoming.inputEnd(id);
      case protocol.INPUT_ERROR: return this.#incoming.inputEnd(id, frame[2]);
      case protocol.RESULT: return this.#outgoing.result(id, frame[2]);
      case protocol.ERROR: return this.#outgoing.error(id, frame[2]);
      case protocol.ITEM: return this.#outgoing.item(id, frame[2], size);
      case protocol.END: return this.#outgoing.result(id, undefined);
      case protocol.PROGRESS: return this.#outgoing.progress(id, frame[2]);
      case protocol.INPUT_CREDIT: return this.#outgoing.inputCredit(id, frame[2]);
    }
  }

  #onHello(received: Hello): void {
    if (this.#greeted) throw new CoreError('E_PROTOCOL', { message: 'the other end said hello twice' });
    this.#greeted = true;
    const hello = checkHello(received);
    const peer: Peer = Object.freeze({ identity: hello.identity, exports: hello.exports });
    const { authorize } = this.#options;
    if (!authorize) return this.#welcome(peer, hello);
    Promise.resolve(peer).then(authorize).then(
      () => {
        this.#sendHello();
        this.#welcome(peer, hello);
      },
      (thrown: unknown) => this.#fail(toCoreError(thrown)),
    );
  }

  #welcome(peer: Peer, hello: Hello): void {
    clearTimeout(this.#handshakeTimer);
    this.#wire.sendLimit = hello.limits.maxFrame;
    this.#wire.receiveLimit = this.#limits.maxFrame;
    this.#outgoing.maxCalls = hello.limits.maxCalls;
    this.#peer = peer;
    this.#shake.resolve(peer);
  }

  #fail(error: CoreError): void {
    this.#wire.end(error, error);
  }

  #onEnd(reason: CoreError): void {
    clearTimeout(this.#handshakeTimer);
    this.#shake.reject(reason);
    this.#outgoing.end(reason);
    this.#incoming.end(reason);
  }
}

/** The other end's last word: its reason where it gave one. */
function goodbye(error: CoreError | null): CoreError {
  return error ?? new CoreError('E_CLOSED', { message: 'the other end closed the link' });
}

function unprovided(contract: Contract<unknown>, peer: Peer, versions: readonly number[]): CoreError {
  const offer = versions.length > 0 ? versions.map((version) => `${contract.id}@${version}`).join(', ') : `no ${contract.id}`;
  return new CoreError('E_UNPROVIDED', {
    message: `this end needs ${contract.key}, ${peer.identity.name} exports ${offer}`,
    object: { kind: 'contract', id: contract.key },
    hint: 'Use the same release of core on both ends.',
  });
}
