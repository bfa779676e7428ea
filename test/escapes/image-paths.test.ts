/** An image whose volumes and working folder climb out by `..`: a runtime that takes them for paths of the machine's copies or enters what lies there. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { escape, type Place } from './support/escape.js';
import { naiveRuntime } from './support/programs.js';
import { ociLayout, rootfs, run } from '../helpers/images.js';

escape({
  name: 'volumes and working folder of an image with ..',
  cves: ['2022-23648'],
  weakened({ folder }) {
    // What is at the volume's place in the image is copied into the new volume.
    const climb = climbTo(machineFolder(folder));
    return naiveRuntime('mkdir "$FOLDER/volume"; cp -r "$ROOT/$CLIMB/." "$FOLDER/volume"; cat "$FOLDER/volume/secret"', { FOLDER: folder, ROOT: rootfs(), CLIMB: climb }).stdout === 'secret';
  },
  async ours(at) {
    const outside = machineFolder(at.folder);
    const seen = await at.stage.through({ image: image(at, climbTo(outside)) }, `pwd; ls; cat secret; find / -xdev -name secret; touch mark`).then(({ out }) => out, () => '');
    return seen.includes('secret') || readdirSync(outside).join() !== 'secret';
  },
}, { tools: ['umoci'] });

function machineFolder(folder: string): string {
  const outside = join(folder, 'outside');
  mkdirSync(outside, { recursive: true });
  writeFileSync(join(outside, 'secret'), 'secret');
  return outside;
}

/** Out of any root. */
function climbTo(path: string): string {
  return `/..${'/..'.repeat(20)}${path}`;
}

function image({ folder }: Place, climb: string): string {
  const layout = join(folder, 'layout');
  cpSync(ociLayout().replace(/^oci:|:latest$/g, ''), layout, { recursive: true });
  run('umoci', ['config', '--image', `${layout}:latest`, '--config.volume', climb, '--config.workingdir', climb]);
  return `oci:${layout}:latest`;
}
