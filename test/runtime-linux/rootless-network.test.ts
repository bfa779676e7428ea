/** Which program an ordinary user's network is made by, and what its containers are told of names. */
import test from 'ava';
import { resolverText, userNetwork, type UserNetwork } from '#runtime-linux/rootless/network.js';

const has = (...names: readonly string[]) => ({ find: (name: string) => (names.includes(name) ? `/usr/bin/${name}` : undefined), mayUse: () => true });
const programOf = (network: ReturnType<typeof userNetwork>): string | undefined => ('argv' in network ? network.argv[0] : undefined);

test('pasta is chosen before slirp4netns, and what is wanted before both', (t) => {
  t.is(programOf(userNetwork('auto', has('pasta', 'slirp4netns'))), '/usr/bin/pasta');
  t.is(programOf(userNetwork('auto', has('slirp4netns'))), '/usr/bin/slirp4netns');
  t.is(programOf(userNetwork('slirp4netns', has('pasta', 'slirp4netns'))), '/usr/bin/slirp4netns');
});

test('where there is none, it says why', (t) => {
  t.like(userNetwork('auto', has()), { lacks: 'neither pasta (package passt) nor slirp4netns is installed' });
  t.like(userNetwork('pasta', has('slirp4netns')), { lacks: 'pasta is not installed' });
  t.like(userNetwork('auto', { ...has('pasta'), mayUse: () => false }), { lacks: 'this user may not open /dev/net/tun' });
  t.regex((userNetwork('none', has('pasta')) as { lacks: string }).lacks, /"network": "none"/);
});

test('nothing of the machine leads inside, and its loopback is out of reach', (t) => {
  const pasta = (userNetwork('pasta', has('pasta')) as UserNetwork).argv.join(' ');
  for (const flag of ['--no-map-gw', '-t none', '-u none', '-T none', '-U none']) t.true(pasta.includes(flag), flag);
  t.true((userNetwork('slirp4netns', has('slirp4netns')) as UserNetwork).argv.includes('--disable-host-loopback'));
});

test('the resolver is the program\'s, the search list the machine\'s', (t) => {
  const network = userNetwork('slirp4netns', has('slirp4netns')) as UserNetwork;
  t.is(resolverText(network, '# made by hand\nnameserver 192.0.2.53\nsearch example.test\noptions ndots:2\n'), 'nameserver 10.0.2.3\nsearch example.test\noptions ndots:2\n');
  t.is(resolverText(network, ''), 'nameserver 10.0.2.3\n');
});
