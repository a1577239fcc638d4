/**
 * One conversation with a room, and the next one after it is cut.
 *
 * In: an address, and what to say. Out: messages as bytes, and the connection's state. Decides when
 * to connect again; knows the close codes but not the messages.
 */
import { isFinal, reconnectDelayMs } from './backoff.ts';
import { NotAdmitted } from './credentials.ts';
import { MISMATCH_CODE, MISMATCH_TEXT } from './mismatch.ts';
import type { OpenTransport, Transport } from './transport.ts';

export type ConnectionState =
  | { type: 'idle' }
  | { type: 'connecting' }
  | { type: 'open' }
  | { type: 'reconnecting'; attempt: number; delayMs: number; code: number; reason: string }
  /** `reason` is what the server said, or, with 4009, what that means for the page. */
  | { type: 'closed'; code: number; reason: string };

export interface ConnectionEvents {
  /** What to show in the next handshake. */
  credential(): string | null | Promise<string>;
  /** The socket closed before it was open. */
  refused(): void;
  /** Whether to come back after a close that is final otherwise. */
  mayComeBack(code: number, reason: string): boolean;
  state(state: ConnectionState): void;
  /** The socket is open: the first message is due. */
  opened(): void;
  message(bytes: Uint8Array): void;
}

/** A conversation that lasted this long was a good one: the back-off starts anew. */
const SETTLED_MS = 5_000;
/** The server speaks at least once a second; this much silence is a dead line. */
export const SILENCE_MS_MAX = 6_000;
const WATCH_MS = 1_000;
/** The codes of a goodbye that is none: a line that went silent, a join that was refused. */
const TOO_SLOW = 4008;
const REFUSED = 4003;

export class Connection {
  state: ConnectionState = { type: 'idle' };

  private readonly open: OpenTransport;
  private readonly random: () => number;
  private readonly events: ConnectionEvents;
  private transport: Transport | null = null;
  /** Events of a transport that was given up carry an older number and are ignored. */
  private generation = 0;
  private url = '';
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval> | undefined;
  private opened = false;
  private openedAt = 0;
  private heardAt = 0;

  constructor(open: OpenTransport, random: () => number, events: ConnectionEvents) {
    this.open = open;
    this.random = random;
    this.events = events;
  }

  connect(url: string): void {
    this.drop(1000, 'bye');
    this.url = url;
    this.attempt = 0;
    this.dial();
  }

  /** Connects again at once, whatever ended the last conversation. */
  retry(): void {
    if (this.url === '' || this.transport) return;
    this.attempt = 0;
    this.dial();
  }

  send(bytes: Uint8Array): void {
    if (this.state.type === 'open') this.transport?.send(bytes);
  }

  /** The conversation has begun: the server has answered. */
  handleWelcome(): void {
    this.openedAt = performance.now();
    this.enter({ type: 'open' });
  }

  /** Ends the conversation for good; `text` is for this side, the server is told the reason. */
  close(code: number, reason: string, text = reason): void {
    this.drop(code, reason);
    if (this.state.type !== 'closed') this.enter({ type: 'closed', code, reason: text });
  }

  /** Sends before the state is `open`; only the greeting needs it. */
  sendFirst(bytes: Uint8Array): void {
    this.transport?.send(bytes);
  }

  private dial(): void {
    clearTimeout(this.timer);
    clearInterval(this.watch);
    const generation = ++this.generation;
    const current = (act: () => void) => {
      if (generation === this.generation) act();
    };
    if (this.attempt === 0) this.enter({ type: 'connecting' });
    // Who heard of it may have left, or gone elsewhere.
    if (generation !== this.generation) return;
    this.heardAt = performance.now();
    this.watch = setInterval(() => this.checkSilence(), WATCH_MS);
    this.opened = false;
    const credential = this.events.credential();
    if (!(credential instanceof Promise)) return this.openWith(credential, current);
    credential.then(
      (word) => current(() => this.openWith(word, current)),
      (error: unknown) => current(() => this.handleNoCredential(error)),
    );
  }

  private openWith(credential: string | null, current: (act: () => void) => void): void {
    const events = {
      open: () =>
        current(() => {
          this.opened = true;
          this.events.opened();
        }),
      message: (bytes: Uint8Array) =>
        current(() => {
          this.heardAt = performance.now();
          this.events.message(bytes);
        }),
      close: (code: number, reason: string) => current(() => this.handleClose(code, reason)),
    };
    this.transport = this.open(this.url, events, credential);
  }

  /** Somebody else refused what the server would want to see, or could not be asked. */
  private handleNoCredential(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof NotAdmitted) this.close(REFUSED, reason);
    else this.handleClose(1006, reason);
  }

  private handleClose(code: number, reason: string): void {
    const settled = this.state.type === 'open' && performance.now() - this.openedAt >= SETTLED_MS;
    // To say that all is done would end the session, if it is heard.
    this.drop(TOO_SLOW, 'the line is dead');
    if (!this.opened) this.events.refused();
    if (isFinal(code) && !this.events.mayComeBack(code, reason)) {
      this.enter({ type: 'closed', code, reason: code === MISMATCH_CODE ? MISMATCH_TEXT : reason });
      return;
    }
    this.attempt = settled ? 1 : this.attempt + 1;
    const delayMs = reconnectDelayMs(code, this.attempt, this.random());
    this.timer = setTimeout(() => this.dial(), delayMs);
    this.enter({ type: 'reconnecting', attempt: this.attempt, delayMs, code, reason });
  }

  private checkSilence(): void {
    if (performance.now() - this.heardAt > SILENCE_MS_MAX) this.handleClose(1006, 'the server went silent');
  }

  /** Lets go of the transport; what it still says is not heard. */
  private drop(code: number, reason: string): void {
    clearTimeout(this.timer);
    clearInterval(this.watch);
    this.generation += 1;
    const { transport } = this;
    this.transport = null;
    if (!transport) return;
    // A browser allows only these codes from a page.
    transport.close(code === 1000 || code >= 3000 ? code : 1000, reason);
  }

  private enter(state: ConnectionState): void {
    this.state = state;
    this.events.state(state);
  }
}
