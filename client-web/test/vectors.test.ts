/**
 * The golden vectors that Rust writes and both sides read: `tests/vectors/*.json`.
 *
 * A vector's name begins with the type it holds, then anything after a space, slash or colon:
 * `Input walk`, `Entity: a sheep`. Values are as serde writes them. `frames-*.json` are recordings.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Reader, Writer } from '../src/sdk/bytes.ts';
import { type Codec } from '../src/sdk/codec.ts';
import type { GameCodec } from '../src/sdk/protocol.ts';
import { meadow } from '../src/games/meadow.ts';
import { hex, unhex } from './hex.ts';
import { asSerde, type Recording, replay } from './recording.ts';
import { probe } from './wire.ts';

const folder = new URL('../../tests/vectors/', import.meta.url);

const OWN = [
  { name: 'Input walk', bytes: '007f00', value: { Walk: { dx: 127, dy: 0 } } },
  { name: 'Input goto', bytes: '010000c03f000000c0', value: { Goto: { x: 1.5, y: -2 } } },
  { name: 'Input emote', bytes: '0203', value: { Emote: { emote: 3 } } },
  { name: 'Input overlay', bytes: '0301', value: { Overlay: { on: true } } },
  {
    name: 'Entity sheep', bytes: '0000803f00000040400100fb2c0107',
    value: { pos: [1, 2], heading: 64, kind: 'Sheep', name: '', score: 300, hue: 7 },
  },
  {
    name: 'Shared small', bytes: '0402020800fb2c0101034164610501 0201 0301 00',
    value: {
      width: 4, height: 2, tiles: [8, 0], picked: 300, top: [{ name: 'Ada', score: 5 }],
      gates: [{ x: 2, y: 1, width: 3, height: 1, open: false }],
    },
  },
  {
    name: 'Private overlay', bytes: '010203 01 09 020405 0607 01 02 03 00 00 04 fbe803 01 01020304',
    value: {
      path: [{ x: 2, y: 3 }], routes: [{ entity: 9, corners: [{ x: 4, y: 5 }, { x: 6, y: 7 }] }],
      jobs: { in_flight: 1, asked: 2, done: 3, rejected: 0, cancelled: 0, fields: 4, expansions: 1000, waiting: [{ from: { x: 1, y: 2 }, to: { x: 3, y: 4 } }] },
    },
  },
  { name: 'Event picked', bytes: '000709010000c03f000000c0', value: { Picked: { player: 7, flower_hue: 9, points: 1, x: 1.5, y: -2 } } },
];

const TYPES: Record<string, Codec<any>> = {
  input: meadow.input, entity: meadow.entity, shared: meadow.shared, private: meadow.private, event: meadow.event,
};

/** The files whose names begin so; none in a checkout of the client alone, which has its own vectors. */
function read<T>(beginning: string): { file: string; held: T }[] {
  let found: string[] = [];
  try {
    found = readdirSync(folder).filter((file) => file.startsWith(beginning) && file.endsWith('.json'));
  } catch {
    return [];
  }
  return found.map((file) => ({ file, held: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) }));
}

/** The example of PROTOCOL.md, with a welcome and a keyframe before it. */
const EXAMPLE: Recording = {
  game: 'probe',
  messages: [
    { hex: '00 05 01 fb2c01 14 01 00000042 01 02 03 0570726f6265 046d61696e 03416461 00 00', tick: 300 },
    { hex: '83 2c01 0b00 06 03 01 026f6b', tick: 300, entities: {} },
    {
      hex: '80 2c01 0b00 07 00 00 fc00000001 08 18 02 02 00 07 400000 400000 40 00 03416461 c8 03 08 800000 800000 00 01 00 00',
      tick: 300, shared: { round: 1, title: 'ok' },
      entities: {
        7: { pos: [1, 1], heading: 64, kind: 'Player', name: 'Ada', stamina: 100, health: 0, ammo: 0 },
        8: { pos: [2, 2], heading: 0, kind: 'Sheep', name: '', stamina: 0, health: 0, ammo: 0 },
      },
    },
    {
      hex: '84 2d01 0c00 0100 14 08 18 04 20 09 af8304', tick: 301, removed: [],
      entities: {
        7: { pos: [1.234375, 0.953125], heading: 64, kind: 'Player', name: 'Ada', stamina: 100, health: 0, ammo: 0 },
        8: { pos: [2, 2.140625], heading: 0, kind: 'Sheep', name: '', stamina: 0, health: 0, ammo: 0 },
      },
    },
    { hex: '80 2e01 0d00 08 18 01 01 00 ff', tick: 302, removed: [7] },
  ],
};

/** Games whose types are known here; the recording of another is passed over. */
const GAMES: Record<string, GameCodec> = { probe, meadow };

const recordings = read<Recording>('frames-').filter(({ held }) => held.game in GAMES);

describe.each([{ file: 'of PROTOCOL.md', held: EXAMPLE }, ...recordings])('recording $file', ({ held }) => {
  it('is shown as the server meant it', () => {
    replay(held, GAMES[held.game]!);
  });
});

it('a recording that is not shown as it was meant is noticed', () => {
  const bent = structuredClone(EXAMPLE);
  (bent.messages[3]!.entities![7] as { pos: number[] }).pos[0] = 1.25;
  expect(() => replay(bent, probe)).toThrow(/entity 7, pos.0: 1.234375 and not 1.25/);
  const early = structuredClone(EXAMPLE);
  early.messages[2]!.tick = 299;
  expect(() => replay(early, probe)).toThrow(/message 2/);
});

describe.each([{ file: 'of this test', held: OWN }, ...read<typeof OWN>('meadow')])('golden vectors $file', ({ held }) => {
  it.each(held)('$name', ({ name, bytes, value }) => {
    const codec = TYPES[name.split(/[^A-Za-z]/)[0]!.toLowerCase()];
    if (!codec) throw new Error(`the name "${name}" does not begin with one of ${Object.keys(TYPES)}`);
    const from = new Reader(unhex(bytes));
    const decoded = codec.decode(from);
    from.finish();
    expect(asSerde(decoded, value)).toEqual(value);
    const out = new Writer();
    codec.encode(out, decoded);
    expect(hex(out.finish())).toBe(bytes.replaceAll(' ', '').toLowerCase());
  });
});
