/**
 * Conformance of `image@1`. Comes in: a provider and references that it can bring. Goes out: the cases below.
 */
import assert from 'node:assert/strict';
import { Images, type Image, type Progress } from '../contracts/index.js';
import { conformance, type Subject } from './conformance.js';
import { rejects } from './check.js';

export interface ImageSubject extends Subject<Images> {
  /** Two images of different content that can be brought. */
  readonly references: readonly [string, string];
  /** One that is damaged, or not there. */
  readonly broken: string;
  /** Another instance over the same store, as after a restart of the kernel. Absent: that is not tested. */
  restart?(): Promise<Images>;
}

export const imageConformance = conformance<Images, ImageSubject>(Images, {
  'an image is brought once, and is the same the second time': async ({ port, references: [reference] }) => {
    const image = await port.ensure({ reference });
    assertSound(image);
    const again = await port.ensure({ reference });
    assert.deepEqual([again.id, again.layers], [image.id, image.layers]);
    assert.deepEqual((await port.list({})).map(({ id }) => id), [image.id]);
  },

  'two that bring the same image at once both get it': async ({ port, references: [reference] }) => {
    const [one, two] = await Promise.all([port.ensure({ reference }), port.ensure({ reference })]);
    assert.equal(one.id, two.id);
    assert.equal((await port.list({})).length, 1);
  },

  'images of different content have different ids': async ({ port, references: [first, second] }) => {
    const ids = [(await port.ensure({ reference: first })).id, (await port.ensure({ reference: second })).id];
    assert.notEqual(ids[0], ids[1]);
    assert.deepEqual((await port.list({})).map(({ id }) => id).sort(), ids.sort());
  },

  'inspect finds by id and by name, and only what is stored': async ({ port, references: [reference] }) => {
    await rejects(port.inspect({ reference: 'never-heard-of:latest' }), 'E_NOT_FOUND');
    const image = await port.ensure({ reference, name: 'mine:latest' });
    assert.ok(image.names.includes('mine:latest'));
    assert.equal((await port.inspect({ reference: image.id })).id, image.id);
    assert.equal((await port.inspect({ reference: 'mine:latest' })).id, image.id);
  },

  'what cannot be brought leaves nothing': async ({ port, broken }) => {
    await rejects(port.ensure({ reference: broken }), 'E_IMAGE', 'E_NOT_FOUND', 'E_IO', 'E_INVALID');
    assert.deepEqual(await port.list({}), []);
  },

  'an aborted ensure leaves nothing': async ({ port, references: [reference] }) => {
    await rejects(port.ensure({ reference }, { signal: AbortSignal.abort() }), 'E_ABORTED');
    assert.deepEqual(await port.list({}), []);
    assertSound(await port.ensure({ reference }));
  },

  'progress never runs backwards': async ({ port, references: [reference] }) => {
    const seen: Progress[] = [];
    await port.ensure({ reference }, { onProgress: (progress) => seen.push(progress) });
    const last = new Map<string, number>();
    for (const { id, phase, current = 0, total = Infinity } of seen) {
      const row = `${id} ${phase}`;
      assert.ok(current >= (last.get(row) ?? 0) && current <= total, `${row} went to ${current} of ${total}`);
      last.set(row, current);
    }
  },

  'mount gives layers or a folder, and leases the image to its owner': async ({ port, references: [reference] }) => {
    const { id } = await port.ensure({ reference, name: 'leased:latest' });
    const rootfs = await port.mount({ id, owner: 'web' });
    const folders = rootfs.kind === 'overlay' ? rootfs.lowers : [rootfs.path];
    assert.ok(folders.length > 0 && folders.every((folder) => folder.startsWith('/')));
    await rejects(port.remove({ reference: id }), 'E_IN_USE');
    await port.mount({ id, owner: 'db' });
    await port.release({ owner: 'web' });
    await rejects(port.remove({ reference: id }), 'E_IN_USE');
    await port.release({ owner: 'db' });
    await port.remove({ reference: id });
    assert.deepEqual(await port.list({}), []);
    await rejects(port.mount({ id, owner: 'web' }), 'E_NOT_FOUND');
  },

  'release and remove of what never was succeed': async ({ port, references: [reference] }) => {
    await port.release({ owner: 'nobody' });
    await port.remove({ reference: 'never-heard-of:latest' });
    const { id } = await port.ensure({ reference });
    await Promise.all([port.remove({ reference: id }), port.remove({ reference: id })]);
    await port.remove({ reference: id });
    await port.release({ owner: 'nobody' });
  },

  'an image goes with its last name': async ({ port, references: [reference] }) => {
    const { id } = await port.ensure({ reference, name: 'one:latest' });
    await port.ensure({ reference, name: 'two:latest' });
    for (const name of (await port.inspect({ reference: id })).names.filter((name) => name !== 'two:latest')) await port.remove({ reference: name });
    assert.equal((await port.inspect({ reference: 'two:latest' })).id, id);
    await port.remove({ reference: 'two:latest' });
    await rejects(port.inspect({ reference: id }), 'E_NOT_FOUND');
  },

  'reconcile drops the leases of the dead, and no others': async ({ port, references: [first, second] }) => {
    const [kept, freed] = [await port.ensure({ reference: first }), await port.ensure({ reference: second })];
    await port.mount({ id: kept.id, owner: 'alive' });
    await port.mount({ id: freed.id, owner: 'dead' });
    await port.reconcile({ alive: ['alive'] });
    await port.remove({ reference: freed.id });
    await rejects(port.remove({ reference: kept.id }), 'E_IN_USE');
  },

  'images and leases outlive the provider': async ({ port, references: [reference], restart }) => {
    if (!restart) return;
    const { id } = await port.ensure({ reference, name: 'lasting:latest' });
    await port.mount({ id, owner: 'web' });
    const next = await restart();
    await next.reconcile({ alive: ['web'] });
    assert.equal((await next.inspect({ reference: 'lasting:latest' })).id, id);
    await rejects(next.remove({ reference: id }), 'E_IN_USE');
  },
});

function assertSound(image: Image): void {
  assert.match(image.id, /^(sha256:[0-9a-f]{64}|host)$/);
  assert.ok(image.layers.every((layer) => /^sha256:[0-9a-f]{64}$/.test(layer)));
  assert.ok(image.size >= 0 && image.created >= 0);
  assert.ok(image.os !== '' && image.architecture !== '');
}
