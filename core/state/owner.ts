/**
 * One kernel per root. Comes in: the root's database. Goes out: ownership, or `E_BUSY` naming who has it. Called by `openStore`.
 *
 * The owner is a record that is compared and replaced inside one write transaction. lmdb's writer lock is a robust mutex
 * shared by all processes, so two kernels that both find a dead owner cannot both take its place, and a `kill -9` in the
 * middle frees it.
 */
import type { Database, RootDatabase } from 'lmdb';
import { CoreError } from '../errors/index.js';
import { isAlive, selfIdentity, type ProcessIdentity } from './identity.js';

const OWNER = 'owner';

export function claimRoot(database: RootDatabase, meta: Database<unknown, string>, root: string): void {
  const owner = database.transactionSync(() => {
    const current = meta.get(OWNER) as ProcessIdentity | undefined;
    if (current && isAlive(current)) return current;
    meta.putSync(OWNER, selfIdentity());
    return undefined;
  });
  if (!owner) return;
  throw new CoreError('E_BUSY', {
    message: `the root ${root} is owned by the kernel with pid ${owner.pid}`,
    object: { kind: 'root', id: root },
  });
}

export function releaseRoot(database: RootDatabase, meta: Database<unknown, string>): void {
  database.transactionSync(() => {
    meta.removeSync(OWNER);
  });
}
