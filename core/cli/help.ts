/** `core help`, `core help COMMAND` and `core --version`. */
import { readFile } from 'node:fs/promises';
import { commands } from './commands.js';
import { CoreError } from '../errors/index.js';

/** Of the package this file belongs to. */
export async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export async function printVersion(): Promise<number> {
  process.stdout.write(`${await ownVersion()}\n`);
  return 0;
}

export async function printHelp(name: string | undefined): Promise<number> {
  if (name === undefined) return print(overview());
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) throw new CoreError('E_INVALID', { message: `${name} is no command`, hint: '`core help` lists them.' });
  const { default: command } = await entry.load();
  command.program(name, entry.summary).outputHelp();
  return 0;
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 3;
  const groups = [...new Set(Object.values(commands).map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = Object.entries(commands).filter(([, entry]) => entry.group === group);
    return `${group}:\n${rows.map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`).join('\n')}\n`;
  });
  return `Usage: core [--socket PATH] [--json] COMMAND [ARGS]
       core SCRIPT.mts [ARGS]

${sections.join('\n')}
\`core COMMAND --help\` shows the options of a command.
`;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
