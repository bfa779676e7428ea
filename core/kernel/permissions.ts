/**
 * What a manifest may ask for. Comes in: the strings under `permissions`. Goes out: whether one of them grants a hook or a
 * path. Checked by the kernel in process too, but there it only keeps honest code honest: what holds dishonest code is the box
 * of an isolated plugin, which is built from the same list.
 *
 * `fs:/folder` that folder and all below it · `hooks:container.spec`, `hooks:container.*`, `hooks:*` tapping hooks · `exec`
 * starting programs on the machine · `net:host:port` reaching the network · `state` a corner of the state store.
 */
import { sep } from 'node:path';
import { CoreError } from '../errors/index.js';
import type { Lifecycles } from '../lifecycle/index.js';

export type HookName = { [Life in keyof Lifecycles]: `${Life}.${keyof Lifecycles[Life] & string}` }[keyof Lifecycles];

type HookGrant = HookName | `${keyof Lifecycles}.*` | '*';

export type Permission = `fs:/${string}` | `hooks:${HookGrant}` | 'exec' | `net:${string}` | 'state';

/** Whether one of `permissions` lets a plugin tap `hook` (`container.spec`). */
export function grantsHook(permissions: readonly string[], hook: string): boolean {
  const life = hook.slice(0, hook.indexOf('.'));
  return permissions.some((permission) => permission === 'hooks:*' || permission === `hooks:${life}.*` || permission === `hooks:${hook}`);
}

/** Whether an absolute path is the folder or lies below it; both with their links followed. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === sep ? sep : folder + sep);
}

/** The folders of the `fs:` permissions. */
export function grantedFolders(permissions: readonly string[]): string[] {
  return permissions.filter((permission) => permission.startsWith('fs:')).map((permission) => trimSlash(permission.slice('fs:'.length)));
}

export function permissionError(plugin: string, missing: string): CoreError {
  return new CoreError('E_PERMISSION', {
    message: `${plugin} lacks the permission ${missing}`,
    hint: `Add "${missing}" to the permissions of ${plugin}.`,
    object: { kind: 'plugin', id: plugin },
  });
}

/** Throws `E_PERMISSION` for events that are not the plugin's to tell: what happens to containers, the core says. */
export function checkEventType(plugin: string, type: string): void {
  if (type.startsWith(`${plugin}.`)) return;
  throw new CoreError('E_PERMISSION', {
    message: `${plugin} may not publish ${type}`,
    hint: `Let the type of its events begin with "${plugin}.".`,
    object: { kind: 'plugin', id: plugin },
  });
}

/** The strings that are no permission at all, for the manifest's check. */
export function malformedPermissions(permissions: readonly string[], hooks: readonly string[]): string[] {
  return permissions.filter((permission) => !isWellFormed(permission, hooks));
}

function isWellFormed(permission: string, hooks: readonly string[]): boolean {
  if (permission === 'exec' || permission === 'state') return true;
  if (permission.startsWith('fs:/')) return !permission.split('/').includes('..');
  if (permission.startsWith('net:')) return permission.length > 'net:'.length;
  if (!permission.startsWith('hooks:')) return false;
  return permission === 'hooks:*' || hooks.some((hook) => grantsHook([permission], hook));
}

function trimSlash(folder: string): string {
  return folder.length > 1 && folder.endsWith('/') ? folder.slice(0, -1) : folder;
}
