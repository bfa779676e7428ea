/** Id mappings inside a mount option, as podman writes them. */
import test from 'ava';
import { withInlineIds } from '#runtime-linux/oci/inline-idmap.js';

const mount = (option: string): Parameters<typeof withInlineIds>[0] => ({ destination: '/a', type: 'bind', source: '/b', options: ['bind', option, 'ro'] });

test('the option becomes the fields of the specification', (t) => {
  t.deepEqual(withInlineIds(mount('idmap=uids=0-1000-10#10-0-1;gids=0-5-2')), {
    ...mount('idmap'), uidMappings: [{ containerID: 0, hostID: 1000, size: 10 }, { containerID: 10, hostID: 0, size: 1 }], gidMappings: [{ containerID: 0, hostID: 5, size: 2 }],
  });
  t.deepEqual(withInlineIds(mount('ridmap=uids=0-1-1;gids=0-1-1')).options, ['bind', 'ridmap', 'ro']);
});

test('other mounts stay as they are', (t) => {
  for (const option of ['idmap', 'ridmap', 'size=1k']) t.deepEqual(withInlineIds(mount(option)), mount(option));
  t.deepEqual(withInlineIds({ destination: '/a' }), { destination: '/a' });
});

for (const option of ['idmap=', 'idmap=uids', 'idmap=uids=0-1-1', 'idmap=uids=0-1;gids=0-1', 'idmap=uids=@0-1-1;gids=@0-1-1', 'idmap=uids=0-1-99999999999;gids=0-1-1', 'idmap=users=0-1-1']) {
  test(`what cannot be read is refused, and never left out: ${option}`, (t) => {
    t.throws(() => withInlineIds(mount(option)), { message: /cannot read the mount option/ });
  });
}
