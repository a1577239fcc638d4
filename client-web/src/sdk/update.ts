/**
 * Updates: the fields of a value that have changed, PROTOCOL.md § Frame.
 *
 * Decoding and applying are separate, so that a section is decoded whole before any of it is seen.
 */
import type { Reader, Writer } from './bytes.ts';
import type { Codec } from './codec.ts';

/** What has changed: pairs of field index and new value, in the order of the fields. */
export type Update = readonly (readonly [field: number, value: unknown])[];

type Fields = readonly (readonly [name: string, codec: Codec<any>])[];

/** The fields of which a mask has the bits: none of `()`, and one of what has no named fields. */
export function fieldsOf(codec: Codec<any>): Fields {
  if (codec.fields) return codec.fields;
  return 'unit' in codec ? [] : [['value', codec]];
}

/** As a field is written in an exact update. */
export function exactOf(codec: Codec<any>): Codec<any> {
  return codec.field?.exact ?? codec;
}

/** Whether the mask that stands in `low` and `high` has the bit. */
export function hasBit(low: number, high: number, bit: number): boolean {
  return ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1;
}

/** Reads a mask and the fields whose bit is set; `exact` as in the section `Own`. */
export function decodeUpdate(codec: Codec<any>, from: Reader, exact = false): Update {
  const fields = fieldsOf(codec);
  from.mask();
  // Fields may use the halves for themselves.
  const { low, high } = from;
  for (let bit = fields.length; bit < 64; bit++) {
    if (hasBit(low, high, bit)) from.fail(`mask names field ${bit} beyond the ${fields.length} there are`);
  }
  const changes: [number, unknown][] = [];
  fields.forEach(([, field], i) => {
    if (hasBit(low, high, i)) changes.push([i, (exact ? exactOf(field) : field).decode(from)]);
  });
  return changes;
}

/** Writes an update; for tests and fake servers. */
export function encodeUpdate(codec: Codec<any>, out: Writer, changes: Update, exact = false): void {
  const fields = fieldsOf(codec);
  let mask = 0n;
  for (const [field] of changes) mask |= 1n << BigInt(field);
  out.varintBig(mask);
  for (const [field, value] of changes) {
    const part = fields[field]![1];
    (exact ? exactOf(part) : part).encode(out, value);
  }
}

/** Whether the update can stand alone, as it must where there is no previous value. */
export function isWhole(codec: Codec<any>, changes: Update): boolean {
  return changes.length === fieldsOf(codec).length;
}

/** Returns the value after the update. The previous one is left as it was. */
export function applyUpdate<T>(codec: Codec<T>, previous: T | null, changes: Update): T {
  if (!codec.fields) return changes.length > 0 ? (changes[0]![1] as T) : (previous as T);
  const next: Record<string, unknown> = { ...(previous as object | null) };
  for (const [field, value] of changes) next[codec.fields[field]![0]] = value;
  return next as T;
}
