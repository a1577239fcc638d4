/**
 * The golden vectors that Rust writes and both sides read: `tests/vectors/*.json`.
 *
 * A vector's name begins with the type it holds, then anything after a space, slash or colon:
 * `Input walk`, `Entity: a sheep`. Values are as serde writes them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Reader, Writer } from '../src/sdk/bytes.ts';
import { type Codec } from '../src/sdk/codec.ts';
import { meadow } from '../src/meadow/game.ts';
import { hex, unhex } from './hex.ts';

const folder = new URL('../../tests/vectors/', import.meta.url);

const OWN = [
  { name: 'Input walk', bytes: '007f00', value: { Walk: { dx: 127, dy: 0 } } },
  { name: 'Input goto', bytes: '010000c03f000000c0', value: { Goto: { x: 1.5, y: -2 } } },
  { name: 'Input emote', bytes: '0203', value: { Emote: { emote: 3 } } },
  {
    name: 'Entity sheep', bytes: '0000803f00000040400100fb2c0107',
    value: { pos: [1, 2], heading: 64, kind: 'Sheep', name: '', score: 300, hue: 7 },
  },
  {
    name: 'Shared small', bytes: '0402020800fb2c01010341646105',
    value: { width: 4, height: 2, tiles: [8, 0], picked: 300, top: [{ name: 'Ada', score: 5 }] },
  },
  { name: 'Event picked', bytes: '000709010000c03f000000c0', value: { Picked: { player: 7, flower_hue: 9, points: 1, x: 1.5, y: -2 } } },
];

const TYPES: Record<string, Codec<any>> = {
  input: meadow.input, entity: meadow.entity, shared: meadow.shared, private: meadow.private, event: meadow.event,
};

/** A value of ours in the shape that serde_json gives it. */
function asSerde(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(asSerde);
  if (typeof value !== 'object' || value === null) return value;
  const { type, ...rest } = value as Record<string, unknown>;
  const keys = Object.keys(rest);
  if (type === undefined && keys.join() === 'x,y') return [rest.x, rest.y];
  const inner = keys.join() === 'value' ? asSerde(rest.value) : Object.fromEntries(keys.map((key) => [key, asSerde(rest[key])]));
  if (type === undefined) return inner;
  return keys.length === 0 ? type : { [type as string]: inner };
}

function files(): { file: string; vectors: typeof OWN }[] {
  let found: string[] = [];
  try {
    found = readdirSync(folder).filter((file) => file.startsWith('meadow') && file.endsWith('.json'));
  } catch {
    // A checkout of the client alone has its own vectors only.
  }
  const read = found.map((file) => ({ file, vectors: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));
  return [{ file: 'of this test', vectors: OWN }, ...read];
}

describe.each(files())('golden vectors $file', ({ vectors }) => {
  it.each(vectors)('$name', ({ name, bytes, value }) => {
    const codec = TYPES[name.split(/[^A-Za-z]/)[0]!.toLowerCase()];
    if (!codec) throw new Error(`the name "${name}" does not begin with one of ${Object.keys(TYPES)}`);
    const from = new Reader(unhex(bytes));
    const decoded = codec.decode(from);
    from.finish();
    expect(asSerde(decoded)).toEqual(value);
    const out = new Writer();
    codec.encode(out, decoded);
    expect(hex(out.finish())).toBe(bytes.replaceAll(' ', '').toLowerCase());
  });
});
