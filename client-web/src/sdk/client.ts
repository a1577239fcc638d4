/**
 * The client of one game: joins a room, keeps a view of it, and says what the player wants.
 *
 * In: calls of the page and messages of the server. Out: `view`, and events. Echoes the newest tick
 * so that the server knows how far this client is, and measures the round trip.
 */
import type { Mismatch } from './blocks.ts';
import { DecodeError } from './bytes.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { type CredentialOptions, Credentials } from './credentials.ts';
import { Emitter } from './emitter.ts';
import { forgetReload, MISMATCH_CODE, MISMATCH_TEXT, reloadOnce } from './mismatch.ts';
import { type ClientMessage, decodeServerMessage, encodeClientMessage, type EventOf, type Frame, type GameCodec, type InputOf, type Pong, type Welcome } from './protocol.ts';
import { openWebSocket, type OpenTransport } from './transport.ts';
import { type Applied, View, ViewError } from './view.ts';

/** A client that has said nothing for this long echoes the newest tick. */
export const SEEN_MS = 1_000;
export const PING_MS = 1_500;
/** A name is cut here; the server would refuse a longer one. */
export const NAME_CHARS_MAX = 24;
/** Inputs that are kept for prediction: 3 s at 20 Hz, far more than a line on which one can play. */
export const PENDING_MAX = 64;
/** Inputs that are said once more after a cut: what a room lets wait, and as many that it refuses. */
const AGAIN_MAX = 16;
const FENCED_CODE = 4001;
/** What a server says to a session that it cannot go on with, for good or for now. PROTOCOL.md § Close codes. */
const SESSION_OVER = 'session is over';
const ROOM_BUSY = 'room is busy';
/** How far the picture lags until `Playback` tells: two ticks, its first delay. */
const BEHIND_QUARTERS = 8;

export interface ClientOptions<G extends GameCodec> extends CredentialOptions {
  game: G;
  /** Empty: the server picks one. */
  name?: string;
  /** Like `wss://example.com`; the page's own origin where it is left out. */
  url?: string;
  transport?: OpenTransport;
  random?: () => number;
  /** How far the picture lags behind the newest tick, in quarters of a tick. */
  behind?: number;
  /** Verifies checksums, and emits `mismatch`. */
  debug?: boolean;
  /** Reloads the page, once, when the server has other types than it was built for; the default. */
  reloadOnMismatch?: boolean;
}

/** An input that the server has not dealt with yet. */
export interface Pending<G extends GameCodec> {
  seq: number;
  input: InputOf<G>;
}

export interface ClientEvents<G extends GameCodec> {
  state: ConnectionState;
  /** The server has answered; `state` is `open` right after. */
  welcome: Welcome;
  /** The welcome of a new session: a new number, a new seat. */
  joined: Welcome;
  /** The welcome of a session that goes on: the same number, the same entities. */
  resumed: Welcome;
  /** The same session was resumed elsewhere, or its user may have one only. Nothing is tried again. */
  fenced: string;
  /** A whole tick was applied to the view. */
  frame: Applied<G>;
  event: EventOf<G>;
  /** The input with this number will never be applied. */
  refused: number;
  /** The round trip in milliseconds. */
  rtt: number;
  /** The answer to the newest ping: at which tick the room is. */
  pong: Pong;
  /** A cell of the view is not what the server has; with `debug` only. */
  mismatch: Mismatch;
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
  /** Checksums that did not agree; counted with `debug` only. */
  mismatches = 0;
  /**
   * How far the picture lags behind `view.tick`, in quarters of a tick, 0 to 255. `Playback` sets it;
   * every input tells the server, which rewinds others by it when it judges a shot.
   */
  behind: number;
  /**
   * What was said and is newer than `view.inputAck`, oldest first; the oldest is let go beyond 64.
   * It is up to date before `frame` is emitted, so that prediction can replay it there.
   */
  readonly pending: Pending<G>[] = [];
  name: string;
  room = '';

  private readonly game: G;
  private readonly url: string;
  private readonly credentials: Credentials;
  private readonly connection: Connection;
  private readonly reloads: boolean;
  private timers: ReturnType<typeof setInterval>[] = [];
  private seq = 0;
  /** The server has accepted this page's types in the conversation at hand. */
  private welcomed = false;
  private leftWithPage = false;
  private spokeAt = 0;
  private token = 0;
  private pingedAt = 0;

  constructor(options: ClientOptions<G>) {
    super();
    this.game = options.game;
    this.name = options.name ?? '';
    this.url = options.url ?? originOfPage();
    this.behind = options.behind ?? BEHIND_QUARTERS;
    this.reloads = options.reloadOnMismatch ?? true;
    this.view = new View(options.game, options.debug);
    this.credentials = new Credentials(options, this.url);
    this.connection = new Connection(options.transport ?? openWebSocket, options.random ?? Math.random, {
      credential: () => this.credentials.show(),
      refused: () => this.credentials.handleRefused(),
      mayComeBack: (code, reason) => this.mayComeBack(code, reason),
      state: (state) => this.handleState(state),
      opened: () => this.connection.sendFirst(this.encode({ type: 'Hello', name: cutName(this.name), schema: this.game.schema })),
      message: (bytes) => this.handleMessage(bytes),
    });
    // Tests and workers have no page that could go.
    globalThis.addEventListener?.('pagehide', () => this.handlePageGone());
    globalThis.addEventListener?.('pageshow', ({ persisted }) => this.handlePageBack(persisted));
  }

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** Enters a room, and leaves the one before. */
  join(room: string): void {
    if (!/^(?!\.)[A-Za-z0-9._-]{1,64}$/.test(room)) throw new RangeError(`room name "${room}" is not 1–64 of A–Z a–z 0–9 . _ -, or starts with a dot`);
    this.room = room;
    this.credentials.enter(this.game.name, room);
    this.connection.connect(`${this.url}/ws/${this.game.name}/${room}`);
  }

  /** Leaves for good. */
  leave(): void {
    this.credentials.forget();
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
    this.sendBytes(this.encodeInput(seq, input));
    this.seq = seq;
    this.pending.push({ seq, input });
    if (this.pending.length > PENDING_MAX) this.pending.shift();
    return seq;
  }

  private handleState(state: ConnectionState): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    if (state.type === 'open') {
      this.timers = [setInterval(() => this.sendSeen(), SEEN_MS / 4), setInterval(() => this.ping(), PING_MS)];
    }
    // Only a greeting is refused for its types; what goes wrong after a welcome, a reload would not mend.
    if (state.type === 'closed' && state.code === MISMATCH_CODE && !this.welcomed && this.reloads) reloadOnce(this.game.name);
    if (state.type === 'connecting' || state.type === 'reconnecting') this.welcomed = false;
    // A server that goes away takes its sessions with it.
    if (state.type === 'closed' || (state.type === 'reconnecting' && state.code === 1001)) this.credentials.forget();
    this.emit('state', state, () => this.state === state);
    if (state.type === 'closed' && state.code === FENCED_CODE) this.emit('fenced', state.reason);
  }

  /**
   * A room that is busy is so for a while. And a session that is over is no reason to stay away: the
   * next welcome is that of a new one.
   */
  private mayComeBack(code: number, reason: string): boolean {
    if (code !== 4003 || this.welcomed) return false;
    if (reason === ROOM_BUSY) return true;
    if (reason !== SESSION_OVER || !this.credentials.resuming) return false;
    this.credentials.forget();
    return true;
  }

  /** Without a goodbye the server would keep the seat for a page that does not come back. */
  private handlePageGone(): void {
    this.leftWithPage = this.state.type !== 'idle' && this.state.type !== 'closed' && !this.credentials.handlePageGone();
    if (this.leftWithPage) this.leave();
  }

  /** Browsers keep pages, and show them again as they were. */
  private handlePageBack(persisted: boolean): void {
    if (persisted && this.leftWithPage) this.retry();
    this.leftWithPage = false;
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
      this.connection.close(MISMATCH_CODE, 'protocol mismatch', `${MISMATCH_TEXT} (${error.message})`);
    }
  }

  private handleWelcome(welcome: Welcome): void {
    const { resuming } = this.credentials;
    this.credentials.handleWelcome(welcome.resume);
    this.welcomed = true;
    forgetReload(this.game.name);
    this.view.handleWelcome(welcome);
    const refused = this.goOn(resuming, welcome.taken);
    const greeted = this.state;
    this.emit('welcome', welcome);
    // Whoever heard it may have left, or gone elsewhere: then this is not its welcome any more.
    if (this.state !== greeted) return;
    this.connection.handleWelcome();
    if (this.state.type !== 'open') return;
    this.emit(resuming ? 'resumed' : 'joined', welcome);
    for (const seq of refused) this.emit('refused', seq);
    this.ping();
  }

  /**
   * Says again, under the old numbers and before anything new, what the server has not taken in.
   * Returns what is too old for that: the room would not let so many wait.
   */
  private goOn(resuming: boolean, taken: number): number[] {
    const { pending } = this;
    this.seq = resuming ? Math.max(this.seq, taken) : 0;
    if (!resuming) pending.length = 0;
    const untaken = pending.filter(({ seq }) => seq > taken);
    const again = untaken.slice(-AGAIN_MAX);
    const refused = untaken.slice(0, -AGAIN_MAX).map(({ seq }) => seq);
    pending.splice(0, pending.length, ...pending.filter(({ seq }) => !refused.includes(seq)));
    for (const { seq, input } of again) this.connection.sendFirst(this.encodeInput(seq, input));
    return refused;
  }

  private handleFrame(frame: Frame<G>): void {
    const applied = this.view.handleFrame(frame);
    // Timers of a hidden tab are slowed down; messages are not, so the echo hangs on them too.
    this.sendSeen();
    if (!applied) return;
    this.forgetPending(applied);
    this.mismatches += applied.mismatches.length;
    this.emit('frame', applied);
    for (const mismatch of applied.mismatches) this.emit('mismatch', mismatch);
    for (const seq of applied.refused) this.emit('refused', seq);
    for (const event of applied.events) this.emit('event', event);
  }

  private forgetPending({ refused }: Applied<G>): void {
    const { pending, view } = this;
    if (pending.length === 0) return;
    const open = pending.filter(({ seq }) => seq > view.inputAck && !refused.includes(seq));
    // In place: others hold on to the list.
    if (open.length < pending.length) pending.splice(0, pending.length, ...open);
  }

  private handlePong(pong: Pong): void {
    if (pong.token !== this.token) return;
    this.rtt = performance.now() - this.pingedAt;
    this.emit('rtt', this.rtt);
    this.emit('pong', pong);
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
    this.sendBytes(this.encode(message));
  }

  private sendBytes(bytes: Uint8Array): void {
    this.connection.send(bytes);
    this.spokeAt = performance.now();
  }

  private encodeInput(seq: number, input: InputOf<G>): Uint8Array {
    const behind = Math.min(255, Math.max(0, Math.round(this.behind)));
    return this.encode({ type: 'Input', seq, seen: this.view.tick, behind, input });
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
