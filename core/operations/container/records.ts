/**
 * How container records are kept. Comes in: records as the operations have them, whole. Goes out: the same after a restart.
 * Called wherever a container changes, always inside `Store.write`.
 *
 * A start writes a record three times, so what is written is small: what changes stands by itself, what hardly ever does
 * (settings, spec, rootfs) beside it and only when it is another object than last time, and the seccomp profile, which is
 * most of a spec and the same for nearly all containers, once per content.
 */
import { createHash } from 'node:crypto';
import type { Oci } from '../../contracts/index.js';
import { CoreError } from '../../errors/index.js';
import type { Collection, Store } from '../../state/index.js';
import type { ContainerRecord } from './record.js';

export interface Records {
  /** In no particular order. */
  all(): ContainerRecord[];
  put(record: ContainerRecord): void;
  /** What is not there counts as deleted. */
  delete(id: string): void;
}

const DESCRIBING = ['imageConfig', 'settings', 'spec', 'rootfs'] as const;

type Description = Pick<ContainerRecord, (typeof DESCRIBING)[number]>;

/** `profile`: the content key of `linux.seccomp`, which `spec` then lacks. */
type WrittenDescription = Description & { readonly profile?: string };

type Changing = Omit<ContainerRecord, keyof Description>;

export function openRecords(store: Store): Records {
  const changing: Collection<Changing> = store.collection('containers');
  const descriptions: Collection<WrittenDescription> = store.collection('descriptions');
  const profiles = new Profiles(store.collection('profiles'));
  const written = new Map<string, Description>();
  return {
    all: () =>
      changing.entries().flatMap(([id, record]) => {
        const description = descriptions.get(id);
        return description ? [{ ...record, ...profiles.insert(description) }] : [];
      }),
    put({ imageConfig, settings, spec, rootfs, ...record }) {
      const { id } = record;
      const description = { imageConfig, settings, spec, rootfs };
      const last = written.get(id);
      if (!last || DESCRIBING.some((part) => last[part] !== description[part])) {
        descriptions.put(id, profiles.extract(description));
        written.set(id, description);
      }
      changing.put(id, record);
    },
    delete(id) {
      changing.delete(id);
      descriptions.delete(id);
      written.delete(id);
    },
  };
}

/** Seccomp profiles by content. There are as many as different ones were ever used: a handful, so none is ever dropped. */
class Profiles {
  readonly #collection: Collection<Oci.Seccomp>;
  readonly #keys = new WeakMap<Oci.Seccomp, string>();
  readonly #kept = new Set<string>();

  constructor(collection: Collection<Oci.Seccomp>) {
    this.#collection = collection;
  }

  extract(description: Description): WrittenDescription {
    const { seccomp, ...linux } = description.spec.linux ?? {};
    if (!seccomp) return description;
    const profile = this.#keyOf(seccomp);
    // Written again until it is seen to be there: a commit may fail, and a container must never come back without its filter.
    if (this.#kept.has(profile)) return { ...description, spec: { ...description.spec, linux }, profile };
    if (this.#collection.get(profile)) this.#kept.add(profile);
    else this.#collection.put(profile, seccomp);
    return { ...description, spec: { ...description.spec, linux }, profile };
  }

  insert({ profile, ...description }: WrittenDescription): Description {
    if (profile === undefined) return description;
    const seccomp = this.#collection.get(profile);
    if (!seccomp) throw new CoreError('E_IO', { message: `the state is damaged: the seccomp profile ${profile} is missing`, object: { kind: 'profile', id: profile } });
    return { ...description, spec: { ...description.spec, linux: { ...description.spec.linux, seccomp } } };
  }

  #keyOf(profile: Oci.Seccomp): string {
    const known = this.#keys.get(profile);
    if (known !== undefined) return known;
    const key = createHash('sha256').update(JSON.stringify(profile)).digest('hex');
    // Only what cannot change may be known again by identity.
    if (Object.isFrozen(profile)) this.#keys.set(profile, key);
    return key;
  }
}
