import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { CoreError } from '#core/errors/index.js';
import { loadPluginSet } from '#core/index.js';
import { temporaryFolder } from '../../helpers/folder.js';

const fake = fileURLToPath(new URL('../../../../plugins/runtime-fake/dist/index.js', import.meta.url));
const web = { image: 'host' };

function writeSet(t: ExecutionContext, content: unknown, files: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const file = join(folder, 'set.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** The set, the paths of the faults expected, and words of the first one. */
const malformed: Array<[title: string, set: unknown, paths: string[], message: RegExp]> = [
  ['what is not JSON', '{ "plugins": [,] }', [''], /JSON/],
  ['an empty file', '', [''], /JSON/],
  ['a list', [], [''], /object/],
  ['a text', '"x"', [''], /object/],
  ['no plugins', {}, ['plugins'], /array/],
  ['an empty list of plugins', { plugins: [] }, ['plugins'], /at least one/],
  ['plugins by name', { plugins: { fake } }, ['plugins'], /array/],
  ['an empty plugin', { plugins: [''] }, ['plugins[0]'], /empty/],
  ['a number as a plugin', { plugins: [1] }, ['plugins[0]'], /Invalid input/],
  ['a plugin without a module', { plugins: [{ config: {} }] }, ['plugins[0].module'], /string/],
  ['a module that is not there', { plugins: ['./nowhere.js'] }, ['plugins[0].module'], /cannot be loaded/],
  ['a package that is not installed', { plugins: ['@nobody/nothing'] }, ['plugins[0].module'], /@nobody\/nothing.*cannot be loaded/],
  ['a module that is no plugin', { plugins: ['node:fs'] }, ['plugins[0].module'], /definePlugin|cannot be loaded/],
  ['a misspelt key of a plugin', { plugins: [{ module: fake, optinal: true }] }, ['plugins[0].optinal'], /did you mean "optional"/],
  ['an isolation that is none', { plugins: [{ module: fake, isolation: 'thread' }] }, ['plugins[0].isolation'], /none.*process.*sandbox/],
  ['a config the plugin does not take', { plugins: [{ module: fake, config: { exitCode: 256 } }] }, ['plugins[0].config.exitCode'], /255/],
  ['a misspelt key in a config', { plugins: [{ module: fake, config: { startEror: 'E_IO' } }] }, ['plugins[0].config.startEror'], /startEror/],
  ['bindings that are a list', { plugins: [fake], bindings: ['runtime@1'] }, ['bindings'], /record/],
  ['a binding to nothing', { plugins: [fake], bindings: { 'runtime@1': '' } }, ['bindings["runtime@1"]'], /empty/],
  ['a relative root', { plugins: [fake], root: 'state' }, ['root'], /absolute/],
  ['a relative run root', { plugins: [fake], runRoot: 'run' }, ['runRoot'], /absolute/],
  ['a serve that is a text', { plugins: [fake], serve: 'yes' }, ['serve'], /boolean/],
  ['a misspelt key', { plugins: [fake], bindngs: {} }, ['bindngs'], /did you mean "bindings"/],
  ['a run that is a container', { plugins: [fake], run: 'host' }, ['run'], /Invalid input/],
  ['a container without an image', { plugins: [fake], run: { web: {} } }, ['run.web.image'], /string/],
  ['a container name that is none', { plugins: [fake], run: { 'my web': web } }, ['run["my web"]'], /begins with a letter or digit/],
  ['a name in two places', { plugins: [fake], run: { web: { ...web, name: 'web' } } }, ['run.web.name'], /unknown key/],
  ['a name given twice', { plugins: [fake], run: [{ ...web, name: 'web' }, { ...web, name: 'web' }] }, ['run[1].name'], /given twice/],
  ['a wrong limit of a container', { plugins: [fake], run: { web: { ...web, memory: '1k' } } }, ['run.web.memory'], /512 KiB/],
  ['a wrong limit in a list', { plugins: [fake], run: [web, { ...web, pids: 0 }] }, ['run[1].pids'], /-1/],
  ['two fields of a container that contradict', { plugins: [fake], run: { web: { ...web, cpus: 1, cpuQuota: 5000 } } }, ['run.web.cpuQuota'], /cpus/],
  ['a misspelt key of a container', { plugins: [fake], run: { web: { ...web, comand: [] } } }, ['run.web.comand'], /did you mean "command"/],
  ['after what is not there', { plugins: [fake], run: { web: { ...web, after: ['db'] } } }, ['run.web.after[0]'], /"db"/],
  ['after itself', { plugins: [fake], run: { web: { ...web, after: ['web'] } } }, ['run.web.after'], /web after web/],
  ['a circle', { plugins: [fake], run: { a: { ...web, after: ['b'] }, b: { ...web, after: ['c'] }, c: { ...web, after: ['a'] } } }, ['run.a.after'], /a after b after c after a/],
  [
    'everything at once',
    { plugins: ['./nowhere.js', { module: fake, config: { exitCode: -1 } }], servee: true, run: { web: { image: '', mounts: [{ type: 'tmpfs', target: 'x' }] } } },
    ['plugins[0].module', 'plugins[1].config.exitCode', 'run.web.image', 'run.web.mounts[0].target', 'servee'],
    /./,
  ],
];

for (const [title, set, paths, message] of malformed) {
  test(`refuses ${title}`, async (t) => {
    const file = writeSet(t, set);
    const error = await t.throwsAsync<CoreError>(loadPluginSet(file));
    t.is(error.code, 'E_INVALID');
    t.deepEqual(error.issues.map(({ path }) => path).sort(), paths);
    t.regex(error.issues[0]?.message ?? '', message);
    t.true(error.message.includes(file));
  });
}

test('a file that is not there is said to be missing', async (t) => {
  const error = await t.throwsAsync<CoreError>(loadPluginSet('/nonexistent/set.json'));
  t.is(error.code, 'E_NOT_FOUND');
  t.is(error.errno, 'ENOENT');
});

test('a folder in its place is no reading matter', async (t) => {
  const error = await t.throwsAsync<CoreError>(loadPluginSet(temporaryFolder(t)));
  t.deepEqual([error.code, error.errno], ['E_IO', 'EISDIR']);
});

const plugin = `export default {
  name: 'mine', version: '1.0.0', api: 1, needs: {}, provides: {}, permissions: [], config: undefined, setup() {},
};`;

test('plugins are found beside the file and in its packages', async (t) => {
  const file = writeSet(
    t,
    { plugins: ['./near.js', { module: 'far', config: {}, isolation: 'process' }, fake] },
    {
      'near.js': plugin,
      'package.json': '{ "type": "module" }',
      'node_modules/far/package.json': '{ "name": "far", "type": "module", "exports": "./main.js" }',
      'node_modules/far/main.js': plugin.replace('mine', 'far'),
    },
  );
  const { plugins } = await loadPluginSet(file);
  t.deepEqual(plugins.map(({ plugin: { name }, isolation, optional }) => [name, isolation, optional]), [['mine', 'none', false], ['far', 'process', false], ['runtime-fake', 'none', false]]);
  t.true(plugins[1]?.module.startsWith('file:///'));
});

test('an optional plugin that is not there is left out', async (t) => {
  const { plugins } = await loadPluginSet(writeSet(t, { plugins: [fake, { module: './nowhere.js', optional: true }] }));
  t.deepEqual(plugins.map(({ plugin: { name } }) => name), ['runtime-fake']);
});

test('containers come as written, in order, with images relative to the file', async (t) => {
  const run = { web: { image: 'oci:./layout:1', memory: '64m', after: ['db'] }, db: { image: 'dir:/abs' }, cache: { image: 'host' } };
  const file = writeSet(t, { plugins: [fake], run, serve: true, root: '/a/../b' });
  const set = await loadPluginSet(file);
  t.deepEqual(set.run, [
    { name: 'web', after: ['db'], options: { name: 'web', image: `oci:${join(dirname(file), 'layout:1')}`, memory: '64m' } },
    { name: 'db', after: [], options: { name: 'db', image: 'dir:/abs' } },
    { name: 'cache', after: [], options: { name: 'cache', image: 'host' } },
  ]);
  t.like(set, { serve: true, root: '/b', runRoot: undefined, bindings: {} });
});

test('the example of the README is sound', async (t) => {
  const set = await loadPluginSet(fileURLToPath(new URL('../../../../scripts/examples/hello.plugin-set.json', import.meta.url)));
  t.deepEqual(set.plugins.map(({ plugin: { name } }) => name), ['runtime-linux', 'image-oci']);
  t.like(set.run[0]?.options, { image: 'host', memory: '64m', pids: 16, network: 'none' });
});
