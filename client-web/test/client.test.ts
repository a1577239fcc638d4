import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Writer } from '../src/sdk/bytes.ts';
import { Client, SEEN_MS } from '../src/sdk/client.ts';
import { SILENCE_MS_MAX } from '../src/sdk/connection.ts';
import type { TransportEvents } from '../src/sdk/transport.ts';
import { meadow, type Meadow } from '../src/meadow/game.ts';
import { hex, unhex } from './hex.ts';

class FakeSocket {
  readonly url: string;
  readonly events: TransportEvents;
  readonly sent: string[] = [];
  closed: number | null = null;

  constructor(url: string, events: TransportEvents) {
    this.url = url;
    this.events = events;
  }

  welcome(): void {
    this.events.open();
    this.events.message(unhex('00 05 00 07 fb2c01 14 066d6561646f77 046d61696e 03416461'));
  }

  heartbeat(tick: number): void {
    const out = new Writer();
    out.raw(unhex('0100'));
    out.varint(tick);
    out.raw(unhex('0000'));
    this.events.message(out.finish());
  }
}

describe('client', () => {
  let sockets: FakeSocket[];
  let client: Client<Meadow>;
  const last = () => sockets.at(-1)!;

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    client = new Client({
      game: meadow,
      name: 'Ada',
      url: 'ws://test',
      random: () => 0.5,
      transport: (url, events) => {
        const socket = new FakeSocket(url, events);
        sockets.push(socket);
        return {
          send: (bytes) => socket.sent.push(hex(bytes)),
          close: (code) => (socket.closed = code),
        };
      },
    });
    client.join('main');
  });
  afterEach(() => {
    client.leave();
    vi.useRealTimers();
  });

  it('greets first and is open with the welcome', () => {
    expect(last().url).toBe('ws://test/ws/meadow/main');
    expect(client.state.type).toBe('connecting');
    last().events.open();
    expect(last().sent).toEqual(['0003416461']);
    last().events.message(unhex('00 05 00 07 fb2c01 14 066d6561646f77 046d61696e 03416461'));
    expect(client.state.type).toBe('open');
    expect(client.view).toMatchObject({ avatar: 7, tick: 300, name: 'Ada' });
  });

  it('numbers inputs from 1 and echoes the newest tick in them', () => {
    expect(client.input({ type: 'Walk', dx: 1, dy: 0 })).toBe(0);
    last().welcome();
    last().heartbeat(301);
    last().sent.length = 0;
    expect(client.input({ type: 'Walk', dx: 127, dy: 0 })).toBe(1);
    expect(client.input({ type: 'Emote', emote: 2 })).toBe(2);
    expect(last().sent).toEqual(['0101fb2d01007f00', '0102fb2d010202']);
  });

  it('never stays silent for longer than the echo allows', () => {
    last().welcome();
    for (let i = 0; i < 20; i++) {
      last().heartbeat(301 + i);
      const before = last().sent.length;
      vi.advanceTimersByTime(SEEN_MS + 250);
      expect(last().sent.length).toBeGreaterThan(before);
    }
  });

  it('echoes upon a message where timers are slowed down', () => {
    last().welcome();
    last().sent.length = 0;
    vi.setSystemTime(Date.now() + 5000);
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 1100);
    last().heartbeat(310);
    expect(last().sent).toEqual(['02fb3601']);
    vi.restoreAllMocks();
  });

  it('measures the round trip', () => {
    last().welcome();
    vi.advanceTimersByTime(40);
    last().events.message(unhex('02 01 fb2c01'));
    expect(client.rtt).toBeCloseTo(40);
  });

  it('row 26: comes back to the same room under the same name by itself, later each time', () => {
    const delays: number[] = [];
    client.on('state', (state) => state.type === 'reconnecting' && delays.push(state.delayMs));
    for (let i = 0; i < 8; i++) {
      last().events.close(1006, '');
      const before = sockets.length;
      vi.advanceTimersByTime(delays.at(-1)! - 1);
      expect(sockets.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(sockets.length).toBe(before + 1);
    }
    expect(delays).toEqual([375, 750, 1500, 3000, 6000, 11250, 11250, 11250]);
    last().events.open();
    expect(last()).toMatchObject({ url: 'ws://test/ws/meadow/main', sent: ['0003416461'] });
  });

  it('starts the back-off anew after a conversation that lasted', () => {
    const seen: number[] = [];
    client.on('state', (state) => state.type === 'reconnecting' && seen.push(state.attempt));
    last().events.close(1006, '');
    vi.advanceTimersByTime(400);
    last().welcome();
    last().events.close(1011, 'room failed');
    vi.advanceTimersByTime(1000);
    last().welcome();
    for (let i = 0; i < 6; i++) {
      vi.advanceTimersByTime(1000);
      last().heartbeat(301 + i);
    }
    last().events.close(4008, 'too slow');
    expect(seen).toEqual([1, 2, 1]);
  });

  it('comes back almost at once after a drain', () => {
    last().welcome();
    last().events.close(1001, 'server is going away');
    vi.advanceTimersByTime(200);
    expect(sockets.length).toBe(2);
  });

  it.each([1000, 1007, 4001, 4003, 4004, 4009])('does not come back by itself after %i, but by hand', (code) => {
    last().welcome();
    last().events.close(code, 'said so');
    vi.advanceTimersByTime(120_000);
    expect(sockets.length).toBe(1);
    expect(client.state).toEqual({ type: 'closed', code, reason: 'said so' });
    client.retry();
    expect(sockets.length).toBe(2);
  });

  it('gives up a line on which nothing comes any more', () => {
    last().welcome();
    vi.advanceTimersByTime(SILENCE_MS_MAX + 1001);
    expect(sockets[0]!.closed).toBe(1000);
    expect(client.state).toMatchObject({ type: 'reconnecting', code: 1006 });
    vi.advanceTimersByTime(1000);
    expect(sockets.length).toBe(2);
    sockets[0]!.events.close(1006, '');
    expect(sockets.length).toBe(2);
  });

  it('takes bytes that make no sense for a mismatch and stays away', () => {
    last().welcome();
    last().events.message(unhex('0104'));
    expect(client.state).toMatchObject({ type: 'closed', code: 4009 });
    expect(last().closed).toBe(4009);
    vi.advanceTimersByTime(60_000);
    expect(sockets.length).toBe(1);
  });

  it('leaves one room when it joins another', () => {
    last().welcome();
    client.join('garden');
    expect(sockets[0]!.closed).toBe(1000);
    expect(last().url).toBe('ws://test/ws/meadow/garden');
    expect(() => client.join('no such room')).toThrow(RangeError);
  });

  it('row 26: opens, hands out events and refusals after the tick is applied', () => {
    const heard: unknown[] = [];
    client.on('event', (event) => heard.push(event.type, client.view.tick));
    client.on('refused', (seq) => heard.push(seq));
    last().welcome();
    last().events.message(unhex('01 00 fb3601 01 01 01 01 02 04 01 02 03 416461'));
    expect(heard).toEqual([2, 'Joined', 310]);
  });
});
