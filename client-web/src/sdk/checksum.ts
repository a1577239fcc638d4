/**
 * The checksum of one layer of a cell: whether this copy is the server's, byte for byte.
 *
 * Source: PROTOCOL.md § Cells, Checksum.
 */
import type { Cells } from './cells.ts';
import { FOLLOWS, OVERLAY, pageOf, sheetOf, slotOf } from './rows.ts';
import { hasBit } from './update.ts';

/** FNV-1a of 32 bits, folded to 16. */
export class Fnv {
  private state = 0x811c_9dc5;

  u8(byte: number): void {
    this.state = Math.imul(this.state ^ (byte & 0xff), 0x0100_0193);
  }

  u32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.u8(value >>> shift);
  }

  finish(): number {
    return (this.state ^ (this.state >>> 16)) & 0xffff;
  }
}

/** The checksum of what this client has; fields must have been kept as they came. */
export function checksum(cells: Cells, cell: number, layer: number): number {
  const { rows, shape } = cells;
  const sheet = (cell << 2) | layer;
  const found: number[] = [];
  for (let row = 0; row < rows.length; row++) {
    if (rows.known[row] && sheetOf(rows.key[row]!) === sheet) found.push(row);
  }
  // Keys grow with the page, and within a page with the slot.
  found.sort((a, b) => rows.key[a]! - rows.key[b]!);
  const sum = new Fnv();
  for (const row of found) {
    const heading = rows.heading[row]!;
    sum.u8(pageOf(rows.key[row]!));
    sum.u8(slotOf(rows.key[row]!));
    sum.u32(rows.known[row]!.id);
    if (!(heading & OVERLAY)) {
      if (shape.position >= 0) {
        sum.u32(rows.x[row]!);
        sum.u32(rows.y[row]!);
      }
      if (shape.heading >= 0) {
        sum.u8(heading & FOLLOWS ? 0 : 1);
        sum.u8(heading & FOLLOWS ? 0 : heading);
      }
    }
    const { low, high } = cells.fieldsOfRow(row);
    const wires = rows.wires[row] ?? [];
    for (let i = 0; i < shape.fields.length; i++) {
      if (hasBit(low, high, i)) for (const byte of wires[i] ?? []) sum.u8(byte);
    }
  }
  return sum.finish();
}
