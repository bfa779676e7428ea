/** Where what belongs to this package is, seen from the bundle and from the compiled files alike. Used by whatever starts one of them. */
import { join } from 'node:path';

const PACKAGE = join(import.meta.dirname, '..', '..');

export const EXECUTOR = join(PACKAGE, 'executor', 'build', 'core-executor');
/** `core-oci` itself. */
export const COMMAND = join(PACKAGE, 'bin', 'core-oci.cjs');
