import { describe, expect, it } from 'vitest';
import { DecodeError } from '../src/sdk/bytes.ts';
import { type ClientMessage, decodeServerMessage, encodeClientMessage, type Frame } from '../src/sdk/protocol.ts';
import { meadow, type Meadow } from '../src/meadow/game.ts';
import { hex, unhex } from './hex.ts';

describe('protocol', () => {
  it('encodes the input of the example in PROTOCOL.md', () => {
    const bytes = encodeClientMessage({ type: 'Input', seq: 1, seen: 300, input: { type: 'Walk', dx: 127, dy: 0 } }, meadow);
    expect(hex(bytes)).toBe('0101fb2c01007f00');
  });

  it('decodes the frame of the example in PROTOCOL.md', () => {
    const frame = decodeServerMessage(unhex('01 00 fb2d01 0c 01 08 01 07 01 0000c03f 000000c0'), meadow) as Frame<Meadow>;
    expect(frame).toMatchObject({ type: 'Frame', reset: false, more: false, tick: 301, due: 12, inputAck: 1 });
    expect(frame.changed).toEqual([[7, [[0, { x: 1.5, y: -2 }]]]]);
  });

  it('encodes every message of a client', () => {
    const check = (message: ClientMessage<never>, text: string) => expect(hex(encodeClientMessage(message, meadow))).toBe(text);
    check({ type: 'Hello', name: 'Ada' }, '0003416461');
    check({ type: 'Seen', seen: 250 }, '02fa');
    check({ type: 'Ping', seen: 0, token: 65536 }, '0300fc00000100');
  });

  it('decodes a welcome and a pong', () => {
    expect(decodeServerMessage(unhex('00 05 00 07 fb2c01 14 066d6561646f77 046d61696e 03416461'), meadow)).toEqual({
      type: 'Welcome', player: 5, seat: { type: 'Avatar', entity: 7 }, tick: 300, tickRateHz: 20, game: 'meadow', room: 'main', name: 'Ada',
    });
    expect(decodeServerMessage(unhex('02 09 fb2c01'), meadow)).toEqual({ type: 'Pong', token: 9, tick: 300 });
  });

  it('decodes every section', () => {
    const text =
      '01 01 05 02 00' + '01 02 03 04' + '02 02' + '03 01' + '04 01 02 03 416461' + '05 08 09' + '06 01 04' +
      '07 01 08 0000803f 00000040 40 01 00 05 07' + '08 01 09 10 0c';
    const frame = decodeServerMessage(unhex(text), meadow) as Frame<Meadow>;
    expect(frame).toMatchObject({
      reset: true, refused: [3, 4], seat: { type: 'Spectator' }, private: [[0, null]], events: [{ type: 'Joined', name: 'Ada' }],
      shared: [[3, 9]], removed: [4], changed: [[9, [[4, 12]]]],
    });
    expect(frame.added).toEqual([[8, { pos: { x: 1, y: 2 }, heading: 64, kind: 'Sheep', name: '', score: 5, hue: 7 }]]);
  });

  it('refuses unknown messages, flags, sections, orders, masks and anything after the end', () => {
    const refuse = (text: string, what: RegExp) => expect(() => decodeServerMessage(unhex(text), meadow)).toThrow(what);
    refuse('', /1 bytes expected/);
    refuse('03', /no message 3/);
    refuse('01 04 00 00 00', /unknown flags/);
    refuse('01 00 00 00 00 09', /no section 9/);
    refuse('01 00 00 00 00 06 00 02 02', /section 2 after section 6/);
    refuse('01 00 00 00 00 05 20', /names fields beyond/);
    refuse('02 01 01 00', /left over/);
    refuse('01 00 00 00 00 07 fcffffffff', /more than/);
  });

  it('takes a list in several sections', () => {
    const frame = decodeServerMessage(unhex('01 00 01 00 00 01 01 07 01 02 08 09 06 01 03'), meadow);
    expect(frame).toMatchObject({ refused: [7, 8, 9], removed: [3] });
  });

  it('answers random bytes with a message or a DecodeError', () => {
    let state = 12345;
    const random = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32;
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 64) }, () => random() * 256);
      bytes[0] = random() * 3;
      bytes[1] = random() * 4;
      try {
        decodeServerMessage(bytes, meadow);
      } catch (error) {
        expect(error, `round ${round}: ${hex(bytes)}`).toBeInstanceOf(DecodeError);
      }
    }
  });

  it('refuses to encode what the server would close for', () => {
    expect(() => encodeClientMessage({ type: 'Hello', name: 'x'.repeat(5000) }, meadow)).toThrow(/at most 4096/);
    expect(() => encodeClientMessage({ type: 'Input', seq: 1, seen: 0, input: { type: 'Walk', dx: 200, dy: 0 } }, meadow)).toThrow(RangeError);
  });
});
