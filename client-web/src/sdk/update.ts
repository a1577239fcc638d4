/**
 * Updates: the fields of a value that have changed, PROTOCOL.md § Frame.
 *
 * Decoding and applying are separate, so that a message is decoded whole before any of it is seen.
 */
import type { Reader, Writer } from './bytes.ts';
import type { Codec } from './codec.ts';

/** What has changed: pairs of field index and new value, in the order of the fields. */
export type Update = readonly (readonly [field: number, value: unknown])[];

/** Reads a mask and the fields whose bit is set. */
export function decodeUpdate(codec: Codec<any>, from: Reader): Update {
  const parts = codec.fields;
  const count = parts ? parts.length : 1;
  const mask = from.varintBig();
  if (mask >> BigInt(count)) from.fail(`mask ${mask} names fields beyond the ${count} there are`);
  const changes: [number, unknown][] = [];
  for (let field = 0; field < count; field++) {
    if (!((mask >> BigInt(field)) & 1n)) continue;
    const part = parts ? parts[field]![1] : codec;
    changes.push([field, part.decode(from)]);
  }
  return changes;
}

/** Writes an update; for tests and fake servers. */
export function encodeUpdate(codec: Codec<any>, out: Writer, changes: Update): void {
  let mask = 0n;
  for (const [field] of changes) mask |= 1n << BigInt(field);
  out.varintBig(mask);
  for (const [field, value] of changes) {
    (codec.fields ? codec.fields[field]![1] : codec).encode(out, value);
  }
}

/** Whether the update can stand alone, as it must where there is no previous value. */
export function isWhole(codec: Codec<any>, changes: Update): boolean {
  return changes.length === (codec.fields ? codec.fields.length : 1);
}

/** Returns the value after the update. The previous one is left as it was. */
export function applyUpdate<T>(codec: Codec<T>, previous: T | null, changes: Update): T {
  if (!codec.fields) return changes.length > 0 ? (changes[0]![1] as T) : (previous as T);
  const next: Record<string, unknown> = { ...(previous as object | null) };
  for (const [field, value] of changes) next[codec.fields[field]![0]] = value;
  return next as T;
}
