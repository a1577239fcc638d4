import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client, type ClientOptions, PENDING_MAX, SEEN_MS } from '../src/sdk/client.ts';
import { SILENCE_MS_MAX } from '../src/sdk/connection.ts';
import { MISMATCH_TEXT } from '../src/sdk/mismatch.ts';
import type { TransportEvents } from '../src/sdk/transport.ts';
import { meadow } from '../src/games/meadow.ts';
import { hex, unhex } from './hex.ts';
import { added, frame, look, RESET } from './wire.ts';

const game: typeof meadow = { ...meadow, schema: 7 };
const HELLO = '000341646107';
const WELCOME = '00 05 00 07 fb2c01 14 00 066d6561646f77 046d61696e 03416461 00 00';

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
    this.events.message(unhex(WELCOME));
  }

  heartbeat(tick: number): void {
    this.events.message(frame(tick, 0));
  }
}

describe('client', () => {
  let sockets: FakeSocket[];
  let client: Client<typeof meadow>;
  const last = () => sockets.at(-1)!;
  const connectTo = (options: Partial<ClientOptions<typeof meadow>>) =>
    new Client({
      game,
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
      ...options,
    });

  beforeEach(() => {
    vi.useFakeTimers();
    sockets = [];
    client = connectTo({});
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
    expect(last().sent).toEqual([HELLO]);
    last().events.message(unhex(WELCOME));
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
    client.behind = 12.6;
    expect(client.input({ type: 'Emote', emote: 3 })).toBe(3);
    client.behind = 1e6;
    client.input({ type: 'Emote', emote: 4 });
    expect(last().sent).toEqual(['0101fb2d0108007f00', '0102fb2d01080202', '0103fb2d010d0203', '0104fb2d01ff0204']);
  });

  it('keeps what the server has not dealt with, in the order in which it was said', () => {
    const seqs = () => client.pending.map(({ seq }) => seq);
    const before = client.pending;
    last().welcome();
    for (let i = 0; i < 4; i++) client.input({ type: 'Emote', emote: i });
    expect(client.pending[2]).toEqual({ seq: 3, input: { type: 'Emote', emote: 2 } });
    let seen: number[] = [];
    client.on('frame', () => (seen = seqs()));
    // 1 and 2 are acknowledged, 4 is refused already.
    last().events.message(unhex('84 2d01 0100 0200 05 01 01 04'));
    expect(seen).toEqual([3]);
    expect(client.view.lead).toBe(5);
    for (let i = 0; i < PENDING_MAX; i++) client.input({ type: 'Emote', emote: 0 });
    expect([seqs()[0], seqs().length]).toEqual([5, PENDING_MAX]);
    last().events.close(1006, '');
    vi.advanceTimersByTime(400);
    last().welcome();
    expect(seqs()).toEqual([]);
    expect(client.pending).toBe(before);
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
    expect(last()).toMatchObject({ url: 'ws://test/ws/meadow/main', sent: [HELLO] });
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

  it.each([1000, 1007, 4001, 4003, 4004])('does not come back by itself after %i, but by hand', (code) => {
    last().welcome();
    last().events.close(code, 'said so');
    vi.advanceTimersByTime(120_000);
    expect(sockets.length).toBe(1);
    expect(client.state).toEqual({ type: 'closed', code, reason: 'said so' });
    client.retry();
    expect(sockets.length).toBe(2);
  });

  it('tries a busy room again, later each time, and stays away when it is thrown out with that word', () => {
    const delays: number[] = [];
    client.on('state', (state) => state.type === 'reconnecting' && delays.push(state.delayMs));
    for (let i = 0; i < 3; i++) {
      last().events.open();
      last().events.close(4003, 'room is busy');
      vi.advanceTimersByTime(delays.at(-1) ?? 0);
    }
    expect([delays, sockets.length]).toEqual([[375, 750, 1500], 4]);
    last().events.open();
    last().events.close(4003, 'room is full');
    expect(client.state).toEqual({ type: 'closed', code: 4003, reason: 'room is full' });
    client.retry();
    last().welcome();
    last().events.close(4003, 'room is busy');
    expect(client.state).toMatchObject({ type: 'closed', code: 4003 });
  });

  it('gives up a line on which nothing comes any more', () => {
    last().welcome();
    vi.advanceTimersByTime(SILENCE_MS_MAX + 1001);
    // Not a goodbye: the session waits.
    expect(sockets[0]!.closed).toBe(4008);
    expect(client.state).toMatchObject({ type: 'reconnecting', code: 1006 });
    vi.advanceTimersByTime(1000);
    expect(sockets.length).toBe(2);
    sockets[0]!.events.close(1006, '');
    expect(sockets.length).toBe(2);
  });

  it('takes bytes that make no sense for a mismatch and stays away', () => {
    last().welcome();
    last().events.message(unhex('88'));
    expect(client.state).toMatchObject({ type: 'closed', code: 4009 });
    expect(client.state).toHaveProperty('reason', expect.stringMatching(/built for other types.*unknown flags 8/));
    expect(last().closed).toBe(4009);
    vi.advanceTimersByTime(60_000);
    expect(sockets.length).toBe(1);
  });

  it('counts and tells checksums that do not agree, and goes on', () => {
    client.leave();
    const heard: unknown[] = [];
    client = connectTo({ debug: true });
    client.on('mismatch', (mismatch) => heard.push(mismatch));
    client.join('main');
    last().welcome();
    last().events.message(frame(320, RESET, '06 3f 04 04 00 00 00 00', look(0, 0, 24), '08 18 82 01', added(0, 7, 0, 0), '00 00 0000'));
    expect(heard).toEqual([{ tick: 320, x: 0, y: 0, layer: 0 }]);
    expect(client).toMatchObject({ mismatches: 1, state: { type: 'open' } });
  });

  it('is left by whoever hears that it connects, and every listener hears the same', () => {
    const heard: string[] = [];
    client.leave();
    const forget = client.on('state', ({ type }) => type === 'connecting' && client.leave());
    client.on('state', ({ type }) => heard.push(type));
    client.retry();
    vi.advanceTimersByTime(60_000);
    expect([heard, client.state.type, sockets.length]).toEqual([['closed'], 'closed', 1]);
    expect(vi.getTimerCount()).toBe(0);
    forget();
    client.retry();
    last().welcome();
    expect(heard).toEqual(['closed', 'connecting', 'open']);
  });

  describe.each(['welcome', 'state', 'joined'] as const)('whose listener of %s', (kind) => {
    const once = (act: () => void) => {
      const forget = client.on(kind, () => {
        if (kind === 'state' && client.state.type !== 'open') return;
        forget();
        act();
      });
    };

    it('leaves is out for good', () => {
      once(() => client.leave());
      last().welcome();
      vi.advanceTimersByTime(60_000);
      expect([client.state.type, last().closed, sockets.length]).toEqual(['closed', 1000, 1]);
      expect(vi.getTimerCount()).toBe(0);
    });

    it('joins another room is open when that has answered', () => {
      once(() => client.join('garden'));
      last().welcome();
      expect([client.state.type, sockets[0]!.closed]).toEqual(['connecting', 1000]);
      expect(last()).toMatchObject({ url: 'ws://test/ws/meadow/garden', sent: [] });
      last().welcome();
      expect(client.state.type).toBe('open');
    });
  });

  it('takes inputs as soon as it has joined', () => {
    const seqs: number[] = [];
    client.on('joined', () => seqs.push(client.input({ type: 'Emote', emote: 1 })));
    last().welcome();
    expect(seqs).toEqual([1]);
    expect(last().sent).toContain('0101fb2c01080201');
    expect(client.pending.length).toBe(1);
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
    last().events.message(unhex('84 3601 0100 0100 14 01 01 02 05 01 02 03 416461'));
    expect(heard).toEqual([2, 'Joined', 310]);
  });

  describe('of other types than the server', () => {
    const marks = new Map<string, string>();
    const reload = vi.fn();
    const refuseGreeting = () => {
      last().events.open();
      last().events.close(4009, 'protocol mismatch');
    };

    beforeEach(() => {
      marks.clear();
      reload.mockReset();
      vi.stubGlobal('location', { origin: 'http://test', reload });
      vi.stubGlobal('sessionStorage', {
        getItem: (key: string) => marks.get(key) ?? null,
        setItem: (key: string, value: string) => marks.set(key, value),
        removeItem: (key: string) => marks.delete(key),
      });
    });
    afterEach(() => vi.unstubAllGlobals());

    it('says what is wrong and does not come back by itself, but by hand', () => {
      refuseGreeting();
      expect(client.state).toEqual({ type: 'closed', code: 4009, reason: MISMATCH_TEXT });
      expect(MISMATCH_TEXT).toMatch(/built for other types/);
      vi.advanceTimersByTime(120_000);
      expect(sockets.length).toBe(1);
      client.retry();
      expect(sockets.length).toBe(2);
    });

    it('reloads the page once, and never in a loop', () => {
      refuseGreeting();
      expect(reload).toHaveBeenCalledTimes(1);
      expect(marks.size).toBe(1);
      // The page is there again, as it was.
      client = connectTo({});
      client.join('main');
      refuseGreeting();
      client.retry();
      refuseGreeting();
      expect(reload).toHaveBeenCalledTimes(1);
      expect(client.state).toMatchObject({ type: 'closed', code: 4009 });
    });

    it('may reload again after a welcome', () => {
      refuseGreeting();
      client.retry();
      last().welcome();
      expect(marks.size).toBe(0);
      last().events.close(1006, '');
      vi.advanceTimersByTime(400);
      refuseGreeting();
      expect(reload).toHaveBeenCalledTimes(2);
    });

    it('does not reload for what goes wrong after a welcome', () => {
      last().welcome();
      last().events.message(unhex('88'));
      expect(client.state).toMatchObject({ type: 'closed', code: 4009 });
      expect(reload).not.toHaveBeenCalled();
    });

    it('does not reload where it may not leave a mark, or was told not to', () => {
      vi.stubGlobal('sessionStorage', {
        getItem: () => {
          throw new Error('forbidden');
        },
      });
      refuseGreeting();
      vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: () => {} });
      client.retry();
      refuseGreeting();
      client = connectTo({ reloadOnMismatch: false });
      client.join('main');
      refuseGreeting();
      expect(reload).not.toHaveBeenCalled();
    });
  });
});
