/**
 * The kernel's side of an isolated plugin: its taps, events, state and log. Comes in: calls of the child. Goes out: the same on
 * the kernel's facilities, which check the permissions. Made by `isolate.ts`, one per child.
 */
import { CoreError, isCoreError } from '../errors/index.js';
import type { IsolatedPluginCalls, IsolationHostCalls } from './isolate-contracts.js';
import type { PluginState, SpawnRequest } from './isolation.js';
import { permissionError } from './permissions.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;

export class HostCalls {
  readonly calls: IsolationHostCalls;
  readonly #request: SpawnRequest;
  readonly #untaps = new Map<number, () => void>();
  #child: IsolatedPluginCalls | undefined;
  #closed = false;

  constructor(request: SpawnRequest) {
    this.#request = request;
    const { host } = request;
    this.calls = {
      tap: async (tap) => this.#tap(tap),
      untap: async ({ id }) => this.#untap(id),
      emit: async (event) => host.emit(event),
      events: (options, call) => host.subscribe({ ...options, signal: call?.signal }),
      log: async ({ record }) => this.#log(record),
      state: {
        get: ({ key }) => this.#state().get(key),
        put: ({ key, value }) => this.#state().put(key, value),
        remove: ({ key }) => this.#state().remove(key),
        list: ({ prefix }) => this.#state().list(prefix),
      },
    };
  }

  connected(child: IsolatedPluginCalls): void {
    this.#child = child;
  }

  /** Nothing of the child stays tapped. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const untap of this.#untaps.values()) untap();
    this.#untaps.clear();
  }

  #tap({ id, ...tap }: Parameters<IsolationHostCalls['tap']>[0]): void {
    if (this.#closed) throw new CoreError('E_CLOSED', { message: `${this.#request.plugin} is closed` });
    this.#untap(id);
    this.#untaps.set(id, this.#request.host.tap(tap, (values, signal) => this.#run(id, values, signal)));
  }

  #untap(id: number): void {
    this.#untaps.get(id)?.();
    this.#untaps.delete(id);
  }

  async #run(id: number, values: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const child = this.#child;
    const { plugin } = this.#request;
    if (!child) throw new CoreError('E_STATE', { message: `${plugin} is not up yet` });
    const { value, undo } = await child.runTap({ id, values }, { signal }).catch((error: unknown) => {
      throw isCoreError(error, 'E_CLOSED') ? new CoreError('E_CLOSED', { message: `the process of ${plugin} is gone`, object: { kind: 'plugin', id: plugin }, cause: error }) : error;
    });
    return undo === undefined ? value : () => child.undo({ undo });
  }

  #state(): PluginState {
    const { state } = this.#request.host;
    if (state) return state;
    if (!this.#request.permissions.includes('state')) throw permissionError(this.#request.plugin, 'state');
    throw new CoreError('E_UNSUPPORTED', { message: `${this.#request.plugin}: this kernel keeps no state`, hint: 'Boot the kernel with a state store.' });
  }

  #log(json: string): void {
    const { level, msg, time: _time, ...fields } = JSON.parse(json) as Record<string, unknown>;
    const known = LEVELS.find((name) => name === level) ?? 'info';
    this.#request.log[known](fields, String(msg));
  }
}
