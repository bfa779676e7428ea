/**
 * Up and down. Comes in: a planned kernel. Goes out: every plugin running, level by level; or, backwards, none. Called by
 * `kernel.ts`.
 */
import { bounded } from '../async/index.js';
import { CoreError, toCoreError, type ErrorIssue } from '../errors/index.js';
import type { KernelParts } from './parts.js';
import type { KernelEntry, Member } from './registry.js';
import { validate } from './standard-schema.js';

/** Milliseconds the calls under way have to unwind once their plugin closes. */
const UNWIND_DEADLINE = 5_000;

/** Those of one level come up together; the first failure ends the others. Leaves what is up to the caller's `bringDown`. */
export async function bringUp(parts: KernelParts, signal: AbortSignal | undefined): Promise<void> {
  await validateConfigs(parts);
  for (const level of parts.registry.plan.levels) {
    const ending = new AbortController();
    const end = (): void => ending.abort(signal?.reason);
    if (signal?.aborted) throw new CoreError('E_ABORTED', { message: 'the boot was aborted', cause: signal.reason });
    signal?.addEventListener('abort', end, { once: true });
    const starts = level.map((name) =>
      startMember(parts, parts.registry.member(name), ending.signal).catch((error: unknown) => {
        ending.abort(error);
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(starts);
    signal?.removeEventListener('abort', end);
    throwFirst(outcomes);
  }
}

/** Consumers before providers; whatever fails, the rest goes on. Returns what failed. */
export async function bringDown({ registry }: KernelParts): Promise<ErrorIssue[]> {
  const issues: ErrorIssue[] = [];
  for (const level of registry.plan.levels.toReversed()) {
    const failures = await Promise.all(level.map((name) => closeMember(registry.member(name))));
    issues.push(...failures.flat());
  }
  return issues;
}

/** What a member runs as from now on. Its slots are filled and follow it, should it end by itself. */
export function install({ registry, events, log }: Pick<KernelParts, 'registry' | 'events' | 'log'>, member: Member): void {
  const { running, entry } = member;
  member.state = 'running';
  for (const [local, contract] of Object.entries(entry.plugin.provides)) member.slots.get(contract.key)?.fill(running?.implementations[local]);
  void running?.closed?.then((reason) => {
    if (member.running !== running || member.state === 'closed') return;
    // Its taps stay and fail: a policy that is down must not pass for one that agrees.
    shutFailed(member, reason ?? new CoreError('E_CLOSED', { message: `${member.name} ended` }));
    log.error({ err: member.failure, plugin: member.name }, 'a plugin ended by itself');
    events.emit({ type: 'plugin.failed', object: { kind: 'plugin', id: member.name } });
    registry.onEnded(member.name);
  });
}

export function markFailed(member: Member, failure: CoreError): void {
  member.taps.remove();
  shutFailed(member, failure);
}

function shutFailed(member: Member, failure: CoreError): void {
  member.state = 'failed';
  member.failure = failure;
  for (const slot of member.slots.values()) {
    slot.close(`has failed: ${failure.message}`);
    slot.abandon();
  }
}

/** Every config is validated before anything starts, so that all faults are told at once. */
async function validateConfigs({ registry }: KernelParts): Promise<void> {
  const issues: ErrorIssue[] = [];
  for (const member of registry.members) {
    await validateConfig(member.entry).then(
      (config) => (member.config = config),
      (error: unknown) => issues.push(...toCoreError(error).issues),
    );
  }
  if (issues.length > 0) throw new CoreError('E_INVALID', { message: issues.map(({ path, message }) => `${path}: ${message}`).join('; '), issues });
}

/** Throws `E_INVALID`, paths beginning with the plugin's name. */
export async function validateConfig({ plugin, config }: Pick<KernelEntry, 'plugin' | 'config'>): Promise<unknown> {
  if (plugin.config) return validate(plugin.config, config ?? {}, `${plugin.name}.config`);
  if (config === undefined || (typeof config === 'object' && config !== null && Object.keys(config).length === 0)) return undefined;
  const issue = { path: `${plugin.name}.config`, message: 'this plugin takes no config' };
  throw new CoreError('E_INVALID', { message: `${issue.path}: ${issue.message}`, issues: [issue] });
}

async function startMember(parts: KernelParts, member: Member, signal: AbortSignal): Promise<void> {
  const { registry, starter, log, events } = parts;
  const { entry, config, taps } = member;
  try {
    member.running = await starter.start({ entry, config, plan: registry.plan, previous: undefined, signal, taps });
    install(parts, member);
  } catch (error) {
    const failure = toCoreError(error);
    if (!entry.optional || signal.aborted) throw failure;
    markFailed(member, failure);
    log.warn({ err: failure, plugin: member.name }, 'an optional plugin failed; going on without it');
    events.emit({ type: 'plugin.failed', object: { kind: 'plugin', id: member.name } });
  }
}

async function closeMember(member: Member): Promise<ErrorIssue[]> {
  const { name, running } = member;
  if (!running) return [];
  member.state = 'closed';
  const slots = [...member.slots.values()];
  for (const slot of slots) slot.close('is closed');
  await bounded(Promise.all(slots.map((slot) => slot.drained())), { what: `calls of ${name}`, deadline: UNWIND_DEADLINE }).catch(() => {});
  for (const slot of slots) slot.abandon();
  const issues = await running.close().then(
    () => [],
    (error: unknown) => issuesOf(name, toCoreError(error)),
  );
  member.running = undefined;
  member.taps.remove();
  return issues;
}

/** The failures of a closing, each with its plugin: `runtime-linux: executor`. */
export function issuesOf(plugin: string, error: CoreError): ErrorIssue[] {
  if (error.issues.length === 0) return [{ path: plugin, message: error.message }];
  return error.issues.map(({ path, message }) => ({ path: `${plugin}: ${path}`, message }));
}

/** The others were ended because of the first failure: what they say of it is no news. */
function throwFirst(outcomes: ReadonlyArray<PromiseSettledResult<void>>): void {
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [toCoreError(outcome.reason)] : []));
  const [first] = failures.toSorted((a, b) => Number(a.code === 'E_ABORTED') - Number(b.code === 'E_ABORTED'));
  if (first) throw first;
}
