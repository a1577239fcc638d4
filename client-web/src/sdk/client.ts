/**
 * The client of one game: joins a room, keeps a view of it, and says what the player wants.
 *
 * In: calls of the page and messages of the server. Out: `view`, and events. Echoes the newest tick
 * so that the server knows how far this client is, and measures the round trip.
 */
import { DecodeError } from './bytes.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { Emitter } from './emitter.ts';
import { type ClientMessage, decodeServerMessage, encodeClientMessage, type EventOf, type Frame, type GameCodec, type InputOf, type Pong, type Welcome } from './protocol.ts';
import { openWebSocket, type OpenTransport } from './transport.ts';
import { type Applied, View, ViewError } from './view.ts';

/** A client that has said nothing for this long echoes the newest tick. */
export const SEEN_MS = 1_000;
export const PING_MS = 1_500;
/** A name is cut here; the server would refuse a longer one. */
export const NAME_CHARS_MAX = 24;

export interface ClientOptions<G extends GameCodec> {
  game: G;
  /** Empty: the server picks one. */
  name?: string;
  /** Like `wss://example.com`; the page's own origin where it is left out. */
  url?: string;
  transport?: OpenTransport;
  random?: () => number;
}

export interface ClientEvents<G extends GameCodec> {
  state: ConnectionState;
  welcome: Welcome;
  /** A whole tick was applied to the view. */
  frame: Applied<G>;
  event: EventOf<G>;
  /** The input with this number will never be applied. */
  refused: number;
  /** The round trip in milliseconds. */
  rtt: number;
}

/** Makes a client; nothing is sent before `join`. */
export function connect<G extends GameCodec>(options: ClientOptions<G>): Client<G> {
  return new Client(options);
}

export class Client<G extends GameCodec> extends Emitter<ClientEvents<G>> {
  readonly view: View<G>;
  /** The last round trip in milliseconds, `null` before the first. */
  rtt: number | null = null;
  /** All bytes of messages received; a page can show its growth. */
  bytesReceived = 0;
  name: string;
  room = '';

  private readonly game: G;
  private readonly url: string;
  private readonly connection: Connection;
  private timers: ReturnType<typeof setInterval>[] = [];
  private seq = 0;
  private spokeAt = 0;
  private token = 0;
  private pingedAt = 0;

  constructor(options: ClientOptions<G>) {
    super();
    this.game = options.game;
    this.name = options.name ?? '';
    this.url = options.url ?? originOfPage();
    this.view = new View(options.game);
    this.connection = new Connection(options.transport ?? openWebSocket, options.random ?? Math.random, {
      state: (state) => this.handleState(state),
      opened: () => this.connection.sendFirst(this.encode({ type: 'Hello', name: cutName(this.name) })),
      message: (bytes) => this.handleMessage(bytes),
    });
  }

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** Enters a room, and leaves the one before. */
  join(room: string): void {
    if (!/^(?!\.)[A-Za-z0-9._-]{1,64}$/.test(room)) throw new RangeError(`room name "${room}" is not 1–64 of A–Z a–z 0–9 . _ -, or starts with a dot`);
    this.room = room;
    this.connection.connect(`${this.url}/ws/${this.game.name}/${room}`);
  }

  /** Leaves for good. */
  leave(): void {
    this.connection.close(1000, 'bye');
  }

  /** Joins the same room again at once; also after a close that is never retried by itself. */
  retry(): void {
    this.connection.retry();
  }

  /** Says what the player wants. Returns the input's number, or 0 if there is no connection. */
  input(input: InputOf<G>): number {
    if (this.state.type !== 'open') return 0;
    const seq = this.seq + 1;
    this.send({ type: 'Input', seq, seen: this.view.tick, input });
    this.seq = seq;
    return seq;
  }

  private handleState(state: ConnectionState): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    if (state.type === 'open') {
      this.timers = [setInterval(() => this.sendSeen(), SEEN_MS / 4), setInterval(() => this.ping(), PING_MS)];
    }
    this.emit('state', state);
  }

  private handleMessage(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    try {
      const message = decodeServerMessage(bytes, this.game);
      if ((message.type === 'Welcome') === (this.state.type === 'open')) {
        throw new ViewError(`${message.type} came in state ${this.state.type}`);
      }
      if (message.type === 'Welcome') this.handleWelcome(message);
      else if (message.type === 'Frame') this.handleFrame(message);
      else this.handlePong(message);
    } catch (error) {
      if (!(error instanceof DecodeError || error instanceof ViewError)) throw error;
      // Bytes that make no sense come from a server that was built for other types.
      this.connection.close(4009, `protocol mismatch: ${error.message}`.slice(0, 120));
    }
  }

  private handleWelcome(welcome: Welcome): void {
    this.seq = 0;
    this.view.handleWelcome(welcome);
    this.emit('welcome', welcome);
    this.connection.handleWelcome();
    this.ping();
  }

  private handleFrame(frame: Frame<G>): void {
    const applied = this.view.handleFrame(frame);
    // Timers of a hidden tab are slowed down; messages are not, so the echo hangs on them too.
    this.sendSeen();
    if (!applied) return;
    this.emit('frame', applied);
    for (const seq of applied.refused) this.emit('refused', seq);
    for (const event of applied.events) this.emit('event', event);
  }

  private handlePong(pong: Pong): void {
    if (pong.token !== this.token) return;
    this.rtt = performance.now() - this.pingedAt;
    this.emit('rtt', this.rtt);
  }

  private ping(): void {
    this.token = (this.token + 1) % 0x1_0000_0000;
    this.pingedAt = performance.now();
    this.send({ type: 'Ping', seen: this.view.tick, token: this.token });
  }

  private sendSeen(): void {
    if (performance.now() - this.spokeAt >= SEEN_MS) this.send({ type: 'Seen', seen: this.view.tick });
  }

  private send(message: ClientMessage<InputOf<G>>): void {
    this.connection.send(this.encode(message));
    this.spokeAt = performance.now();
  }

  private encode(message: ClientMessage<InputOf<G>>): Uint8Array {
    return encodeClientMessage(message, this.game);
  }
}

/** Cuts by characters as Rust counts them, so that no surrogate pair is torn. */
function cutName(name: string): string {
  return [...name].slice(0, NAME_CHARS_MAX).join('');
}

function originOfPage(): string {
  return location.origin.replace(/^http/, 'ws');
}
