/**
 * The plugins a real kernel is made of. Comes in: `CORE_EXECUTOR`, the path of another build of the executor (that of the sanitizers).
 * Goes out: a list for `createKernel`. Called by every test with real containers.
 */
import imageOci from '@core/image-oci';
import runtimeLinux from '@core/runtime-linux';

const executor = process.env['CORE_EXECUTOR'];

export const plugins = [{ plugin: runtimeLinux, config: executor ? { executor } : {} }, { plugin: imageOci }];
