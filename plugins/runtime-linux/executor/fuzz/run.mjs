#!/usr/bin/env node
/**
 * Fuzzes the plan decoder: `node run.mjs [SECONDS]` builds it with clang's libFuzzer and sanitizers, starts from the kept
 * corpus, and exits 1 on a finding. What is new in coverage stays in `../build/fuzz`; `--merge` takes it over into the corpus.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const executor = join(here, '..');
const work = join(executor, 'build', 'fuzz');
const corpus = join(here, 'corpus', 'plan');
const found = join(work, 'plan');
const program = join(work, 'plan_fuzz');
const merge = process.argv.includes('--merge');
const seconds = Number(process.argv.slice(2).find((word) => !word.startsWith('-')) ?? 60);

mkdirSync(found, { recursive: true });
mkdirSync(corpus, { recursive: true });
build();
const args = merge ? ['-merge=1', corpus, found] : [`-max_total_time=${seconds}`, '-max_len=16384', '-timeout=5', '-print_final_stats=1', `-artifact_prefix=${work}/`, found, corpus];
process.exitCode = run(program, args) === 0 ? 0 : 1;

function build() {
  // All that a plan's steps lead to, without the processes around them.
  const outside = new Set(['main.c', 'server.c', 'children.c', 'requests.c', 'spares.c', 'worker.c']);
  const sources = readdirSync(executor).filter((name) => name.endsWith('.c') && !outside.has(name)).map((name) => join(executor, name));
  const flags = ['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=undefined'];
  if (run('clang', [...flags, '-o', program, join(here, 'plan_fuzz.c'), ...sources]) !== 0) {
    console.error('fuzz: clang with libFuzzer and its sanitizers is needed (Debian 12: apt-get install clang libclang-rt-14-dev)');
    process.exit(2);
  }
}

function run(command, argv) {
  return spawnSync(command, argv, { stdio: 'inherit' }).status;
}
