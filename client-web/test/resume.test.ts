import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client, type ClientOptions } from '../src/sdk/client.ts';
import { NotAdmitted } from '../src/sdk/credentials.ts';
import { openWebSocket, type TransportEvents } from '../src/sdk/transport.ts';
import { meadow } from '../src/games/meadow.ts';
import { hex, unhex } from './hex.ts';
import { written } from './wire.ts';

const game: typeof meadow = { ...meadow, schema: 7 };
const welcome = (taken: number, token: string) =>
  unhex(`00 05 00 07 fb2c01 14 00 066d6561646f77 046d61696e 03416461 ${written((out) => {
    out.varint(taken);
    out.varint(token.length);
    for (const byte of new TextEncoder().encode(token)) out.u8(byte);
  })}`);
const ACKED_2 = '84 2d01 0100 0200 05';

interface Socket {
  credential: string | null;
  events: TransportEvents;
  sent: string[];
  closed: number | null;
}

describe('a session', () => {
  let sockets: Socket[];
  let client: Client<typeof meadow>;
  let heard: string[];
  const page = new EventTarget();
  const last = () => sockets.at(-1)!;
  const open = (taken = 0, token = 'tok') => {
    last().events.open();
    last().events.message(welcome(taken, token));
  };
  const cut = () => last().events.close(1006, '');
  const inputs = () => last().sent.filter((bytes) => bytes.startsWith('01')).map((bytes) => Number.parseInt(bytes.slice(2, 4), 16));
  const connectTo = (options: Partial<ClientOptions<typeof meadow>> = {}) => {
    client = new Client({
      game,
      url: 'ws://test',
      random: () => 0.5,
      transport: (_, events, credential) => {
        const socket: Socket = { credential, events, sent: [], closed: null };
        sockets.push(socket);
        return { send: (bytes) => socket.sent.push(hex(bytes)), close: (code) => (socket.closed = code) };
      },
      ...options,
    });
    for (const kind of ['joined', 'resumed', 'fenced'] as const) client.on(kind, () => heard.push(kind));
    client.on('refused', (seq) => heard.push(`refused ${seq}`));
    client.join('main');
  };
  /** Lets time pass until the next attempt. */
  const wait = async () => {
    const before = sockets.length;
    for (let i = 0; i < 200 && sockets.length === before; i++) await vi.advanceTimersByTimeAsync(100);
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
    sockets = [];
    heard = [];
  });
  afterEach(() => {
    client.leave();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('row 26: goes on after a cut, with the token that it was given last', async () => {
    connectTo();
    expect(last().credential).toBeNull();
    open();
    cut();
    await wait();
    expect(last().credential).toBe('resume.tok');
    open(0, 'next');
    cut();
    await wait();
    expect(last().credential).toBe('resume.next');
    open();
    expect(heard).toEqual(['joined', 'resumed', 'resumed']);
  });

  it('says again what the server has not taken, under the old numbers and before anything new', async () => {
    connectTo();
    open();
    for (let i = 0; i < 5; i++) client.input({ type: 'Emote', emote: i });
    last().events.message(unhex(ACKED_2));
    client.on('state', ({ type }) => type === 'open' && client.input({ type: 'Emote', emote: 9 }));
    cut();
    await wait();
    open(3, 'next');
    expect(inputs()).toEqual([4, 5, 6]);
    // 3 was taken, and is not answered yet.
    expect(client.pending.map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
    expect(heard).toEqual(['joined', 'resumed']);
  });

  it('tells which inputs are too many to be said again', async () => {
    connectTo();
    open();
    for (let i = 0; i < 20; i++) client.input({ type: 'Emote', emote: 0 });
    cut();
    await wait();
    open(0, 'next');
    expect(inputs()).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(heard).toEqual(['joined', 'resumed', 'refused 1', 'refused 2', 'refused 3', 'refused 4']);
    expect(client.pending[0]?.seq).toBe(5);
  });

  it('goes on with the numbers of a page that was reloaded', () => {
    vi.stubGlobal('sessionStorage', { getItem: () => 'kept', removeItem: () => {} });
    connectTo({ keep: 'tab' });
    expect(last().credential).toBe('resume.kept');
    open(70_000, 'next');
    expect(client.input({ type: 'Emote', emote: 0 })).toBe(70_001);
    // The low half of 69,999: one of the inputs still waits.
    last().events.message(unhex('84 2d01 0100 6f11 05'));
    expect(client.view.inputAck).toBe(69_999);
    expect(heard).toEqual(['resumed']);
  });

  it('is kept for the next page of its tab when the page goes, and only then', () => {
    const kept = new Map<string, string>();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    connectTo({ keep: 'tab' });
    open();
    expect(kept.size).toBe(0);
    page.dispatchEvent(new Event('pagehide'));
    expect([...kept.entries()]).toEqual([['downbeat:resume:ws://test/meadow/main', 'tok']]);
    expect(last().closed).toBeNull();
    connectTo({ keep: 'tab' });
    expect(last().credential).toBe('resume.tok');
    expect(kept.size).toBe(0);
  });

  it('ends with its page where it is not kept, and begins anew if the page is shown again', () => {
    connectTo();
    open();
    page.dispatchEvent(new Event('pagehide'));
    expect(last().closed).toBe(1000);
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
    expect(sockets.length).toBe(1);
    page.dispatchEvent(new Event('pagehide'));
    client.retry();
    open();
    page.dispatchEvent(new Event('pagehide'));
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    expect(sockets.length).toBe(3);
    expect(last().credential).toBeNull();
  });

  it('that is over is followed by a new one, and not in haste', async () => {
    connectTo();
    open();
    client.input({ type: 'Emote', emote: 0 });
    cut();
    await wait();
    last().events.open();
    last().events.close(4003, 'session is over');
    expect(sockets.length).toBe(2);
    await vi.advanceTimersByTimeAsync(700);
    expect(sockets.length).toBe(2);
    await wait();
    expect(last().credential).toBeNull();
    open();
    expect(heard).toEqual(['joined', 'joined']);
    expect([client.pending.length, client.input({ type: 'Emote', emote: 0 })]).toEqual([0, 1]);
  });

  it('that a busy room cannot take back yet is tried again', async () => {
    connectTo();
    open();
    cut();
    await wait();
    last().events.open();
    last().events.close(4003, 'room is busy');
    await vi.advanceTimersByTimeAsync(800);
    expect(last().credential).toBe('resume.tok');
  });

  it('whose member is thrown out is not tried again', async () => {
    connectTo();
    open();
    cut();
    await wait();
    open();
    last().events.close(4003, 'session is no longer valid');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets.length).toBe(2);
    client.retry();
    expect(last().credential).toBeNull();
  });

  it('does not outlive its server, which says so', async () => {
    connectTo();
    open();
    last().events.close(1001, 'server is going away');
    await wait();
    expect(last().credential).toBeNull();
  });

  it('that is fenced says so and stays away', async () => {
    connectTo();
    open();
    last().events.close(4001, 'fenced by a newer connection');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets.length).toBe(1);
    expect(heard).toEqual(['joined', 'fenced']);
  });

  it('is not given up while the line is down, and is after two refusals by a server that is there', async () => {
    const fetched = vi.fn().mockRejectedValue(new TypeError('no network'));
    vi.stubGlobal('fetch', fetched);
    connectTo();
    open();
    for (let i = 0; i < 6; i++) {
      cut();
      await wait();
      expect(last().credential).toBe('resume.tok');
    }
    expect(fetched).toHaveBeenCalledWith('http://test/healthz', expect.objectContaining({ mode: 'no-cors' }));
    fetched.mockResolvedValue({});
    cut();
    await wait();
    expect(last().credential).toBe('resume.tok');
    cut();
    await wait();
    expect(last().credential).toBeNull();
    // A handshake without a token says nothing of a token.
    fetched.mockClear();
    cut();
    await wait();
    expect(fetched).not.toHaveBeenCalled();
  });

  describe('with tickets', () => {
    it('takes a fresh one for each join and none to go on', async () => {
      let tickets = 0;
      connectTo({ ticket: async () => `t${++tickets}` });
      expect(sockets.length).toBe(0);
      await vi.advanceTimersByTimeAsync(0);
      expect(last().credential).toBe('ticket.t1');
      cut();
      await wait();
      expect(last().credential).toBe('ticket.t2');
      open();
      cut();
      await wait();
      expect(last().credential).toBe('resume.tok');
      expect(tickets).toBe(2);
    });

    it('asks the server of its session, and stays away if it has none', async () => {
      const answer = { ok: true, status: 200, json: async () => ({ ticket: 'abc', expires_s: 30 }) };
      const fetched = vi.fn().mockResolvedValue(answer);
      vi.stubGlobal('fetch', fetched);
      connectTo({ session: true });
      await vi.advanceTimersByTimeAsync(0);
      expect(last().credential).toBe('ticket.abc');
      const [url, request] = fetched.mock.calls[0]!;
      expect(url).toBe('http://test/api/ticket');
      expect(request).toMatchObject({ method: 'POST', body: '{"game":"meadow","room":"main"}', credentials: 'same-origin' });
      for (const [status, state] of [[503, 'reconnecting'], [429, 'reconnecting'], [401, 'closed'], [403, 'closed']] as const) {
        fetched.mockResolvedValue({ ok: false, status });
        client.join('main');
        await vi.advanceTimersByTimeAsync(0);
        expect(client.state).toMatchObject({ type: state });
      }
      expect(client.state).toMatchObject({ code: 4003, reason: 'no ticket (403)' });
    });

    it('comes back when it could not be asked, and forgets an answer that came too late', async () => {
      let answer: (ticket: string) => void = () => {};
      const ticket = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
      connectTo({ ticket });
      const late = answer;
      client.join('garden');
      late('late');
      await vi.advanceTimersByTimeAsync(0);
      expect(sockets.length).toBe(0);
      answer('right');
      await vi.advanceTimersByTimeAsync(0);
      expect(sockets.map(({ credential }) => credential)).toEqual(['ticket.right']);
      ticket.mockRejectedValueOnce(new Error('offline')).mockRejectedValueOnce(new NotAdmitted('banned'));
      cut();
      await vi.advanceTimersByTimeAsync(400);
      expect(client.state).toMatchObject({ type: 'reconnecting', reason: 'offline' });
      await vi.advanceTimersByTimeAsync(2000);
      expect(client.state).toEqual({ type: 'closed', code: 4003, reason: 'banned' });
    });

    it('leaves for good while a ticket is on its way, however often it was asked for', async () => {
      connectTo({ ticket: () => new Promise(() => {}) });
      client.retry();
      client.retry();
      client.leave();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(client.state).toEqual({ type: 'closed', code: 1000, reason: 'bye' });
      expect(vi.getTimerCount()).toBe(0);
    });

    it('shows nothing that is fit for no header', async () => {
      for (const bad of ['', 'a b', 'a,b', 'ü', 'x'.repeat(513)]) {
        connectTo({ ticket: async () => bad });
        await vi.advanceTimersByTimeAsync(0);
        expect(client.state).toMatchObject({ type: 'closed', code: 4003 });
      }
      expect(sockets.length).toBe(0);
    });
  });

  it('travels in the one header that a page can write', () => {
    connectTo();
    const offered: unknown[] = [];
    vi.stubGlobal('WebSocket', class {
      constructor(url: string, protocols: unknown) {
        offered.push(url, protocols);
      }
    });
    const events = { open() {}, message() {}, close() {} };
    openWebSocket('ws://a', events, 'ticket.x');
    openWebSocket('ws://a', events, null);
    expect(offered).toEqual(['ws://a', ['downbeat.v1', 'ticket.x'], 'ws://a', 'downbeat.v1']);
  });
});
