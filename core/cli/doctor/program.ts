/** What this program itself needs: Node, its native parts, and what they are built with. */
import { failed, limited, ok, type Check, type Finding } from './check.js';
import { askExecutor, executorPath } from './executor.js';
import { atLeast, type Machine } from './machine.js';

const OLDEST_NODE = '20.19';
const COMPILERS = ['musl-gcc', 'cc', 'gcc', 'clang'];

export const programChecks: readonly Check[] = [
  { name: 'node', group: 'program', run: async (machine) => node(machine) },
  { name: 'executor', group: 'program', run: executor },
  { name: 'compiler', group: 'program', run: compiler },
  { name: 'state store', group: 'program', run: stateStore },
];

function node({ node }: Machine): Finding {
  if (atLeast(node, OLDEST_NODE)) return ok(node);
  return failed(`${node}, wanted ${OLDEST_NODE}`, { cost: 'Parts of this program use what older ones lack.', mend: 'Install Node 20.19 or later from nodejs.org.' });
}

async function executor(): Promise<Finding> {
  const lack = { cost: 'No container starts.', mend: 'Install a C compiler (apt install gcc libc6-dev), then: npm rebuild @core/runtime-linux' };
  const path = executorPath();
  if (!path) return failed('@core/runtime-linux is not installed', { ...lack, mend: 'npm install @core/runtime-linux' });
  try {
    return ok(await askExecutor(path, '--version'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return failed(code === 'ENOENT' ? 'not built' : message.split('\n')[0] ?? 'it does not run', lack);
  }
}

async function compiler(machine: Machine): Promise<Finding> {
  const found = await machine.which(COMPILERS);
  if (found === 'musl-gcc') return ok(found);
  if (found) return limited(found, { cost: 'The executor is linked with glibc: each container costs about 20 kB more memory.', mend: 'apt install musl-tools, then: npm rebuild @core/runtime-linux' });
  return limited('none', { cost: 'The executor cannot be built again after an update.', mend: 'apt install gcc libc6-dev' });
}

async function stateStore(): Promise<Finding> {
  try {
    await import('lmdb');
    return ok('lmdb');
  } catch (error) {
    return failed((error as Error).message.split('\n')[0] ?? 'lmdb cannot be loaded', { cost: 'The kernel cannot keep its records.', mend: 'npm rebuild lmdb' });
  }
}
