/** The plugins a real kernel is made of. Comes in: nothing. Goes out: a list for `createKernel`. Called by every test with real containers. */
import imageOci from '@core/image-oci';
import runtimeLinux from '@core/runtime-linux';

export const plugins = [runtimeLinux, imageOci];
