#!/usr/bin/env node
/**
 * Builds and runs the fuzzer of the tar reader and the decoders: `run.mjs [SECONDS] [CORPUS]`, by default a minute over a copy of the corpus kept here. Exits with 1 on a finding, whose input it
 * leaves in `executor/build`. `run.mjs merge FOLDER` takes over from a corpus what adds coverage. Needs clang.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const executor = join(here, '..', '..');
const build = join(executor, 'build');
const kept = join(here, 'corpus');
const found = join(kept, 'found.tar.gz');
const program = join(build, 'tar-fuzz');
const MAX_LENGTH = 65_536;

compile();
const [first = '60', second] = process.argv.slice(2);
process.exitCode = first === 'merge' ? merge(second) : fuzz(Number(first), second);

function compile() {
  const unpack = join(here, '..');
  const left = new Set(['unpack.c', 'layer.c', 'confine.c']);
  const sources = readdirSync(unpack).filter((name) => name.endsWith('.c') && !left.has(name)).map((name) => join(unpack, name));
  const shared = ['err', 'util'].map((name) => join(executor, `${name}.c`));
  mkdirSync(build, { recursive: true });
  const flags = ['-std=gnu11', '-O1', '-g', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined', '-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION'];
  run('clang', [...flags, '-o', program, ...sources, ...shared, join(here, 'tar_fuzz.c')]);
}

function fuzz(seconds, corpus) {
  const folder = corpus ?? join(build, 'tar-corpus');
  mkdirSync(folder, { recursive: true });
  spread(folder);
  const options = [`-max_total_time=${seconds}`, `-max_len=${MAX_LENGTH}`, '-timeout=20', '-rss_limit_mb=2048', '-print_final_stats=1', `-artifact_prefix=${build}/`];
  return spawnSync(program, [...options, folder], { stdio: 'inherit' }).status === 0 ? 0 : 1;
}

/** The seeds, written by hand, and what was found since, which is one packed file. */
function spread(folder) {
  cpSync(kept, folder, { recursive: true, filter: (path) => path !== found });
  run('tar', ['-xzf', found, '-C', folder]);
}

/** The fewest inputs that reach all that is reached. */
function merge(from) {
  const fewest = join(build, 'tar-fewest');
  rmSync(fewest, { recursive: true, force: true });
  mkdirSync(fewest);
  run(program, ['-set_cover_merge=1', `-max_len=${MAX_LENGTH}`, fewest, from]);
  run('tar', ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '-czf', found, '-C', fewest, '.']);
  return 0;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`fuzz: ${command} failed${error ? `: ${error.message}` : ''}`);
    process.exit(1);
  }
}
