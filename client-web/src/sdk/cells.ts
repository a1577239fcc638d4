/**
 * The cells that a member sees, and what is in their slots.
 *
 * In: the parts of blocks, one slot at a time, as `blocks.ts` reads them. Out: what they mean for
 * the entities of a `Roster`: of several copies the newest counts, and who crosses a border is kept
 * until the other cell speaks. Source: PROTOCOL.md § Window, § Cells.
 */
import type { Reader } from './bytes.ts';
import type { Codec } from './codec.ts';
import type { Space } from './protocol.ts';
import { type Known, NOWHERE, Roster } from './roster.ts';
import { cellOf, FOLLOWS, layerOf, OVERLAY, Rows, slotKey, SLOTS } from './rows.ts';
import { direction, type FieldSet, headingValue, type Shape, shapeOf } from './shape.ts';
import { hasBit } from './update.ts';

/** The server's messages do not fit together; the connection is of no more use. */
export class ViewError extends Error {
  override readonly name = 'ViewError';
}

const WINDOW_SIDE = 7;
const WINDOW_CELLS = WINDOW_SIDE * WINDOW_SIDE;
const MIDDLE = 3;
const PER_METRE = 64;
/** In a removed slot: the entity is nowhere else. */
const GONE = 0xff;
/** Views change at ticks divisible by this, and a removed entity is kept no longer. */
const ALL_TIERS_TICKS = 4;

/** One cell in view. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  /** Its place in the store, which stays as it is while the window moves. */
  readonly index: number;
  /** Its number in the window; −1 when it is no more in view. */
  number: number;
  /** The tick of the last checksum of each layer. */
  readonly checkedAt: [number, number, number];
}

/** An entity, or an overlay of it, that waits for the cell to which it went. */
interface Kept {
  known: Known;
  /** 0 for the entity itself, else the layer of the overlay. */
  layer: number;
  until: number;
  cell: Cell | null;
  /** The fields that go with an overlay. */
  fields: FieldSet;
}

export class Cells {
  readonly shape: Shape;
  readonly rows = new Rows();
  readonly roster: Roster;
  /** Fields are kept as they came, for checksums. */
  readonly debug: boolean;
  space: Space = { type: 'Whole' };
  tick = 0;

  private readonly window: (Cell | null)[] = new Array(WINDOW_CELLS).fill(null);
  private readonly store: (Cell | null)[] = new Array(WINDOW_CELLS).fill(null);
  private kept: Kept[] = [];
  /** Where the next parts belong. */
  private cell: Cell | null = null;
  private layer = 0;
  private page = 0;

  constructor(entity: Codec<any>, debug: boolean) {
    this.shape = shapeOf(entity);
    this.roster = new Roster(this.shape);
    this.debug = debug;
  }

  /** Starts a tick. */
  begin(tick: number): void {
    this.roster.begin();
    this.tick = tick;
  }

  /** Ends a tick: lets go of whom no cell has taken over, and puts the lists in order. */
  end(): void {
    if (this.kept.length > 0) this.kept = this.kept.filter((kept) => !this.release(kept));
    this.roster.end();
  }

  /** Forgets everything; no cell is in view. */
  reset(): void {
    this.rows.clear();
    this.roster.clear();
    this.kept = [];
    this.window.fill(null);
    this.store.fill(null);
  }

  /** The interval in ticks at which an entity's cell is sent, 1 if it is not known. */
  tierOf(id: number): number {
    const known = this.roster.find(id);
    if (!known || this.space.type === 'Whole') return 1;
    const cell = known.home === NOWHERE ? this.cellThatKeeps(known) : this.cellOfRow(known.home);
    if (!cell || cell.number < 0) return 1;
    const ring = Math.max(Math.abs((cell.number % WINDOW_SIDE) - MIDDLE), Math.abs(Math.floor(cell.number / WINDOW_SIDE) - MIDDLE));
    if (ring <= this.space.near) return 1;
    return ring <= this.space.mid ? 2 : 4;
  }

  /** Whether an entity's heading is the direction of its movement. */
  follows(id: number): boolean {
    const home = this.roster.find(id)?.home ?? NOWHERE;
    return home !== NOWHERE && (this.rows.heading[home]! & FOLLOWS) !== 0;
  }

  /** Moves the window; what is no more in it is forgotten. */
  look(anchorX: number, anchorY: number, low: number, high: number): void {
    for (let bit = WINDOW_CELLS; bit < 64; bit++) {
      if (hasBit(low, high, bit)) throw new ViewError(`cell ${bit} is in view, a window has ${WINDOW_CELLS}`);
    }
    this.window.fill(null);
    for (const cell of this.store) {
      if (!cell) continue;
      cell.number = numberOf(cell.x - anchorX, cell.y - anchorY);
      if (cell.number >= 0 && hasBit(low, high, cell.number)) this.window[cell.number] = cell;
      else cell.number = -1;
    }
    this.forgetUnseen();
    for (let number = 0; number < WINDOW_CELLS; number++) {
      if (!hasBit(low, high, number) || this.window[number]) continue;
      const index = this.store.indexOf(null);
      const x = anchorX + (number % WINDOW_SIDE) - MIDDLE;
      const y = anchorY + Math.floor(number / WINDOW_SIDE) - MIDDLE;
      this.window[number] = this.store[index] = { x, y, index, number, checkedAt: [-1, -1, -1] };
    }
  }

  /** The next parts are of this cell and layer. */
  openEntry(number: number, layer: number): void {
    this.cell = this.window[number] ?? null;
    if (!this.cell) throw new ViewError(`cell ${number} is not in view`);
    this.layer = layer;
  }

  /** The next parts are of this page. */
  openPage(page: number): void {
    this.page = page;
  }

  /** The cell of which the parts are. */
  get entry(): { cell: Cell; layer: number } {
    return { cell: this.cell!, layer: this.layer };
  }

  /** The slot is empty from now on; its entity is gone, or went to cell `to` of a window around this. */
  remove(slot: number, to: number): void {
    const row = this.live(slot);
    if (to !== GONE && to >= WINDOW_CELLS) throw new ViewError(`an entity went to cell ${to}, a window has ${WINDOW_CELLS}`);
    const cell = this.cell!;
    const target = to === GONE ? null : this.at(cell.x + (to % WINDOW_SIDE) - MIDDLE, cell.y + Math.floor(to / WINDOW_SIDE) - MIDDLE);
    this.detach(row, to === GONE, target, this.nextWhole());
    this.rows.remove(row);
  }

  /** Takes an entity in; its place, heading and fields follow in `from`. */
  add(slot: number, follows: boolean, overlay: boolean, id: number, from: Reader): void {
    const key = this.keyOf(slot);
    if (this.rows.find(key) >= 0) throw new ViewError(`slot ${slot} is taken`);
    const before = this.roster.find(id);
    if (overlay && (this.layer === 0 || !before)) throw new ViewError(`entity ${id} has nothing that an overlay could lie on`);
    const known = before ?? this.roster.meet(id);
    const row = this.rows.add(key, known);
    if (overlay) {
      this.rows.heading[row] = OVERLAY;
      known.overlays[this.layer as 1 | 2] = row;
    } else {
      known.home = row;
      if (this.shape.position >= 0) this.put(row, from.i24(), from.i24());
      if (this.shape.heading >= 0) {
        const turn = from.u8();
        this.rows.heading[row] = turn | (follows ? FOLLOWS : 0);
        this.rows.direction[row] = turn;
      }
      this.show(row);
    }
    if (this.debug) this.rows.wires[row] = [];
    const { low, high } = this.fieldsOfRow(row);
    this.readFields(row, low, high, from);
    // Only now does the value of a type without named fields exist.
    if (!before) this.roster.show(known);
  }

  move(slot: number, dx: number, dy: number): void {
    const row = this.placed(slot);
    const { rows } = this;
    this.put(row, rows.x[row]! + dx, rows.y[row]! + dy);
    if (this.shape.heading >= 0 && (dx !== 0 || dy !== 0)) {
      const way = direction(dx, dy);
      rows.direction[row] = way;
      if (rows.heading[row]! & FOLLOWS) rows.heading[row] = way | FOLLOWS;
    }
    this.show(row);
  }

  jump(slot: number, x: number, y: number): void {
    const row = this.placed(slot);
    this.put(row, x, y);
    this.show(row);
  }

  /** The heading is that of the last movement, and of those to come. */
  follow(slot: number): void {
    const row = this.placed(slot);
    this.rows.heading[row] = this.rows.direction[row]! | FOLLOWS;
    this.show(row);
  }

  face(slot: number, turn: number): void {
    const row = this.placed(slot);
    this.rows.heading[row] = turn;
    this.show(row);
  }

  /** Reads an update of one slot. */
  change(slot: number, from: Reader): void {
    const row = this.live(slot);
    from.mask();
    const { low, high } = from;
    const allowed = this.fieldsOfRow(row);
    if ((low & ~allowed.low) !== 0 || (high & ~allowed.high) !== 0) from.fail(`mask has fields that layer ${this.layer} does not bring`);
    this.readFields(row, low, high, from);
  }

  /** The fields that a row brings, place and heading aside. */
  fieldsOfRow(row: number): FieldSet {
    const sets = this.rows.heading[row]! & OVERLAY ? this.shape.overlay : this.shape.whole;
    return sets[layerOf(this.rows.key[row]!)]!;
  }

  private keyOf(slot: number): number {
    if (slot >= SLOTS) throw new ViewError(`slot ${slot}, a page has ${SLOTS}`);
    return slotKey(this.cell!.index, this.layer, this.page, slot);
  }

  private live(slot: number): number {
    const row = this.rows.find(this.keyOf(slot));
    if (row < 0) throw new ViewError(`slot ${slot} of page ${this.page} is empty`);
    return row;
  }

  private placed(slot: number): number {
    const row = this.live(slot);
    if (this.rows.heading[row]! & OVERLAY) throw new ViewError(`slot ${slot} is an overlay and has no place`);
    return row;
  }

  private put(row: number, x: number, y: number): void {
    this.rows.x[row] = x;
    this.rows.y[row] = y;
  }

  private cellOfRow(row: number): Cell | null {
    return this.store[cellOf(this.rows.key[row]!)] ?? null;
  }

  private at(x: number, y: number): Cell | null {
    return this.store.find((cell) => cell !== null && cell.x === x && cell.y === y) ?? null;
  }

  private cellThatKeeps(known: Known): Cell | null {
    return this.kept.findLast((kept) => kept.known === known && kept.layer === 0)?.cell ?? null;
  }

  /** The tick that has sent all tiers: this one, or the next of its kind. */
  private nextWhole(): number {
    const past = this.tick % ALL_TIERS_TICKS;
    return past === 0 ? this.tick : (this.tick - past + ALL_TIERS_TICKS) >>> 0;
  }

  /** Brings place and heading of a row before the page, if it is the newest copy. */
  private show(row: number): void {
    const { rows, shape } = this;
    const known = rows.known[row]!;
    if (known.home !== row) return;
    if (known.pos) {
      const cell = this.cellOfRow(row)!;
      const side = this.space.type === 'Grid' ? this.space.cellM : 0;
      known.pos.x = cell.x * side + rows.x[row]! / PER_METRE;
      known.pos.y = cell.y * side + rows.y[row]! / PER_METRE;
    }
    if (shape.heading >= 0) known.entity[shape.fields[shape.heading]!.name] = headingValue(shape, rows.heading[row]! & 0xff);
    this.roster.noteChanged(known);
    this.roster.noteMoved(known);
  }

  private readFields(row: number, low: number, high: number, from: Reader): void {
    const { shape, rows } = this;
    const known = rows.known[row]!;
    const wires = rows.wires[row];
    const newest = known.home === row || known.overlays[this.layer] === row;
    for (let i = 0; i < shape.fields.length; i++) {
      if (!hasBit(low, high, i)) continue;
      const start = from.offset;
      const value = shape.fields[i]!.codec.decode(from);
      if (wires) wires[i] = from.since(start);
      if (newest) this.roster.set(known, i, value);
    }
    if (newest && (low | high) !== 0) this.roster.noteChanged(known);
  }

  /** A row is about to go: if it is the newest copy, its entity goes too, or is kept for a while. */
  private detach(row: number, gone: boolean, target: Cell | null, until: number): void {
    const known = this.rows.known[row]!;
    if (!known.alive) return;
    const layer = this.rows.heading[row]! & OVERLAY ? layerOf(this.rows.key[row]!) : 0;
    const home = layer === 0 && known.home === row;
    if (!home && known.overlays[layer] !== row) return;
    const fields = this.fieldsOfRow(row);
    if (home) known.home = NOWHERE;
    else known.overlays[layer as 1 | 2] = NOWHERE;
    if (gone && home) this.roster.lose(known);
    else {
      // An overlay that ended is looked at when the tick has said all: another may have come.
      const kept = { known, layer, until: target && !gone ? until : this.tick, cell: target, fields };
      known.keptUntil[layer as 0 | 1 | 2] = kept.until;
      this.kept.push(kept);
    }
  }

  /** Ends what was kept if its time is over; returns whether it is done with. */
  private release({ known, layer, until, cell, fields }: Kept): boolean {
    const waits = layer === 0 ? known.home === NOWHERE : known.overlays[layer] === NOWHERE;
    if (!known.alive || !waits || known.keptUntil[layer as 0 | 1 | 2] !== until) return true;
    // Ticks wrap: the difference is what counts.
    if (((this.tick - until) | 0) < 0 && cell && cell.number >= 0) return false;
    if (layer === 0) this.roster.lose(known);
    else this.hide(known, fields);
    return true;
  }

  /** Takes away what an overlay has shown, unless another copy shows it too. */
  private hide(known: Known, { low, high }: FieldSet): void {
    let [hiddenLow, hiddenHigh] = [low, high];
    for (const row of [known.home, ...known.overlays]) {
      if (row === NOWHERE) continue;
      const shown = this.fieldsOfRow(row);
      hiddenLow &= ~shown.low;
      hiddenHigh &= ~shown.high;
    }
    for (let i = 0; i < this.shape.fields.length; i++) if (hasBit(hiddenLow, hiddenHigh, i)) this.roster.set(known, i, null);
    if ((hiddenLow | hiddenHigh) !== 0) this.roster.noteChanged(known);
  }

  private forgetUnseen(): void {
    const { rows } = this;
    for (let row = 0; row < rows.length; row++) {
      if (!rows.known[row]) continue;
      const cell = this.cellOfRow(row)!;
      if (cell.number >= 0) continue;
      // Another cell may bring it within this tick.
      this.detach(row, false, null, this.tick);
      rows.remove(row);
    }
    this.store.forEach((cell, i) => {
      if (cell && cell.number < 0) this.store[i] = null;
    });
  }

}

/** The number of the cell that is so many columns and rows from the middle, −1 if it is outside. */
function numberOf(dx: number, dy: number): number {
  if (Math.abs(dx) > MIDDLE || Math.abs(dy) > MIDDLE) return -1;
  return (dy + MIDDLE) * WINDOW_SIDE + dx + MIDDLE;
}
