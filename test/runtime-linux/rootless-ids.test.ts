/** Which ids an ordinary user's containers have, from the texts of /etc/subuid and /etc/subgid. */
import test from 'ava';
import { subordinateMaps, singleMaps } from '#runtime-linux/rootless/ids.js';

const ann = { uid: 1000, gid: 1001, name: 'ann' };

test('0 is the user, and the ranges follow one another', (t) => {
  const maps = subordinateMaps(ann, { subuid: 'bob:1:9\nann:100000:65536\n1000:500000:10\n', subgid: 'ann:200000:65536\n' });
  t.deepEqual(maps, {
    uids: [{ containerID: 0, hostID: 1000, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_536 }, { containerID: 65_537, hostID: 500_000, size: 10 }],
    gids: [{ containerID: 0, hostID: 1001, size: 1 }, { containerID: 1, hostID: 200_000, size: 65_536 }],
  });
});

for (const [title, subuid, subgid] of [
  ['of another user', 'bob:100000:65536', 'bob:100000:65536'],
  ['in one file alone', 'ann:100000:65536', ''],
  ['that are malformed', 'ann:x:65536', 'ann:100000:0'],
] as const) {
  test(`ranges ${title} give nothing`, (t) => t.is(subordinateMaps(ann, { subuid, subgid }), undefined));
}

test('alone, a user is root and nobody else', (t) => {
  t.deepEqual(singleMaps(ann), { uids: [{ containerID: 0, hostID: 1000, size: 1 }], gids: [{ containerID: 0, hostID: 1001, size: 1 }] });
});
