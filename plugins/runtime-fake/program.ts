/**
 * The few programs a fake container knows. Comes in: an argument list and the process's stdio. Goes out: an exit code. Called
 * by `process.ts`. Nothing is ever executed on the machine.
 */
export interface ProgramIo {
  readonly env: readonly string[];
  write(stream: 'stdout' | 'stderr', data: Uint8Array | string): Promise<void>;
  /** The next piece of stdin; `undefined` at its end. */
  read(): Promise<Uint8Array | undefined>;
  sleep(milliseconds: number): Promise<void>;
}

export type Program = (args: readonly string[], io: ProgramIo) => Promise<number>;

const programs: Readonly<Record<string, Program>> = {
  true: async () => 0,
  set: async () => 0,
  false: async () => 1,
  exit: async ([code = '0']) => Number(code) & 0xff,
  echo: async (words, io) => done(io.write('stdout', `${words.join(' ')}\n`)),
  printf: async ([text = ''], io) => done(io.write('stdout', text.replaceAll('\\n', '\n'))),
  env: async (_args, io) => done(io.write('stdout', io.env.map((line) => `${line}\n`).join(''))),
  sleep: async ([seconds = '0'], io) => done(io.sleep(seconds === 'infinity' ? Infinity : Number(seconds) * 1000)),
  cat,
  sh: shell,
};

/** The program of that name, in any folder; `undefined` when there is none, as with a file that is not there. */
export function findProgram(command: string | undefined): Program | undefined {
  const name = command?.split('/').at(-1);
  return name !== undefined && Object.hasOwn(programs, name) ? programs[name] : undefined;
}

async function cat(_args: readonly string[], io: ProgramIo): Promise<number> {
  for (;;) {
    const piece = await io.read();
    if (!piece) return 0;
    await io.write('stdout', piece);
  }
}

/** `sh -c`, as far as tests go: commands joined by `;` and `&&`, quotes, `>&2`, `exit`. Without `-c` it reads stdin to its end. */
async function shell(args: readonly string[], io: ProgramIo): Promise<number> {
  if (!args.includes('-c')) {
    while (await io.read());
    return 0;
  }
  const text = args[args.indexOf('-c') + 1] ?? '';
  let code = 0;
  for (const { words, onlyAfterSuccess } of parse(text)) {
    if (onlyAfterSuccess && code !== 0) continue;
    code = await runWords(words, io);
    if (words[0] === 'exit') return code;
  }
  return code;
}

async function runWords(words: readonly string[], io: ProgramIo): Promise<number> {
  const toStderr = words.includes('>&2');
  const [name, ...args] = words.filter((word) => word !== '>&2');
  const program = findProgram(name);
  if (program) return program(args, toStderr ? { ...io, write: (_stream, data) => io.write('stderr', data) } : io);
  await io.write('stderr', `sh: ${name ?? ''}: not found\n`);
  return 127;
}

function parse(text: string): Array<{ words: string[]; onlyAfterSuccess: boolean }> {
  const commands = [{ words: [] as string[], onlyAfterSuccess: false }];
  for (const [token, single, double] of text.matchAll(/'([^']*)'|"([^"]*)"|>&2|&&|;|[^\s;&>]+/g)) {
    if (token === ';' || token === '&&') commands.push({ words: [], onlyAfterSuccess: token === '&&' });
    else commands.at(-1)?.words.push(single ?? double ?? token);
  }
  return commands.filter(({ words }) => words.length > 0);
}

async function done(work: Promise<void>): Promise<number> {
  await work;
  return 0;
}
