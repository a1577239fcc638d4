import { describe, expect, it } from 'vitest';
import { DecodeError, Reader, Writer } from '../src/sdk/bytes.ts';
import {
  bool, bytes, type Codec, f32, f64, heading, headingRadians, i16, i32, i64, i8, list, names, option, owner, position, quantised,
  replicated, str, struct, team, tuple, u16, u32, u64, u8, unit, variants, vec2,
} from '../src/sdk/codec.ts';
import { hex, unhex } from './hex.ts';

function encoded<T>(codec: Codec<T>, value: T): string {
  const out = new Writer();
  codec.encode(out, value);
  return hex(out.finish());
}

function decoded<T>(codec: Codec<T>, text: string): T {
  const from = new Reader(unhex(text));
  const value = codec.decode(from);
  from.finish();
  return value;
}

function check<T>(codec: Codec<T>, value: T, text: string): void {
  const compact = text.replaceAll(' ', '');
  expect(encoded(codec, value)).toBe(compact);
  expect(decoded(codec, compact)).toEqual(value);
}

describe('codec', () => {
  it('writes each width of varint at its limits', () => {
    check(u16, 0, '00');
    check(u32, 250, 'fa');
    check(u32, 251, 'fbfb00');
    check(u32, 300, 'fb2c01');
    check(u16, 65535, 'fbffff');
    check(u32, 65536, 'fc00000100');
    check(u32, 0xffff_ffff, 'fcffffffff');
    check(u64, 0x1_0000_0000n, 'fd0000000001000000');
    check(u64, 0xffff_ffff_ffff_ffffn, 'fdffffffffffffffff');
  });

  it('writes signed numbers as zigzag, and i8 raw', () => {
    check(i8, -2, 'fe');
    check(i16, -3, '05');
    check(i16, 400, 'fb2003');
    check(i16, -32768, 'fbffff');
    check(i32, -5, '09');
    check(i32, 2147483647, 'fcfeffffff');
    check(i32, -2147483648, 'fcffffffff');
    check(i64, -1n, '01');
    check(i64, -(2n ** 63n), 'fdffffffffffffffff');
  });

  it('writes floats, booleans, options, strings and lists', () => {
    check(f32, 1.5, '0000c03f');
    check(f64, -2, '00000000000000c0');
    check(bool, true, '01');
    check(option(u16), 9, '0109');
    check(option(u16), null, '00');
    check(str, 'né', '036ec3a9');
    check(bytes, new Uint8Array([1, 255]), '0201ff');
    check(list(i16), [1, -1], '020201');
    check(tuple(u8, str, unit), [7, 'a', null], '070161');
    check(vec2, { x: 1.5, y: -2 }, '0000c03f 000000c0');
  });

  it('writes the golden bytes that bincode gives', () => {
    const ent = struct({ id: u32, x: i16, y: i16 });
    const message = variants({
      A: unit,
      B: unit,
      C: unit,
      Snap: struct({ tick: u32, ents: list(ent), opt: option(u16), arr: tuple(u8, u8, u8), d: i32, b: bool }),
    });
    check(
      message,
      { type: 'Snap', tick: 300, ents: [{ id: 7, x: -3, y: 400 }], opt: 9, arr: [1, 2, 3], d: -5, b: true },
      '03 fb2c01 01 07 05 fb2003 01 09 010203 09 01',
    );
  });

  it('grows a message wherever its room happens to end', () => {
    for (let pad = 50; pad < 70; pad++) {
      check(tuple(bytes, u64, f64), [new Uint8Array(pad), 2n ** 40n, 0.5], `${pad.toString(16)}${'00'.repeat(pad)}fd0000000000010000000000000000e03f`);
      check(tuple(bytes, u32, i8), [new Uint8Array(pad), 65536, -1], `${pad.toString(16)}${'00'.repeat(pad)}fc00000100ff`);
    }
    check(list(u16), new Array(300).fill(300), `fb2c01${'fb2c01'.repeat(300)}`);
  });

  it('tells the three shapes of a variant apart', () => {
    const shape = variants({ Stop: unit, Walk: struct({ dx: i8 }), Look: vec2 });
    check(shape, { type: 'Stop' }, '00');
    check(shape, { type: 'Walk', dx: -1 }, '01ff');
    check(shape, { type: 'Look', value: { x: 0, y: 0 } }, '020000000000000000');
    check(names('Red', 'Blue'), 'Blue', '01');
  });

  it('writes the fields of a replicated type as an update does', () => {
    const entity = replicated({ pos: position(), heading: heading(), stamina: quantised(-10, 10, 0.5), health: team(u8), ammo: owner(quantised(0, 1, 0.25)) });
    check(entity, { pos: { x: 1.5, y: -2 }, heading: 64, stamina: 0, health: 9, ammo: 0.75 }, '0000c03f000000c0 40 14 09 03');
    check(headingRadians(), 1.5, '0000c03f');
    expect(encoded(quantised(0, 100, 0.5), 1000)).toBe('c8');
    expect(encoded(quantised(0, 100, 0.5), 0.26)).toBe('01');
    expect(entity.fields.map(([, { field }]) => [field!.kind, field!.seenBy])).toEqual([
      ['position', 0], ['heading', 0], ['quantised', 0], ['plain', 1], ['quantised', 2],
    ]);
  });

  it('refuses types that no Rust type could be', () => {
    expect(() => replicated({ a: position(), b: position() })).toThrow(/more than one position/);
    expect(() => replicated(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, u8])))).toThrow(/65 fields/);
    expect(() => team(position())).toThrow(/position/);
    expect(() => quantised(0, 1, 0)).toThrow(RangeError);
    expect(() => encoded(team(u8), null)).toThrow(/not seen/);
  });

  it('refuses to write what would be read as something else', () => {
    expect(() => encoded(i8, 128)).toThrow(RangeError);
    expect(() => encoded(u8, 1.5)).toThrow(RangeError);
    expect(() => encoded(u16, -1)).toThrow(RangeError);
    expect(() => encoded(u32, Number.NaN)).toThrow(RangeError);
    expect(() => encoded(i64, 2n ** 63n)).toThrow(RangeError);
  });
});

describe('hostile bytes', () => {
  const refuse = (codec: Codec<unknown>, text: string, what: RegExp) => {
    expect(() => decoded(codec, text)).toThrow(DecodeError);
    expect(() => decoded(codec, text)).toThrow(what);
  };

  it('are refused with the place where they went wrong', () => {
    refuse(u32, '', /1 bytes expected, 0 left at byte 0/);
    refuse(u32, 'fb01', /2 bytes expected, 1 left/);
    refuse(u32, 'ff', /varint starts with 255/);
    refuse(u32, 'fdffffffffffffffff', /larger than 4294967295/);
    refuse(u16, 'fc00000100', /larger than 65535/);
    refuse(bool, '02', /bool is 2/);
    refuse(option(u8), '0200', /bool is 2/);
    refuse(str, '02c328', /not UTF-8/);
    refuse(variants({ A: unit }), '01', /no such variant/);
    refuse(u8, '0102', /1 bytes left over/);
    refuse(quantised(0, 100, 0.5), 'c9', /201 is larger than 200/);
  });

  it('cannot claim a length that is not there', () => {
    refuse(list(u32), 'fcffffffff', /length 4294967295 is more than/);
    refuse(list(u64), 'fdffffffffffffffff', /larger than/);
    refuse(list(vec2), '02 0000000000000000 00', /length 2 is more than the 9 bytes/);
    refuse(str, 'fcffffff7f61', /more than the 1 bytes left/);
    refuse(list(unit), 'fcffffffff', /more than the 0 bytes left/);
    refuse(list(list(unit)), '01fcffffffff', /length/);
    refuse(list(list(unit)), '03fb0008fb0008fb0008', /length 2048/);
  });
});
