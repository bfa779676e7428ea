/**
 * Many deadlines of one length for the price of one timer. Comes in: whatever waits, as it begins and ends. Goes out: a call of
 * `expire` for what has waited too long, and the list of what waits. Used by ports for every call, where a timer and a place in
 * a `Set` would cost more than all the rest; so the list is made of links in the waiting objects themselves.
 */
export abstract class Waiting {
  previous: Waiting | undefined = undefined;
  next: Waiting | undefined = undefined;
  /** Tick at which it began. */
  began = 0;

  /** Told once, when the deadline has passed; takes itself off the list. */
  abstract expire(): void;
}

/** A deadline is kept to within this part of its length: late, never early. */
const TICKS = 16;

export class Deadlines<Item extends Waiting> {
  readonly #period: number;
  /** In the order they began. */
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #tick = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `length` in milliseconds; 0 keeps the list and never expires. */
  constructor(length: number) {
    this.#period = length / TICKS;
  }

  begin(item: Item): void {
    if (this.#period > 0) {
      if (this.#timer === undefined) this.#arm();
      else if (this.#first === undefined) this.#timer.ref();
    }
    item.began = this.#tick;
    item.previous = this.#last;
    if (this.#last) this.#last.next = item;
    else this.#first = item;
    this.#last = item;
  }

  /** Takes off the list what is on it. */
  end(item: Item): void {
    if (item.previous) item.previous.next = item.next;
    else this.#first = item.next;
    if (item.next) item.next.previous = item.previous;
    else this.#last = item.previous;
    item.previous = item.next = undefined;
    // The timer runs on, so that quick calls one after the other share it; but it keeps no process alive for nobody.
    if (this.#first === undefined) this.#timer?.unref();
  }

  /** A copy: what waits may end while it is walked. */
  items(): Item[] {
    const items: Waiting[] = [];
    for (let item = this.#first; item; item = item.next) items.push(item);
    return items as Item[];
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#sweep(), this.#period);
  }

  #sweep(): void {
    this.#tick++;
    for (const item of this.items()) {
      if (this.#tick - item.began <= TICKS) break;
      item.expire();
    }
    this.#timer = undefined;
    if (this.#first) this.#arm();
  }
}
