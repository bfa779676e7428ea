import test from 'ava';
import { MOUNT_ATTR, MS } from '#runtime-linux/constants.js';
import { parseMountOptions } from '#runtime-linux/plan/mount-options.js';

const none = { set: 0, clear: 0 };
const base = { attributes: none, recursiveAttributes: none, propagation: 0, recursivePropagation: false, bind: false, recursive: false, idmap: false, copyUp: false, remount: false, data: [] };

const cases: Array<[options: string, expected: object]> = [
  ['', {}],
  ['defaults,async', {}],
  ['ro,nosuid', { attributes: { set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID, clear: 0 } }],
  ['ro,rw', { attributes: { set: 0, clear: MOUNT_ATTR.RDONLY } }],
  ['rw,ro', { attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } }],
  ['noatime', { attributes: { set: MOUNT_ATTR.NOATIME, clear: MOUNT_ATTR.ATIME } }],
  ['noatime,strictatime', { attributes: { set: MOUNT_ATTR.STRICTATIME, clear: MOUNT_ATTR.ATIME } }],
  ['relatime', { attributes: { set: 0, clear: MOUNT_ATTR.ATIME } }],
  ['rro,rnosuid', { recursiveAttributes: { set: MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID, clear: 0 } }],
  ['rbind,rprivate', { bind: true, recursive: true, propagation: MS.PRIVATE, recursivePropagation: true }],
  ['bind,shared', { bind: true, propagation: MS.SHARED }],
  ['runbindable', { propagation: MS.UNBINDABLE, recursivePropagation: true }],
  ['bind,idmap', { bind: true, idmap: true }],
  ['tmpcopyup,size=1k', { copyUp: true, data: [['size', '1k']] }],
  ['remount,ro', { remount: true, attributes: { set: MOUNT_ATTR.RDONLY, clear: 0 } }],
  ['size=64k,mode=755', { data: [['size', '64k'], ['mode', '755']] }],
  ['newinstance,sync', { data: [['newinstance', null], ['sync', null]] }],
  ['context="a=b"', { data: [['context', '"a=b"']] }],
];

for (const [options, expected] of cases) {
  test(`mount options: ${options || 'none'}`, (t) => {
    t.like(parseMountOptions(options === '' ? [] : options.split(',')), { ...base, ...expected });
  });
}
