#!/usr/bin/env node
/**
 * Builds the executor: its C files come in, one static binary goes out (`build/core-executor`). Run by `npm install` and
 * `npm run build`; `--sanitize` gives `build/core-executor-asan`. Without a compiler it says what to install and succeeds, so
 * that everything else can be installed; the runtime's driver names the lack when a container is wanted.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const here = import.meta.dirname;
const sanitize = process.argv.includes('--sanitize');
const output = join(here, 'build', sanitize ? 'core-executor-asan' : 'core-executor');

const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
const HARDENING = ['-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-fPIE', '-fno-strict-aliasing'];
/** For the kernel's own headers, behind everything of musl's. */
const KERNEL_HEADERS = ['/usr/include', `/usr/include/${machine()}-linux-gnu`].flatMap((folder) => ['-idirafter', folder]);

main();

function main() {
  const compiler = findCompiler();
  if (!compiler) {
    explainMissing();
    return;
  }
  const sources = find(here, '.c');
  const stamp = fingerprint(compiler, [...sources, ...find(here, '.h'), join(here, 'build.mjs')]);
  if (isUpToDate(stamp)) return;
  mkdirSync(join(here, 'build'), { recursive: true });
  const fresh = `${output}.${process.pid}`;
  const { status } = spawnSync(compiler.command, [...compiler.flags, '-o', fresh, ...sources], { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`executor: ${compiler.command} failed`);
    process.exit(1);
  }
  renameSync(fresh, output);
  writeFileSync(`${output}.stamp`, stamp);
  console.log(`executor: built ${relative(process.cwd(), output)} with ${compiler.command}`);
}

/** musl's binary is smaller and its monitors take less memory; any C compiler will do. */
function findCompiler() {
  const common = ['-std=gnu11', '-O2', ...WARNINGS];
  if (sanitize) {
    const flags = ['-g', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];
    return firstThatWorks(['cc', 'gcc', 'clang'], [[...common, ...flags]]);
  }
  const hard = [...common, ...HARDENING];
  const full = '-Wl,-z,relro,-z,now,-z,noexecstack';
  return (
    firstThatWorks(['musl-gcc'], [[...hard, ...muslStaticPie(), full, ...KERNEL_HEADERS], [...hard, '-static', full, ...KERNEL_HEADERS]]) ??
    // Without static libraries a dynamic binary does all but be a container's init.
    firstThatWorks(['cc', 'gcc', 'clang'], ['-static-pie', '-static', '-pie'].map((kind) => [...hard, kind, full]))
  );
}

/** The wrapper's own specs know no -static-pie: with it, they quietly link a dynamic binary. They lie beside musl's start files. */
function muslStaticPie() {
  const { stderr } = spawnSync('musl-gcc', ['-v'], { encoding: 'utf8' });
  const folder = /specs from (.*)\/[^/]*$/m.exec(stderr ?? '')?.[1] ?? '';
  if (!existsSync(join(folder, 'rcrt1.o'))) return ['-static'];
  return ['-static', '-nostartfiles', '-Wl,-pie,--no-dynamic-linker,-z,text', ...['rcrt1.o', 'crti.o', 'crtn.o'].map((name) => join(folder, name))];
}

function firstThatWorks(commands, sets) {
  const program = 'int main(void) { return 0; }\n';
  for (const command of commands) {
    for (const flags of sets) {
      const trial = spawnSync(command, [...flags, '-x', 'c', '-o', '/dev/null', '-'], { input: program, stdio: ['pipe', 'ignore', 'ignore'] });
      if (trial.status === 0) return { command, flags };
    }
  }
  return undefined;
}

function explainMissing() {
  console.error('executor: not built, because no C compiler was found. Containers need it.');
  console.error('  Debian, Ubuntu: apt-get install gcc libc6-dev (musl-tools as well makes smaller monitors)');
  console.error('  Alpine: apk add build-base linux-headers');
  console.error('  Fedora: dnf install gcc glibc-static');
  console.error('  Then: npm run build');
}

function find(folder, ending) {
  const skipped = new Set(['build', 'fuzz', 'test', 'node_modules']);
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : find(path, ending);
      return entry.name.endsWith(ending) ? [path] : [];
    })
    .sort();
}

function fingerprint(compiler, files) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify(compiler));
  for (const file of files) hash.update(relative(here, file)).update(readFileSync(file));
  return hash.digest('hex');
}

function isUpToDate(stamp) {
  return existsSync(output) && existsSync(`${output}.stamp`) && readFileSync(`${output}.stamp`, 'utf8') === stamp;
}

function machine() {
  return { x64: 'x86_64', arm64: 'aarch64', riscv64: 'riscv64', ppc64: 'powerpc64le', s390x: 's390x' }[process.arch] ?? process.arch;
}
