/**
 * Conformance suites: what every implementation of a contract must do. Comes in: a way to make an implementation. Goes out: a
 * list of named cases for any test runner, each in process and over IPC, so that "any plugin can move out of process" stays
 * true. Called by the test files of implementations:
 *
 * ```ts
 * for (const { name, run } of runtimeConformance(makeSubject)) test(name, () => run());
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallOptions, Contract } from '../contracts/index.js';
import { dial, exported, makePort, serve } from '../ipc/index.js';
import { resolveMethods } from '../ipc/port.js';

/** An implementation under test, fresh for each case. Suites add what else they need to know of it. */
export interface Subject<T> {
  readonly port: T;
  /** Frees everything, whatever the case left behind. */
  dispose?(): Promise<void>;
}

export type Make<S> = () => S | Promise<S>;

export interface ConformanceCase {
  readonly name: string;
  /** Rejects when the implementation does not conform. */
  run(): Promise<void>;
}

/** A port to an implementation, and how to take it down. */
export interface Reached<T> {
  readonly port: T;
  close(): Promise<void>;
}

/** The cases of a suite, by name, for one contract. Gives a function from an implementation to its test cases. */
export function conformance<T, S extends Subject<T>>(contract: Contract<T>, suite: Readonly<Record<string, (subject: S) => Promise<void>>>) {
  return (make: Make<S>): ConformanceCase[] =>
    Object.entries(ways).flatMap(([way, reach]) =>
      Object.entries(suite).map(([title, check]) => ({
        name: `${contract.key} ${way}: ${title}`,
        run: () => runCase({ contract, make, reach, check }),
      })),
    );
}

/** Straight to the implementation, through nothing but the method table. */
export async function inProcess<T>(contract: Contract<T>, implementation: T): Promise<Reached<T>> {
  const methods = resolveMethods(contract as Contract<unknown>, implementation);
  const port = makePort(contract, (name, _spec, request, call: CallOptions = {}) => methods.get(name)?.run(request, call));
  return { port, close: () => Promise.resolve() };
}

/** Through a unix socket, as from another process. */
export async function overIpc<T>(contract: Contract<T>, implementation: T): Promise<Reached<T>> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const path = join(folder, 'core.sock');
  const server = await serve({ path, exports: [exported(contract, implementation)] });
  const link = await dial({ path });
  return {
    port: link.port(contract),
    async close() {
      await link.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const ways = { 'in process': inProcess, 'over IPC': overIpc } as const;

interface CaseRun<T, S> {
  readonly contract: Contract<T>;
  readonly make: Make<S>;
  readonly reach: (contract: Contract<T>, implementation: T) => Promise<Reached<T>>;
  readonly check: (subject: S) => Promise<void>;
}

async function runCase<T, S extends Subject<T>>({ contract, make, reach, check }: CaseRun<T, S>): Promise<void> {
  const subject = await make();
  try {
    const { port, close } = await reach(contract, subject.port);
    try {
      await check({ ...subject, port });
    } finally {
      await close();
    }
  } finally {
    await subject.dispose?.();
  }
}
