/** What a long operation tells while it runs. One shape for all of them, so that one renderer draws them all. */
export interface Progress {
  /** What is being worked on, stable for one row of a display: a layer's digest, a build step, a file. */
  readonly id: string;
  /** The phase, in the field's words: `unpack`, `verify`, `copy`. */
  readonly phase: string;
  /** Work done and to do, in `unit`; `total` is absent while unknown. */
  readonly current?: number;
  readonly total?: number;
  readonly unit?: 'bytes' | 'items';
  /** True once: nothing follows for this id. */
  readonly done?: boolean;
}
