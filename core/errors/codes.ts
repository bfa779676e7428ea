/**
 * The catalogue: the only place where an error code is born. Each entry says when it is thrown, the way out where there is a
 * general one, and whether the same call may succeed later. A test holds this list, `docs/errors.md` and the code together.
 */
export interface CatalogueEntry {
  /** When it is thrown. */
  readonly when: string;
  /** The way out; '' where only the throwing place can say it. */
  readonly hint: string;
  readonly retryable: boolean;
}

const entry = (when: string, hint = '', retryable = false): CatalogueEntry => ({ when, hint, retryable });

export const catalogue = {
  // what the caller gave
  E_INVALID: entry('an option, plan, plugin set or image is malformed; `issues` names every field'),
  E_NOT_FOUND: entry('no object of that kind has that id or name'),
  E_EXISTS: entry('the name or id is taken', 'Remove the other one first, or choose another name.'),
  E_STATE: entry('the object is not in a state that allows the call (exec into a stopped container)'),
  E_IN_USE: entry('the object is still used by another', 'Remove its users first.'),
  E_UNSUPPORTED: entry('this machine or this driver cannot do what was asked'),

  // plugins and the kernel
  E_AMBIGUOUS: entry('a need has several providers', 'Choose one under "bindings" in the plugin set.'),
  E_UNPROVIDED: entry('a need has no provider', 'Add a plugin that provides it to the plugin set.'),
  E_CYCLE: entry('plugins, or taps of one hook, each want to come before the other'),
  E_PLUGIN: entry('a plugin could not be loaded, or its setup failed'),
  E_PERMISSION: entry('a plugin used what its manifest does not ask for', 'Add the permission to the manifest.'),
  E_HOOK: entry('a tap of a hook threw; `step` names hook and plugin'),
  E_REFUSED: entry('an `admit` tap or the authorizer said no'),
  E_SWAP: entry('a swap failed; the former plugin is back in place'),
  E_CLOSED: entry('the kernel, plugin or connection was closed before the call ended'),
  E_BUSY: entry('another kernel owns the root', 'Attach to it, or give this one a root of its own.'),

  // calls and wires
  E_ABORTED: entry('the caller aborted the operation'),
  E_TIMEOUT: entry('a deadline passed', '', true),
  E_PROTOCOL: entry('the other end of a link sent what the protocol does not allow'),
  E_UNREACHABLE: entry('nothing answers at the socket', 'Start a kernel with `core run`.', true),

  // work on the machine
  E_SETUP: entry('the executor could not carry out a step of the plan; `step` and `errno` say which and why'),
  E_COMMAND: entry('the command of a container could not be executed (not found, or not executable)'),
  E_EXIT: entry('a command ended with a code other than 0, or by a signal'),
  E_EXECUTOR: entry('the executor is missing, or ended', 'Run `npm rebuild @core/runtime-linux`, then `core doctor`.', true),
  E_IMAGE: entry('an image, layer or archive is damaged or breaks a rule; nothing of it was kept'),
  E_IO: entry('the machine failed us: disk full, file unreadable; `errno` says how', '', true),
  E_INTERNAL: entry('a fault of ours', 'Please report it with the output of `core doctor --json`.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
