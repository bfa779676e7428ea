/** What must, and what must not, compile in a script. Checked by `tsc -b`; nothing here runs. */
import { run, $, type CreatedContainer, type Output, type RunningContainer, type StoppedContainer } from '@core/sdk';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

export async function states(created: CreatedContainer, running: RunningContainer, stopped: StoppedContainer): Promise<void> {
  same<Awaited<ReturnType<CreatedContainer['start']>>, RunningContainer>(true);
  same<Awaited<ReturnType<RunningContainer['stop']>>, StoppedContainer>(true);
  same<Awaited<ReturnType<StoppedContainer['start']>>, RunningContainer>(true);
  // @ts-expect-error a container that has not run has no commands
  void created.$`ls`;
  // @ts-expect-error nor has one that has ended
  stopped.exec(['ls']);
  // @ts-expect-error a container is no promise
  running.then(() => {});
  same<typeof stopped.exitCode, number>(true);
}

export async function commands(c: RunningContainer): Promise<void> {
  const output = await c.$`ls`;
  same<typeof output, Output>(true);
  for await (const line of c.$`ls`) same<typeof line, string>(true);
  same<string[], Awaited<ReturnType<(typeof output)['lines']>>>(true);
  await c.$({ timeout: '5s', cwd: '/', nothrow: true })`ls`.pipe(c.$`wc -l`).pipe`cat`;
  // @ts-expect-error a unit is missing
  c.$({ timeout: '5' });
  // @ts-expect-error limits belong to the container, not to a command in it
  c.$({ memory: '64m' });
  await $({ memory: '64m', image: 'host' })`ls`;
  // @ts-expect-error the top-level $ chooses the command itself
  $({ command: ['ls'] });
}

export async function options(): Promise<void> {
  await using c = await run('host', { memory: '64m', signal: AbortSignal.timeout(5), timeout: '1m', onProgress: ({ phase }) => void phase });
  await c.update({ memory: '32m' });
  // @ts-expect-error the network of a running container stays as it is
  await c.update({ network: 'host' });
  // @ts-expect-error no such option
  await run('host', { ram: '64m' });
}
