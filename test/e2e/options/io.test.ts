/** Limits of block devices: the group has them, for the device that carries this machine's files. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { groupOf, versionOf } from '../../helpers/cgroup.js';
import { e2e } from '../../helpers/e2e.js';

const version = versionOf(versionOf('blkio') ? 'blkio' : 'io');
const device = wholeDisk();

e2e('io: bytes and operations per second, by device number', async (t, stage) => {
  const disk = device ?? '';
  const { pid } = await stage.up({ io: { readBps: { [disk]: '1m' }, writeBps: { [disk]: '2m' }, readIops: { [disk]: 100 }, writeIops: { [disk]: 200 } } });
  const { path } = groupOf(pid, version === 1 ? 'blkio' : 'io');
  if (version === 2) {
    t.is(readFileSync(join(path, 'io.max'), 'utf8').trim(), `${disk} rbps=1048576 wbps=2097152 riops=100 wiops=200`);
    return;
  }
  const file = (name: string): string => readFileSync(join(path, `blkio.throttle.${name}_device`), 'utf8').trim();
  t.is(file('read_bps'), `${disk} 1048576`);
  t.is(file('write_bps'), `${disk} 2097152`);
  t.is(file('read_iops'), `${disk} 100`);
  t.is(file('write_iops'), `${disk} 200`);
}, version && device ? {} : { unless: 'no block device under this folder, or no controller for it' });

/** `major:minor` of the disk that holds this folder; a partition cannot be limited by itself on version 2. */
function wholeDisk(): string | undefined {
  const { dev } = statSync(import.meta.dirname);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  const folder = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(folder)) return undefined;
  return existsSync(join(folder, 'partition')) ? readFileSync(join(folder, '..', 'dev'), 'utf8').trim() : `${major}:${minor}`;
}
