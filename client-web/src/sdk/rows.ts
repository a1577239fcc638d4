/**
 * What cells hold, as columns: one row for each live slot.
 *
 * A cell's pages are sparse where its crowd has left, so rows are found by a number made of cell,
 * layer, page and slot, and no page takes memory for slots that are empty. A movement writes two
 * numbers and makes no object.
 */
import type { Known } from './roster.ts';

export const SLOTS = 64;
/** 65,536 pages are four million entities of one cell. */
export const PAGES_MAX = 0x1_0000;

/** Beside the heading in its column: it is the direction of the last movement. */
export const FOLLOWS = 0x100;
/** Beside the heading in its column: a lower layer has the entity's place. */
export const OVERLAY = 0x200;

/** Where a slot is, as one number below 2³⁰; `cell` is below 64. */
export function slotKey(cell: number, layer: number, page: number, slot: number): number {
  return (cell << 24) | (layer << 22) | (page << 6) | slot;
}

export const cellOf = (key: number): number => key >> 24;
export const layerOf = (key: number): number => (key >> 22) & 3;
/** Cell and layer together. */
export const sheetOf = (key: number): number => key >> 22;
export const pageOf = (key: number): number => (key >> 6) & (PAGES_MAX - 1);
export const slotOf = (key: number): number => key & (SLOTS - 1);

export class Rows {
  /** 1/64 m from the cell's corner. */
  x = new Int32Array(SLOTS);
  y = new Int32Array(SLOTS);
  /** 1/256 of a turn, and the flags. */
  heading = new Uint16Array(SLOTS);
  /** The direction of the last movement, followed or not. */
  direction = new Uint8Array(SLOTS);
  key = new Int32Array(SLOTS);
  /** Whom the row is a copy of; it need not be the newest. `null`: the row is free. */
  known: (Known | null)[] = [];
  /** Each field as it came, by index; only where checksums are verified. */
  wires: (Uint8Array[] | null)[] = [];

  private readonly byKey = new Map<number, number>();
  private free: number[] = [];

  /** How many rows there are, free ones among them. */
  get length(): number {
    return this.known.length;
  }

  /** The row of a slot, −1 if nothing is there. */
  find(key: number): number {
    return this.byKey.get(key) ?? -1;
  }

  add(key: number, known: Known): number {
    const row = this.free.pop() ?? this.known.length;
    if (row === this.x.length) this.grow();
    this.x[row] = 0;
    this.y[row] = 0;
    this.heading[row] = 0;
    this.direction[row] = 0;
    this.key[row] = key;
    this.known[row] = known;
    this.wires[row] = null;
    this.byKey.set(key, row);
    return row;
  }

  remove(row: number): void {
    this.byKey.delete(this.key[row]!);
    this.known[row] = null;
    this.wires[row] = null;
    this.free.push(row);
  }

  clear(): void {
    this.byKey.clear();
    this.known = [];
    this.wires = [];
    this.free = [];
  }

  private grow(): void {
    const size = this.x.length * 2;
    const larger = <T extends Int32Array | Uint16Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.x = larger(new Int32Array(size), this.x);
    this.y = larger(new Int32Array(size), this.y);
    this.heading = larger(new Uint16Array(size), this.heading);
    this.direction = larger(new Uint8Array(size), this.direction);
    this.key = larger(new Int32Array(size), this.key);
  }
}
