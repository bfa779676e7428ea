/**
 * The durable memory of a kernel. Comes in: the root folder. Goes out: a store in one embedded database (lmdb). Called by
 * `createKernel` for roots that last, and by those who look into one.
 *
 * Writes are queued and committed together by a thread of the database's own.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RangeOptions, type RootDatabase } from 'lmdb';
import { CoreError } from '../errors/index.js';
import { claimRoot, releaseRoot } from './owner.js';
import { Changes, type Collection, type Key, type Range, type Store } from './store.js';

export interface StoreOptions {
  /** The kernel's root; the database is its folder `state`. Made (0700) if missing. */
  readonly root: string;
  /** Whether commits are synced to disk. `false` suits a root that need not outlive the machine. Default true. */
  readonly durable?: boolean | undefined;
  /** Look at another kernel's records: takes no ownership, refuses writes. Default false. */
  readonly readOnly?: boolean | undefined;
}

/** Raised whenever a record's meaning changes; an older core refuses what a newer one wrote. */
export const SCHEMA_VERSION = 1;

const MAX_COLLECTIONS = 64;

/**
 * Opens the database and takes ownership of the root. Throws `E_BUSY` naming the pid when another kernel owns it,
 * `E_UNSUPPORTED` when a newer core wrote it, `E_IO` when it cannot be opened.
 */
export function openStore({ root, durable = true, readOnly = false }: StoreOptions): Store {
  const path = join(root, 'state');
  const database = openDatabase(path, { durable, readOnly });
  try {
    const meta = database.openDB<unknown, string>({ name: 'meta', encoding: 'msgpack' });
    checkSchema(meta, path);
    if (!readOnly) claimRoot(database, meta, root);
    return new LmdbStore({ path, database, meta, readOnly });
  } catch (error) {
    void database.close();
    throw error;
  }
}

function openDatabase(path: string, { durable, readOnly }: { durable: boolean; readOnly: boolean }): RootDatabase {
  try {
    if (!readOnly) mkdirSync(path, { recursive: true, mode: 0o700 });
    // Records of msgpackr's own extension are left out, so that any MessagePack reader can look into the file.
    const database = open({ path, readOnly, noSync: !durable, maxDbs: MAX_COLLECTIONS, ...PLAIN_MSGPACK });
    // A reader killed in mid-read leaves its slot in the lock file taken; there are 126.
    if (!readOnly) database.readerCheck();
    return database;
  } catch (cause) {
    throw ioError(`the state at ${path} cannot be opened`, cause);
  }
}

const PLAIN_MSGPACK = { useRecords: false, variableMapSize: true };

function checkSchema(meta: Database<unknown, string>, path: string): void {
  const found = meta.get('schema');
  if (found === undefined || found === SCHEMA_VERSION) return;
  throw new CoreError('E_UNSUPPORTED', {
    message: `the state at ${path} has schema ${String(found)}; this core knows ${SCHEMA_VERSION}`,
    hint: 'Use the core that wrote it or a later one, or give this kernel another root.',
  });
}

class LmdbStore implements Store {
  readonly path: string;
  readonly #database: RootDatabase;
  readonly #meta: Database<unknown, string>;
  readonly #readOnly: boolean;
  readonly #collections = new Map<string, Collection<never>>();
  readonly #changes = new Changes<() => Promise<boolean>>();
  #closed: Promise<void> | undefined;

  constructor({ path, database, meta, readOnly }: { path: string; database: RootDatabase; meta: Database<unknown, string>; readOnly: boolean }) {
    this.path = path;
    this.#database = database;
    this.#meta = meta;
    this.#readOnly = readOnly;
    if (!readOnly) void meta.put('schema', SCHEMA_VERSION);
  }

  collection<T>(name: string): Collection<T> {
    const known = this.#collections.get(name);
    if (known) return known as unknown as Collection<T>;
    const db = this.#database.openDB<T, Key>({ name, encoding: 'msgpack' });
    const collection: Collection<T> = {
      get: (key) => db.get(key),
      entries: (range) => Array.from(db.getRange(rangeOptions(range)), ({ key, value }): [Key, T] => [key, value]),
      put: (key, value) => this.#changes.add(() => db.put(key, value)),
      delete: (key) => this.#changes.add(() => db.remove(key)),
    };
    this.#collections.set(name, collection as unknown as Collection<never>);
    return collection;
  }

  async write(change: () => void): Promise<void> {
    if (this.#closed) throw new CoreError('E_CLOSED', { message: `the state at ${this.path} is closed` });
    if (this.#readOnly) throw new CoreError('E_PERMISSION', { message: `the state at ${this.path} was opened for reading`, hint: '' });
    const changes = this.#changes.collect(change);
    const committed = this.#database.batch(() => {
      for (const apply of changes) apply().catch(() => {}); // the batch's own promise carries the failure
    });
    await committed.catch((cause: unknown) => {
      throw ioError(`the state at ${this.path} cannot be written`, cause);
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    if (!this.#readOnly) {
      await this.#database.flushed;
      releaseRoot(this.#database, this.#meta);
    }
    await this.#database.close();
  }
}

function rangeOptions({ after, prefix, reverse = false, limit }: Range = {}): RangeOptions {
  return {
    ...(after !== undefined && { start: after, exclusiveStart: true }),
    ...(prefix !== undefined && { start: prefix, end: prefix + LAST_CHARACTER }),
    ...(limit !== undefined && { limit }),
    reverse,
  };
}

/** Sorts behind whatever a key may hold. */
const LAST_CHARACTER = '\u{10FFFF}';

function ioError(message: string, cause: unknown): CoreError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  const detail = cause instanceof Error ? `: ${cause.message}` : '';
  return new CoreError('E_IO', { message: message + detail, cause, ...(typeof code === 'string' && { errno: code }) });
}
