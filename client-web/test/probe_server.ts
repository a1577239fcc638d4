/**
 * A small server for one member: entities that wander over a grid of cells, in all layers and tiers,
 * and messages that tell of them. It reckons by comparing what is with what it has said.
 */
import { Writer } from '../src/sdk/bytes.ts';
import { direction } from '../src/sdk/shape.ts';
import { hex } from './hex.ts';
import type { Random } from './seeded.ts';
import { frame, i24, look, MORE, RESET, sum, written } from './wire.ts';

const CELL_UNITS = 32 * 64;
const AVATAR = 7;
const BITS = { kind: 2, name: 3, stamina: 4, health: 5, ammo: 6 } as const;
type FieldName = keyof typeof BITS;
/** By layer: the fields of an entity, and of an overlay. */
const WHOLE: FieldName[][] = [['kind', 'name', 'stamina'], ['kind', 'name', 'stamina', 'health'], ['kind', 'name', 'stamina', 'health', 'ammo']];
const OVERLAY: FieldName[][] = [[], ['health'], ['health', 'ammo']];

interface Being {
  id: number;
  x: number;
  y: number;
  turn: number;
  follows: boolean;
  kind: number;
  name: string;
  stamina: number;
  health: number;
  ammo: number;
  /** The lowest layer that has it, and those that lay something over it. */
  layer: number;
  overlays: number[];
}

/** What the member was told of one slot. */
interface Told extends Being {
  overlay: boolean;
  way: number;
}

interface Sheet {
  x: number;
  y: number;
  layer: number;
  slots: (Being | null)[];
  told: (Told | null)[];
  /** Where those went who are told of and gone. */
  went: Map<number, number>;
}

export class ProbeServer {
  now = 0;
  readonly beings: Being[] = [];
  private readonly random: Random;
  private readonly sheets = new Map<string, Sheet>();
  private anchor = { x: 0, y: 0 };
  private seen: number[] = [];
  private ids = 1;
  private exact: string | null = null;

  constructor(random: Random, beings = 60) {
    this.random = random;
    for (let i = 0; i < beings; i++) this.spawn();
  }

  get avatar(): Being {
    return this.beings.find(({ id }) => id === AVATAR)!;
  }

  /** Where the own entity is exactly, in metres. */
  get avatarAt(): { x: number; y: number } {
    return { x: Math.fround((this.avatar.x + 0.25) / 64), y: Math.fround((this.avatar.y - 0.25) / 64) };
  }

  /** One tick; returns its messages. */
  tick(): Uint8Array[] {
    const first = this.now === 0;
    this.now += 1;
    for (const being of [...this.beings]) this.wander(being);
    if (this.random.below(4) === 0) this.spawn();
    const sections: string[] = [];
    const { x, y } = this.avatarAt;
    const exact = written((out) => [x, y].forEach((side) => out.f32(side)));
    if (first || exact !== this.exact) sections.push(`0401${exact}`);
    this.exact = exact;
    if (first) sections.push('060301026f6b');
    if (first || this.now % 4 === 0) sections.push(...this.moveWindow());
    const entries = this.seen.flatMap((number) => [0, 1, 2].map((layer) => this.entry(number, layer))).filter((entry) => entry !== '');
    const messages: string[][] = [sections];
    for (const entry of entries) {
      // Cells go on in another message of the tick now and then.
      const last = messages.at(-1)!;
      if (this.random.below(5) === 0 || last.join('').length > 12_000) messages.push(['08', entry]);
      else if (last.includes('08')) last.push(entry);
      else last.push('08', entry);
    }
    return messages.map((message, i) => frame(this.now, (first && i === 0 ? RESET : 0) | (i + 1 < messages.length ? MORE : 0), ...message));
  }

  /** What the member sees after a tick of all tiers, by id. */
  expected(): Map<number, object> {
    const all = new Map<number, object>();
    for (const sheet of this.sheets.values()) {
      if (!this.seen.includes(this.numberOf(sheet.x, sheet.y))) continue;
      for (const told of sheet.told) {
        if (!told || told.overlay) continue;
        const pos = told.id === AVATAR ? this.avatarAt : { x: told.x / 64, y: told.y / 64 };
        const seesTeam = told.layer > 0 || told.overlays.length > 0;
        all.set(told.id, {
          pos, heading: told.follows ? told.way : told.turn, kind: told.kind ? 'Sheep' : 'Player', name: told.name, stamina: told.stamina / 2,
          health: seesTeam ? told.health : null, ammo: told.overlays.includes(2) || told.layer === 2 ? told.ammo : null,
        });
      }
    }
    return all;
  }

  private spawn(): void {
    const { random } = this;
    const id = this.ids++;
    const layer = id === AVATAR ? 0 : [0, 0, 0, 0, 1, 2][random.below(6)]!;
    const overlays = layer === 0 ? [[], [], [1], [2], [1, 2]][id === AVATAR ? 4 : random.below(5)]! : [];
    const being: Being = {
      id: layer === 0 ? id : id + 2 ** 30, x: random.below(5 * CELL_UNITS) - 2 * CELL_UNITS, y: random.below(5 * CELL_UNITS) - 2 * CELL_UNITS,
      turn: random.below(256), follows: random.below(2) === 0, kind: random.below(2), name: 'né'.repeat(random.below(3)), stamina: random.below(201),
      health: random.below(256), ammo: random.below(1000), layer, overlays,
    };
    this.beings.push(being);
    this.put(being);
  }

  private wander(being: Being): void {
    const { random } = this;
    const fate = random.below(100);
    if (fate === 0 && being.id !== AVATAR) {
      this.take(being, null);
      this.beings.splice(this.beings.indexOf(being), 1);
      return;
    }
    const before = cellOf(being);
    const reach = fate < 3 ? 6000 : fate < 6 && being.id !== AVATAR ? 300_000 : 40;
    if (fate < 60) {
      being.x += random.below(2 * reach + 1) - reach;
      being.y += random.below(2 * reach + 1) - reach;
      // Nobody gets lost: the world is seven cells wide.
      for (const side of ['x', 'y'] as const) if (Math.abs(being[side]) > 3 * CELL_UNITS) being[side] = random.below(CELL_UNITS);
    }
    if (fate % 10 === 1) being.follows = !being.follows;
    if (fate % 10 === 2) being.turn = random.below(256);
    if (fate % 10 === 3) being.name = ['', 'Ada', 'a longer name than most'][random.below(3)]!;
    if (fate % 10 === 4) being.stamina = random.below(201);
    if (fate % 10 === 5) being.health = random.below(256);
    if (fate % 10 === 6) being.ammo = random.below(65_536);
    const after = cellOf(being);
    if (after.x !== before.x || after.y !== before.y) {
      this.take(being, after);
      this.put(being);
    } else if (fate % 30 === 7 && being.layer === 0) {
      this.uncover(being);
      being.overlays = [[], [1], [2], [1, 2]][random.below(4)]!;
      this.put(being, being.overlays);
    }
  }

  private sheet(x: number, y: number, layer: number): Sheet {
    const key = `${x} ${y} ${layer}`;
    let sheet = this.sheets.get(key);
    if (!sheet) this.sheets.set(key, (sheet = { x, y, layer, slots: [], told: [], went: new Map() }));
    return sheet;
  }

  private put(being: Being, layers = [being.layer, ...being.overlays]): void {
    const { x, y } = cellOf(being);
    for (const layer of layers) {
      const { slots } = this.sheet(x, y, layer);
      const free = slots.indexOf(null);
      // Few share a cell here: every other slot fills the second page as well.
      if (free >= 0) slots[free] = being;
      else slots.push(being, ...Array(11).fill(null));
    }
  }

  private take(being: Being, to: { x: number; y: number } | null): void {
    for (const sheet of this.sheets.values()) {
      const slot = sheet.slots.indexOf(being);
      if (slot >= 0) sheet.slots[slot] = null;
      const goes = to !== null && (sheet.layer === being.layer || being.overlays.includes(sheet.layer));
      const number = goes ? windowNumber(to.x - sheet.x, to.y - sheet.y) : -1;
      // Whoever went on before that was told is said to be where it is now.
      sheet.told.forEach((told, at) => {
        if (told?.id === being.id) sheet.went.set(at, number < 0 ? 0xff : number);
      });
    }
  }

  /** Takes all overlays of an entity away; they go nowhere. */
  private uncover(being: Being): void {
    for (const sheet of this.sheets.values()) {
      if (sheet.layer === being.layer) continue;
      sheet.slots = sheet.slots.map((other) => (other === being ? null : other));
      sheet.told.forEach((told, slot) => told?.id === being.id && sheet.went.set(slot, 0xff));
    }
  }

  private numberOf(x: number, y: number): number {
    return windowNumber(x - this.anchor.x, y - this.anchor.y);
  }

  private moveWindow(): string[] {
    this.anchor = cellOf(this.avatar);
    const hole = this.random.below(49);
    this.seen = [...Array(49).keys()].filter((number) => number === 24 || number !== hole);
    for (const sheet of this.sheets.values()) {
      const number = this.numberOf(sheet.x, sheet.y);
      if (this.seen.includes(number)) continue;
      sheet.told = [];
      sheet.went.clear();
    }
    return [look(this.anchor.x, this.anchor.y, ...this.seen)];
  }

  private entry(number: number, layer: number): string {
    const ring = Math.max(Math.abs((number % 7) - 3), Math.abs(Math.floor(number / 7) - 3));
    if (this.now > 1 && this.now % [1, 1, 2, 4][ring]! !== 0) return '';
    const sheet = this.sheets.get(`${this.anchor.x + (number % 7) - 3} ${this.anchor.y + Math.floor(number / 7) - 3} ${layer}`);
    if (!sheet) return '';
    const blocks: { flags: number; body: string }[] = [];
    for (let page = 0; page * 64 < Math.max(sheet.slots.length, sheet.told.length); page++) {
      const { flags, body } = this.block(sheet, page);
      if (flags & 63) blocks.push({ flags: flags | (page ? 64 : 0), body: (page ? written((out) => out.varint(page)) : '') + body });
    }
    sheet.went.clear();
    if (this.now % 64 === 0) blocks.push({ flags: 0, body: checksumOf(sheet) });
    if (blocks.length === 0) return '';
    return written((out) => {
      out.u8((layer << 6) | number);
      blocks.forEach(({ flags }, i) => (blocks[i]!.flags = flags | (i + 1 < blocks.length ? 128 : 0)));
    }) + blocks.map(({ flags, body }) => flags.toString(16).padStart(2, '0') + body).join('');
  }

  /** One page's block; what is told is told from now on. */
  private block(sheet: Sheet, page: number): { flags: number; body: string } {
    const parts: string[][] = [[], [], [], [], [], []];
    const moved: [slot: number, dx: number, dy: number][] = [];
    const turned: [slot: number, follows: boolean, turn: number][] = [];
    for (let slot = 0; slot < 64; slot++) {
      const at = page * 64 + slot;
      const told = sheet.told[at] ?? null;
      const being = sheet.slots[at] ?? null;
      const gone = told !== null && sheet.went.has(at);
      if (gone) {
        parts[0]!.push(written((out) => [slot, sheet.went.get(at)!].forEach((byte) => out.u8(byte))));
        sheet.told[at] = null;
      }
      if (!being) continue;
      if (!told || gone) {
        parts[1]!.push(addedPart(sheet, slot, being));
        sheet.told[at] = { ...being, overlay: being.layer !== sheet.layer, way: being.turn };
        continue;
      }
      const [dx, dy] = [being.x - told.x, being.y - told.y];
      const fields = (told.overlay ? OVERLAY : WHOLE)[sheet.layer]!.filter((name) => told[name] !== being[name]);
      if (fields.length > 0) {
        parts[5]!.push(written((out) => {
          out.u8(slot);
          out.varint(fields.reduce((mask, name) => mask | (1 << BITS[name]), 0));
        }) + fieldsOf(being, fields));
      }
      const next: Told = { ...being, overlay: told.overlay, way: told.way };
      if (!told.overlay) {
        const small = Math.max(Math.abs(dx), Math.abs(dy)) < 2000;
        if (small && (dx !== 0 || dy !== 0)) {
          moved.push([slot, dx, dy]);
          next.way = direction(dx, dy);
        } else if (!small) parts[3]!.push(written((out) => placeOf(out, slot, being, sheet)));
        if (told.follows !== being.follows || (!being.follows && told.turn !== being.turn)) turned.push([slot, being.follows, being.turn]);
      }
      sheet.told[at] = next;
    }
    if (moved.length > 0) parts[2]!.push(movedPart(moved));
    if (turned.length > 0) parts[4]!.push(turnedPart(turned));
    const counted = (list: string[]) => list.length.toString(16).padStart(2, '0') + list.join('');
    const flags = parts.reduce((all, list, i) => all | (list.length > 0 ? 1 << i : 0), 0);
    const body = parts.map((list, i) => (list.length === 0 ? '' : i === 2 || i === 4 ? list[0]! : counted(list))).join('');
    return { flags, body };
  }
}

function cellOf({ x, y }: { x: number; y: number }): { x: number; y: number } {
  return { x: Math.floor(x / CELL_UNITS), y: Math.floor(y / CELL_UNITS) };
}

function windowNumber(dx: number, dy: number): number {
  return Math.abs(dx) > 3 || Math.abs(dy) > 3 ? -1 : (dy + 3) * 7 + dx + 3;
}

function fieldsOf(being: Being, names: FieldName[]): string {
  return written((out) => {
    for (const name of names) {
      if (name === 'name') out.string(being.name);
      else if (name === 'health') out.u8(being.health);
      else out.varint(being[name]);
    }
  });
}

function placeOf(out: Writer, slot: number, being: Being, sheet: Sheet): void {
  out.u8(slot);
  i24(out, being.x - sheet.x * CELL_UNITS);
  i24(out, being.y - sheet.y * CELL_UNITS);
}

function addedPart(sheet: Sheet, slot: number, being: Being): string {
  const overlay = being.layer !== sheet.layer;
  return written((out) => {
    out.u8(slot | (being.follows && !overlay ? 0x40 : 0) | (overlay ? 0x80 : 0));
    out.varint(being.id);
    if (overlay) return;
    i24(out, being.x - sheet.x * CELL_UNITS);
    i24(out, being.y - sheet.y * CELL_UNITS);
    out.u8(being.turn);
  }) + fieldsOf(being, (overlay ? OVERLAY : WHOLE)[sheet.layer]!);
}

/** Head (in its low bits), bitmap, and numbers of `width` bits one after another. */
function packed(slots: number[], head: number, width: number, values: number[]): string {
  return written((out) => {
    const last = Math.max(...slots);
    out.u8((last >> 3) | head);
    for (let byte = 0; byte <= last >> 3; byte++) out.u8(slots.reduce((all, slot) => all | (slot >> 3 === byte ? 1 << (slot & 7) : 0), 0));
    let bits = values.map((value) => BigInt.asUintN(width, BigInt(value))).reduceRight((all, value) => (all << BigInt(width)) | value, 0n);
    for (let left = values.length * width; left > 0; left -= 8, bits >>= 8n) out.u8(Number(bits & 0xffn));
  });
}

function movedPart(moved: [number, number, number][]): string {
  const furthest = Math.max(...moved.map(([, dx, dy]) => Math.max(dx < 0 ? -dx - 1 : dx, dy < 0 ? -dy - 1 : dy)));
  const width = 33 - Math.clz32(furthest);
  return packed(moved.map(([slot]) => slot), (width - 1) << 3, width, moved.flatMap(([, dx, dy]) => [dx, dy]));
}

function turnedPart(turned: [number, boolean, number][]): string {
  const faces = turned.filter(([, follows]) => !follows).map(([, , turn]) => turn.toString(16).padStart(2, '0'));
  return packed(turned.map(([slot]) => slot), 0, 1, turned.map(([, follows]) => (follows ? 1 : 0))) + faces.join('');
}

function checksumOf(sheet: Sheet): string {
  const parts = sheet.told.map((told, at) => {
    if (!told) return '';
    const head = written((out) => {
      out.u8(at >> 6);
      out.u8(at & 63);
      out.fixed32(told.id);
      if (told.overlay) return;
      out.fixed32((told.x - sheet.x * CELL_UNITS) >>> 0);
      out.fixed32((told.y - sheet.y * CELL_UNITS) >>> 0);
      out.u8(told.follows ? 0 : 1);
      out.u8(told.follows ? 0 : told.turn);
    });
    return head + fieldsOf(told, (told.overlay ? OVERLAY : WHOLE)[sheet.layer]!);
  });
  return sum(...parts);
}

/** For messages in failures. */
export const shown = (messages: Uint8Array[]): string => messages.map(hex).join('\n');
