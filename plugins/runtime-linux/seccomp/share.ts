/**
 * A classic BPF program in, a shorter one out that decides the same. Called by `compile.ts`.
 *
 * The kernel translates a filter anew for every process that loads it, so each instruction costs at every start and exec.
 * Half of a tree's instructions are its leaves, and nearly all of these return one of two values: jumps to equal returns are
 * led to one of them, and jumps to jumps to where these lead.
 */
import { JA, JEQ, JGE, JGT, MAX_SHORT_JUMP, RET, type Code, type Instruction } from './bpf.js';

const CONDITIONAL: ReadonlySet<number> = new Set([JEQ, JGT, JGE]);

/** Jumps lead forward only, so from the last instruction to the first every target is known when its jump is met. */
export function shareReturns(code: Code): Code {
  const program = new Backwards();
  /** Where each old instruction is now. */
  const places: number[] = [];
  for (let index = code.length - 1; index >= 0; index--) {
    const instruction = code[index] as Instruction;
    const [opcode, jt, jf, k] = instruction;
    const place = (distance: number): number => places[index + 1 + distance] as number;
    if (opcode === RET) places[index] = program.returning(instruction);
    else if (opcode === JA) places[index] = place(k);
    else if (CONDITIONAL.has(opcode)) places[index] = program.branch(instruction, place(jt), place(jf));
    else places[index] = program.before(place(0), instruction);
  }
  return program.from(places[0] as number);
}

/** A program written from its end: a place is counted from there, so it stays what it is while more is put in front. */
class Backwards {
  readonly #reversed: Instruction[] = [];
  readonly #returns = new Map<number, number>();

  returning(instruction: Instruction): number {
    const [, , , value] = instruction;
    const known = this.#returns.get(value);
    if (known !== undefined && this.#distance(known) < MAX_SHORT_JUMP) return known;
    const place = this.#put(instruction);
    this.#returns.set(value, place);
    return place;
  }

  branch([opcode, , , k]: Instruction, whenTrue: number, whenFalse: number): number {
    if (whenTrue === whenFalse) return whenTrue;
    // Each may push the other out of reach by one, hence room for two.
    const [near, far] = [whenTrue, whenFalse].map((place) => (this.#distance(place) + 1 < MAX_SHORT_JUMP ? place : this.#near(place))) as [number, number];
    return this.#put([opcode, this.#distance(near), this.#distance(far), k]);
  }

  /** An instruction that goes on with the next one. */
  before(next: number, instruction: Instruction): number {
    this.#follow(next);
    return this.#put(instruction);
  }

  from(start: number): Code {
    this.#follow(start);
    return this.#reversed.toReversed();
  }

  /** What is put in front next goes on at `place`. */
  #follow(place: number): void {
    if (place !== this.#reversed.length - 1) this.#near(place);
  }

  /** The same as at `place`, where everybody reaches it. */
  #near(place: number): number {
    const there = this.#reversed[place] as Instruction;
    if (there[0] !== RET) return this.#put([JA, 0, 0, this.#distance(place)]);
    const copy = this.#put(there);
    this.#returns.set(there[3], copy);
    return copy;
  }

  #put(instruction: Instruction): number {
    return this.#reversed.push(instruction) - 1;
  }

  #distance(place: number): number {
    return this.#reversed.length - 1 - place;
  }
}
