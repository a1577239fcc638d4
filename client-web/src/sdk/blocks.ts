/**
 * The section `Cells`: reads entries and their blocks into a store, slot by slot.
 *
 * In: the bytes up to the end of a message. Out: calls of `Cells`, and the checksums that did not
 * agree. Source: PROTOCOL.md § Cells.
 */
import type { Reader } from './bytes.ts';
import { type Cells, ViewError } from './cells.ts';
import { checksum } from './checksum.ts';
import { PAGES_MAX, SLOTS } from './rows.ts';
import { LAYERS } from './shape.ts';
import { hasBit } from './update.ts';

const REMOVED = 1;
const ADDED = 2;
const MOVED = 4;
const JUMPED = 8;
const TURNED = 16;
const CHANGED = 32;
const PAGE = 64;
const MORE = 128;
const PARTS = 63;

const SLOT_FOLLOWS = 0x40;
const SLOT_OVERLAY = 0x80;

/** A layer of a cell whose checksum is another than the server's. */
export interface Mismatch {
  tick: number;
  x: number;
  y: number;
  layer: number;
}

/** Reads to the end of the message. */
export function readCells(from: Reader, cells: Cells, mismatches: Mismatch[]): void {
  while (from.left > 0) {
    const entry = from.u8();
    if (entry >> 6 >= LAYERS) from.fail(`no layer ${entry >> 6}`);
    cells.openEntry(entry & 63, entry >> 6);
    for (let more = true; more; ) {
      const flags = from.u8();
      more = (flags & MORE) !== 0;
      cells.openPage(flags & PAGE ? from.varint(PAGES_MAX - 1) : 0);
      if (flags & PARTS) readParts(flags, from, cells);
      else readChecksum(from, cells, mismatches);
    }
  }
}

function readParts(flags: number, from: Reader, cells: Cells): void {
  if (flags & REMOVED) {
    for (let count = from.u8(); count > 0; count--) cells.remove(from.u8(), from.u8());
  }
  if (flags & ADDED) readAdded(from, cells);
  if (flags & MOVED) readMoved(from, cells);
  if (flags & JUMPED) {
    if (cells.shape.position < 0) from.fail('a movement of entities without a position');
    for (let count = from.u8(); count > 0; count--) cells.jump(from.u8(), from.i24(), from.i24());
  }
  if (flags & TURNED) readTurned(from, cells);
  if (flags & CHANGED) {
    for (let count = from.u8(); count > 0; count--) cells.change(from.u8(), from);
  }
}

function readAdded(from: Reader, cells: Cells): void {
  for (let count = from.u8(); count > 0; count--) {
    const slot = from.u8();
    const id = from.varint(0xffff_ffff);
    cells.add(slot & (SLOTS - 1), (slot & SLOT_FOLLOWS) !== 0, (slot & SLOT_OVERLAY) !== 0, id, from);
  }
}

function readMoved(from: Reader, cells: Cells): void {
  if (cells.shape.position < 0) from.fail('a movement of entities without a position');
  const head = from.u8();
  if (head & 0x80) from.fail(`unknown flags ${head}`);
  const width = (head >> 3) + 1;
  const count = from.bitmap((head & 7) + 1);
  const { low, high } = from;
  from.openBits(count * 2 * width);
  for (let slot = 0; slot < SLOTS; slot++) {
    if (hasBit(low, high, slot)) cells.move(slot, from.signedBits(width), from.signedBits(width));
  }
  from.closeBits();
}

function readTurned(from: Reader, cells: Cells): void {
  if (cells.shape.heading < 0) from.fail('a turn of entities without a heading');
  const head = from.u8();
  if (head > 7) from.fail(`unknown flags ${head}`);
  const count = from.bitmap(head + 1);
  const { low, high } = from;
  let [facesLow, facesHigh] = [low, high];
  from.openBits(count);
  for (let slot = 0; slot < SLOTS; slot++) {
    if (!hasBit(low, high, slot) || from.bits(1) === 0) continue;
    cells.follow(slot);
    if (slot < 32) facesLow &= ~(1 << slot);
    else facesHigh &= ~(1 << (slot - 32));
  }
  from.closeBits();
  for (let slot = 0; slot < SLOTS; slot++) {
    if (hasBit(facesLow, facesHigh, slot)) cells.face(slot, from.u8());
  }
}

function readChecksum(from: Reader, cells: Cells, mismatches: Mismatch[]): void {
  const expected = from.fixed16();
  if (!cells.debug) return;
  const { cell, layer } = cells.entry;
  // Each takes a look at every row, so that their number must have an end.
  if (cell.checkedAt[layer as 0 | 1 | 2] === cells.tick) throw new ViewError(`a second checksum of cell ${cell.number}, layer ${layer}`);
  cell.checkedAt[layer as 0 | 1 | 2] = cells.tick;
  if (checksum(cells, cell.index, layer) !== expected) mismatches.push({ tick: cells.tick, x: cell.x, y: cell.y, layer });
}
