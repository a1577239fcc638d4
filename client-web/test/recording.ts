/**
 * Recordings of what a server said, with what a client must make of it: `frames-*.json`.
 *
 * Values are as serde writes them. The first message is a welcome.
 */
import { expect } from 'vitest';
import type { Codec } from '../src/sdk/codec.ts';
import { decodeServerMessage, type GameCodec } from '../src/sdk/protocol.ts';
import { type Applied, View } from '../src/sdk/view.ts';
import { unhex } from './hex.ts';

export interface Recording {
  game: string;
  messages: {
    hex: string;
    /** The tick after the message, and all entities by id; only where it ends a tick. */
    tick?: number;
    entities?: Record<string, unknown>;
    shared?: unknown;
    private?: unknown;
    /** Ids, in any order. */
    removed?: number[];
  }[];
}

/**
 * A value of ours in the shape that serde_json gives it. A vector is a pair there and a struct of
 * the same two fields is none, which only what is expected, `like`, can tell apart.
 */
export function asSerde(value: unknown, like?: any): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map((item, i) => asSerde(item, like?.[i]));
  if (typeof value !== 'object' || value === null) return value;
  const { type, ...rest } = value as Record<string, unknown>;
  const keys = Object.keys(rest);
  const isStruct = typeof like === 'object' && like !== null && !Array.isArray(like);
  if (type === undefined && keys.join() === 'x,y' && !isStruct) return [rest.x, rest.y];
  const within = type === undefined ? like : like?.[type as string];
  const inner = keys.join() === 'value' ? asSerde(rest.value, within) : Object.fromEntries(keys.map((key) => [key, asSerde(rest[key], within?.[key])]));
  if (type === undefined) return inner;
  return keys.length === 0 ? type : { [type as string]: inner };
}

/** Plays a recording to a view and compares what it shows after each whole tick. */
export function replay<G extends GameCodec>(recording: Recording, game: G): View<G> {
  expect(recording.game).toBe(game.name);
  const view = new View<G>(game, true);
  recording.messages.forEach((message, i) => {
    const said = decodeServerMessage(unhex(message.hex), game);
    let applied: Applied<G> | null = null;
    if (said.type === 'Welcome') view.handleWelcome(said);
    else if (said.type === 'Frame') applied = view.handleFrame(said);
    const what = `message ${i}, ${message.hex}`;
    if (message.tick !== undefined) expect(view.tick, what).toBe(message.tick);
    if (applied) expect(applied.mismatches, what).toEqual([]);
    if (applied && message.removed) expect([...applied.removed].sort(), what).toEqual([...message.removed].sort());
    if (message.shared !== undefined) expectLike(asSerde(view.shared, message.shared), message.shared, `${what}: shared`);
    if (message.private !== undefined) expectLike(asSerde(view.private, message.private), message.private, `${what}: private`);
    if (!message.entities) return;
    expect([...view.entities.keys()].map(String).sort(), what).toEqual(Object.keys(message.entities).sort());
    for (const [id, expected] of Object.entries(message.entities)) {
      expectEntity(view.entities.get(Number(id)), expected, game.entity, `${what}: entity ${id}`);
    }
  });
  return view;
}

/** Rust puts a default where a client here has `null`, for what it may not see. */
function expectEntity(ours: any, expected: any, codec: Codec<any>, what: string): void {
  if (!codec.fields) return expectLike(asSerde(ours, expected), expected, what);
  expect(Object.keys(ours), what).toEqual(expect.arrayContaining(Object.keys(expected)));
  for (const [name, { field }] of codec.fields) {
    if (ours[name] === null && field && field.seenBy > 0) continue;
    expectLike(asSerde(ours[name], expected[name]), expected[name], `${what}, ${name}`);
  }
}

/** Equal but for what an `f32` rounds away: Rust reckons in them, and this side does not. */
function expectLike(ours: any, expected: any, what: string): void {
  if (typeof ours === 'number' && typeof expected === 'number') {
    const error = Math.abs(ours - expected);
    expect(error <= Math.abs(expected) * 2 ** -22 + 1e-6, `${what}: ${ours} and not ${expected}`).toBe(true);
  } else if (typeof ours === 'object' && ours !== null && typeof expected === 'object' && expected !== null) {
    expect(Object.keys(ours).sort(), what).toEqual(Object.keys(expected).sort());
    for (const key of Object.keys(ours)) expectLike(ours[key], expected[key], `${what}.${key}`);
  } else expect(ours, what).toEqual(expected);
}
