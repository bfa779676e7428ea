/**
 * Encoded plans of containers that differ in nothing but their id: the same image and settings again and again, as in a test
 * run, a job queue or a scaled service. Called by `lifecycle/create.ts`; a hit spares checking, compiling and encoding.
 *
 * Ids of one length make plans of one length, so that a plan becomes another container's by writing over the id wherever it
 * stands. The first twelve digits stand alone too, where they are the hostname.
 */

/** Only ids that cannot stand in a plan by chance. */
const ID = /^[0-9a-f]{64}$/;
const SHORT = 12;
const MAX_TEMPLATES = 32;

interface Template {
  readonly bytes: Buffer;
  readonly places: ReadonlyArray<{ readonly at: number; readonly length: number }>;
}

export class PlanTemplates {
  readonly #templates = new Map<string, Template>();

  /** What all containers like this one have in common; `undefined` for ids of another kind. `record` is the request as text. */
  key(id: string, record: string): string | undefined {
    return ID.test(id) ? record.replaceAll(id, '\u0000').replaceAll(id.slice(0, SHORT), '\u0001') : undefined;
  }

  /** The encoded plan of a container with this key and id. */
  instance(key: string, id: string): Buffer | undefined {
    const template = this.#templates.get(key);
    if (!template) return undefined;
    const bytes = Buffer.from(template.bytes);
    for (const { at, length } of template.places) bytes.write(id, at, length, 'latin1');
    return bytes;
  }

  /** `bytes` is the plan of the container `id`. */
  learn(key: string, { id, bytes }: { readonly id: string; readonly bytes: Buffer }): void {
    const [oldest] = this.#templates.keys();
    if (this.#templates.size >= MAX_TEMPLATES && oldest !== undefined) this.#templates.delete(oldest);
    this.#templates.set(key, { bytes, places: placesOf(id, bytes) });
  }
}

function placesOf(id: string, bytes: Buffer): Template['places'] {
  const places = [];
  const short = id.slice(0, SHORT);
  for (let at = bytes.indexOf(short); at >= 0; at = bytes.indexOf(short, at + SHORT)) {
    const whole = bytes.toString('latin1', at, at + id.length) === id;
    places.push({ at, length: whole ? id.length : SHORT });
  }
  return places;
}
