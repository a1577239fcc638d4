/** Messages of a server, put together by hand, and a game that has every kind of field. */
import { Writer } from '../src/sdk/bytes.ts';
import { Fnv } from '../src/sdk/checksum.ts';
import { heading, i16, i8, names, owner, position, quantised, replicated, str, struct, team, u16, u32, u8, unit, variants } from '../src/sdk/codec.ts';
import { decodeServerMessage, defineGame, type Frame, type GameCodec, type Welcome } from '../src/sdk/protocol.ts';
import type { Applied, View } from '../src/sdk/view.ts';
import { hex, unhex } from './hex.ts';

export const probe = defineGame({
  name: 'probe',
  schema: 0x1234_5678,
  input: variants({ Walk: struct({ dx: i8, dy: i8 }) }),
  entity: replicated({
    pos: position(), heading: heading(), kind: names('Player', 'Sheep'), name: str,
    stamina: quantised(0, 100, 0.5), health: team(u8), ammo: owner(u16),
  }),
  shared: replicated({ round: u32, title: str }),
  private: unit,
  event: variants({ Bang: struct({ at: u32 }) }),
});
export type Probe = typeof probe;

/** As a frame's flags. */
export const RESET = 1;
export const MORE = 2;

export const GRID: Welcome['space'] = { type: 'Grid', cellM: 32, near: 1, mid: 2, far: 3 };

export function welcome(part: Partial<Welcome> = {}): Welcome {
  return {
    type: 'Welcome', player: 5, seat: { type: 'Avatar', entity: 7 }, tick: 0, tickRateHz: 20, space: GRID,
    game: 'probe', room: 'main', name: 'Ada', taken: 0, resume: '', ...part,
  };
}

/** A frame's bytes: header, then sections as hex. */
export function frame(tick: number, flags: number, ...sections: string[]): Uint8Array {
  const out = new Writer();
  out.u8(0x80 | flags);
  out.fixed16(tick & 0xffff);
  out.fixed16(tick & 0xffff);
  for (const section of sections) out.raw(unhex(section));
  return out.finish();
}

export function decoded<G extends GameCodec>(bytes: Uint8Array, game: G): Frame<G> {
  return decodeServerMessage(bytes, game) as Frame<G>;
}

/** Gives a view one message of a frame. */
export function feed<G extends GameCodec>(view: View<G>, game: G, bytes: Uint8Array): Applied<G> | null {
  return view.handleFrame(decoded(bytes, game));
}

/** A part of a message as hex. */
export function written(write: (out: Writer) => void): string {
  const out = new Writer();
  write(out);
  return hex(out.finish());
}

/** The section that puts cells in view. */
export function look(x: number, y: number, ...numbers: number[]): string {
  return written((out) => {
    out.u8(7);
    i16.encode(out, x);
    i16.encode(out, y);
    let mask = 0n;
    for (const number of numbers) mask |= 1n << BigInt(number);
    out.varintBig(mask);
  });
}

export function i24(out: Writer, value: number): void {
  for (let shift = 0; shift < 24; shift += 8) out.u8((value >> shift) & 0xff);
}

/** An entity of the public layer, for `ADDED`: slot, id, place in 1/64 m, heading, kind 0, name, stamina. */
export function added(slot: number, id: number, x: number, y: number, turn = 0, name = '', stamina = 0): string {
  return written((out) => {
    out.u8(slot);
    out.varint(id);
    i24(out, x);
    i24(out, y);
    out.u8(turn);
    out.u8(0);
    out.string(name);
    out.varint(stamina);
  });
}

export function sum(...parts: string[]): string {
  const fnv = new Fnv();
  for (const byte of unhex(parts.join(''))) fnv.u8(byte);
  return written((out) => out.fixed16(fnv.finish()));
}
