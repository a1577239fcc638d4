import { describe, expect, it } from 'vitest';
import { type ClientMessage, decodeServerMessage, encodeClientMessage, type Frame, fromLowHalf, type ServerMessage } from '../src/sdk/protocol.ts';
import { View } from '../src/sdk/view.ts';
import { meadow } from '../src/games/meadow.ts';
import { hex, unhex } from './hex.ts';
import { added, feed, frame, look, probe, type Probe, RESET, welcome } from './wire.ts';

const decode = (text: string) => decodeServerMessage(unhex(text), probe);

describe('protocol', () => {
  it('encodes the input of the example in PROTOCOL.md', () => {
    const bytes = encodeClientMessage({ type: 'Input', seq: 1, seen: 300, behind: 8, input: { type: 'Walk', dx: 127, dy: 0 } }, meadow);
    expect(hex(bytes)).toBe(hex(unhex('01 01 fb2c01 08 00 7f 00')));
  });

  it('decodes the frame of the example in PROTOCOL.md', () => {
    const view = new View<Probe>(probe);
    view.handleWelcome(welcome({ tick: 300, seat: { type: 'Player' } }));
    feed(view, probe, frame(300, RESET, '06 03 00 00', look(0, 0, 24), '08 18 02 02', added(0, 7, 64, 64), added(3, 8, 128, 128)));
    // What the frames before were due and had acknowledged.
    view.due = 11;
    const applied = view.handleFrame(decode('84 2d01 0c00 0100 14 08 18 04 20 09 af8304') as Frame<Probe>);
    expect(applied).toMatchObject({ tick: 301, heartbeat: false, changed: [7, 8], moved: [7, 8] });
    expect(view).toMatchObject({ tick: 301, due: 12, inputAck: 1, lead: 20 });
    expect(view.entities.get(7)!.pos).toEqual({ x: (64 + 15) / 64, y: (64 - 3) / 64 });
    expect(view.entities.get(8)!.pos).toEqual({ x: 2, y: (128 + 9) / 64 });
  });

  it('encodes every message of a client', () => {
    const check = (message: ClientMessage<never>, text: string) => expect(hex(encodeClientMessage(message, probe))).toBe(text);
    check({ type: 'Hello', name: 'Ada', schema: probe.schema }, '0003416461fc78563412');
    check({ type: 'Seen', seen: 250 }, '02fa');
    check({ type: 'Ping', seen: 0, token: 65536 }, '0300fc00000100');
  });

  it('decodes a welcome and a pong', () => {
    const said = { type: 'Welcome', player: 5, seat: { type: 'Avatar', entity: 7 }, tick: 300, tickRateHz: 20, game: 'probe', room: 'main', name: 'Ada', taken: 9, resume: 'tok' };
    expect(decode('00 05 00 07 fb2c01 14 00 0570726f6265 046d61696e 03416461 09 03746f6b')).toEqual({ ...said, space: { type: 'Whole' } });
    expect(decode('00 05 00 07 fb2c01 14 01 00000042 01 02 03 0570726f6265 046d61696e 03416461 00 0464473972')).toEqual({
      ...said, taken: 0, resume: 'dG9r', space: { type: 'Grid', cellM: 32, near: 1, mid: 2, far: 3 },
    });
    expect(decode('02 09 fb2c01')).toEqual({ type: 'Pong', token: 9, tick: 300 });
  });

  it('decodes every section', () => {
    const text =
      '85 0500 0200 ffff ff' + '01 02 03 04' + '02 02' + '03 00' + '04 11 0000003f 000080bf 00004842' + '05 01 00 09' + '06 02 02 6f6b' +
      '07 03 06 fd0100000000000100' + '08 18';
    const message = decode(text) as Frame<Probe>;
    expect(message).toMatchObject({
      reset: true, more: false, tick: 5, due: 2, ack: { seq: 0xffff, leadMs: 255 }, refused: [3, 4], seat: { type: 'Spectator' },
      private: [], own: [[0, { x: 0.5, y: -1 }], [4, 50]], events: [{ type: 'Bang', at: 9 }], shared: [[1, 'ok']],
      look: { x: -2, y: 3, maskLow: 1, maskHigh: 0x1_0000 },
    });
    expect(message.cells!.left).toBe(1);
  });

  it('takes a list in several sections, and no other section twice', () => {
    const message = decode('80 0100 0000 01 01 07 01 02 08 09 05 01 00 01 05 01 00 02');
    expect(message).toMatchObject({ refused: [7, 8, 9], events: [{ at: 1 }, { at: 2 }] });
    expect(() => decode('80 0100 0000 02 01 02 02')).toThrow(/section 2 twice/);
  });

  it('refuses unknown messages, flags, sections, orders, masks and anything after the end', () => {
    const refuse = (text: string, what: RegExp) => expect(() => decode(text)).toThrow(what);
    refuse('', /1 bytes expected/);
    refuse('01', /no message 1/);
    refuse('03', /no message 3/);
    refuse('88 0000 0000', /unknown flags/);
    refuse('80 0000 00', /2 bytes expected/);
    refuse('80 0000 0000 00', /no section 0/);
    refuse('80 0000 0000 09', /no section 9/);
    refuse('80 0000 0000 06 00 02 02', /section 2 after section 6/);
    refuse('80 0000 0000 06 04 01', /field 2 beyond the 2 there are/);
    refuse('80 0000 0000 06 fd0000000000000080', /field 63 beyond/);
    refuse('80 0000 0000 03 01', /field 0 beyond the 0/);
    refuse('02 01 01 00', /left over/);
    refuse('80 0000 0000 01 fcffffffff', /more than/);
    refuse('00 05 01 00 14 01 00000000 01 02 03 00 00 00 00 00', /cells of 0 m/);
    expect(() => decodeServerMessage(new Uint8Array(8193), probe)).toThrow(/8193 bytes/);
  });

  it('finds numbers by their low halves', () => {
    expect(fromLowHalf(301, 300)).toBe(301);
    expect(fromLowHalf(300, 300)).toBe(300);
    expect(fromLowHalf(2, 0xffff)).toBe(0x1_0002);
    expect(fromLowHalf(0xffff, 0x1_0000)).toBe(0x1_ffff);
    expect(fromLowHalf(1, 0xffff_fffe)).toBe(1);
  });

  it('refuses each beginning of a message', () => {
    const whole: [string, (message: ServerMessage<Probe>) => void][] = [
      ['00 05 00 07 fb2c01 14 01 00000042 01 02 03 0570726f6265 046d61696e 03416461 00 00', () => {}],
      ['02 fb0009 fb2c01', () => {}],
    ];
    for (const [text] of whole) {
      const bytes = unhex(text);
      for (let end = 0; end < bytes.length; end++) {
        expect(() => decodeServerMessage(bytes.slice(0, end), probe), `${end} bytes`).toThrow(/at byte/);
      }
    }
  });

  it('refuses to encode what the server would close for', () => {
    const hello = (name: string) => encodeClientMessage({ type: 'Hello', name, schema: 0 }, meadow);
    expect(() => hello('x'.repeat(5000))).toThrow(/at most 4096/);
    const walk = (dx: number, behind: number) =>
      encodeClientMessage<typeof meadow>({ type: 'Input', seq: 1, seen: 0, behind, input: { type: 'Walk', dx, dy: 0 } }, meadow);
    expect(() => walk(200, 8)).toThrow(RangeError);
    expect(() => walk(1, 256)).toThrow(RangeError);
  });
});
