/**
 * The messages of PROTOCOL.md: encodes what a client says and decodes what a server says.
 *
 * In: bytes and the game's types. Out: typed messages, or `DecodeError`. Keeps no state.
 */
import { DecodeError, integerIn, Reader, Writer } from './bytes.ts';
import { type Codec, f32, i16, type Infer, str, struct, u16, u32, u8, unit, variants } from './codec.ts';
import { decodeUpdate, type Update } from './update.ts';

export const SUBPROTOCOL = 'downbeat.v1';
/** The server closes with 1009 above this. */
export const CLIENT_MESSAGE_BYTES_MAX = 4096;
/** PROTOCOL.md § Connection; nothing larger ever comes, so it is refused before it is decoded. */
export const SERVER_MESSAGE_BYTES_MAX = 8192;

/** The types of one game, in the terms of `Game` in Rust. */
export interface GameCodec<I = any, E = any, S = any, P = any, V = any> {
  /** `Game::NAME`, which is also its part of the URL. */
  readonly name: string;
  /** The hash of the game's types; the server refuses another than its own. */
  readonly schema: number;
  readonly input: Codec<I>;
  readonly entity: Codec<E>;
  readonly shared: Codec<S>;
  readonly private: Codec<P>;
  readonly event: Codec<V>;
}

export type InputOf<G extends GameCodec> = Infer<G['input']>;
export type EntityOf<G extends GameCodec> = Infer<G['entity']>;
export type SharedOf<G extends GameCodec> = Infer<G['shared']>;
export type PrivateOf<G extends GameCodec> = Infer<G['private']>;
export type EventOf<G extends GameCodec> = Infer<G['event']>;

/**
 * Gives a game's codecs a name and keeps their types.
 *
 * Throws `RangeError` if `schema` is not the `u32` that belongs to the types.
 */
export function defineGame<I, E, S, P, V>(game: GameCodec<I, E, S, P, V>): GameCodec<I, E, S, P, V> {
  integerIn(game.schema, 0, 0xffff_ffff);
  return game;
}

export const seat = variants({ Avatar: struct({ entity: u32 }), Player: unit, Spectator: unit });
export type Seat = Infer<typeof seat>;

/** How a room is cut into cells, and up to which ring each tier of them reaches. */
export const space = variants({ Whole: unit, Grid: struct({ cellM: f32, near: u8, mid: u8, far: u8 }) });
export type Space = Infer<typeof space>;

const welcome = struct({
  player: u32,
  seat,
  tick: u32,
  tickRateHz: u16,
  space,
  game: str,
  room: str,
  name: str,
  /** The newest input of this member that the server has taken in; 0 for a new one. */
  taken: u32,
  /** What the next connection shows to go on with this session; empty where it cannot. */
  resume: str,
});
const pong = struct({ token: u32, tick: u32 });

export type Welcome = { type: 'Welcome' } & Infer<typeof welcome>;
export type Pong = { type: 'Pong' } & Infer<typeof pong>;

/** One message of state. A tick's frame is whole when one without `more` has come. */
export interface Frame<G extends GameCodec> {
  type: 'Frame';
  reset: boolean;
  more: boolean;
  /** Low halves; the view knows the rest. */
  tick: number;
  due: number;
  /** With the low half of the newest `seq` that was dealt with; `null` if the message tells none. */
  ack: { seq: number; leadMs: number } | null;
  refused: number[];
  seat: Seat | null;
  private: Update | null;
  own: Update | null;
  events: EventOf<G>[];
  shared: Update | null;
  look: Look | null;
  /** Stands before the section `Cells`, which only a view can read. */
  cells: Reader | null;
}

/** Which cells are in view from now on. */
export interface Look {
  x: number;
  y: number;
  maskLow: number;
  maskHigh: number;
}

export type ServerMessage<G extends GameCodec> = Welcome | Frame<G> | Pong;

const FRAME = 0x80;
const FLAG_RESET = 1;
const FLAG_MORE = 2;
const FLAG_ACK = 4;

/** Decodes one message, except its cells; throws `DecodeError` and nothing else. */
export function decodeServerMessage<G extends GameCodec>(bytes: Uint8Array, game: G): ServerMessage<G> {
  if (bytes.length > SERVER_MESSAGE_BYTES_MAX) throw new DecodeError(`message of ${bytes.length} bytes`, 0);
  const from = new Reader(bytes);
  const tag = from.u8();
  if (tag >= FRAME) return decodeFrame(from, tag - FRAME, game);
  let message: Welcome | Pong;
  if (tag === 0) message = decodeWelcome(from);
  else if (tag === 2) message = { type: 'Pong', ...pong.decode(from) };
  else return from.fail(`no message ${tag}`);
  from.finish();
  return message;
}

function decodeWelcome(from: Reader): Welcome {
  const message: Welcome = { type: 'Welcome', ...welcome.decode(from) };
  const { space } = message;
  if (space.type === 'Grid' && !(space.cellM > 0 && space.cellM < Infinity)) from.fail(`cells of ${space.cellM} m`);
  if (message.tickRateHz === 0) from.fail('no ticks in a second');
  return message;
}

function decodeFrame<G extends GameCodec>(from: Reader, flags: number, game: G): Frame<G> {
  if (flags & ~(FLAG_RESET | FLAG_MORE | FLAG_ACK)) from.fail(`unknown flags ${flags}`);
  const frame: Frame<G> = {
    type: 'Frame',
    reset: (flags & FLAG_RESET) !== 0,
    more: (flags & FLAG_MORE) !== 0,
    tick: from.fixed16(),
    due: from.fixed16(),
    ack: flags & FLAG_ACK ? { seq: from.fixed16(), leadMs: from.u8() } : null,
    refused: [],
    seat: null,
    private: null,
    own: null,
    events: [],
    shared: null,
    look: null,
    cells: null,
  };
  let last = -1;
  while (from.left > 0 && !frame.cells) {
    const section = from.u8();
    // Sections are applied in the order of their tags; another order would mean another result.
    if (section < last) from.fail(`section ${section} after section ${last}`);
    if (section === last && section !== REFUSED && section !== EVENTS) from.fail(`section ${section} twice`);
    last = section;
    decodeSection(from, game, frame, section);
  }
  return frame;
}

const REFUSED = 1;
const EVENTS = 5;

function decodeSection<G extends GameCodec>(from: Reader, game: G, frame: Frame<G>, section: number): void {
  switch (section) {
    case REFUSED:
      for (let count = from.length(1); count > 0; count--) frame.refused.push(u32.decode(from));
      break;
    case 2:
      frame.seat = seat.decode(from);
      break;
    case 3:
      frame.private = decodeUpdate(game.private, from);
      break;
    case 4:
      frame.own = decodeUpdate(game.entity, from, true);
      break;
    case EVENTS:
      for (let count = from.length(game.event.bytesMin); count > 0; count--) frame.events.push(game.event.decode(from));
      break;
    case 6:
      frame.shared = decodeUpdate(game.shared, from);
      break;
    case 7: {
      const [x, y] = [i16.decode(from), i16.decode(from)];
      from.mask();
      frame.look = { x, y, maskLow: from.low, maskHigh: from.high };
      break;
    }
    case 8:
      frame.cells = from;
      break;
    default:
      from.fail(`no section ${section}`);
  }
}

/** The number nearest after `last`, or `last` itself, that has this low half. */
export function fromLowHalf(low: number, last: number): number {
  return (last + ((low - last) & 0xffff)) >>> 0;
}

/** What a client can say. `seen` is the newest tick received, 0 before the first. */
export type ClientMessage<I> =
  | { type: 'Hello'; name: string; schema: number }
  /** `behind`: how far the picture lags behind `seen`, in quarters of a tick. */
  | { type: 'Input'; seq: number; seen: number; behind: number; input: I }
  | { type: 'Seen'; seen: number }
  | { type: 'Ping'; seen: number; token: number };

/**
 * Encodes one message.
 *
 * Throws `RangeError` where a value does not fit its type or the message is larger than 4 KiB: the
 * server would close the connection for it.
 */
export function encodeClientMessage<G extends GameCodec>(message: ClientMessage<InputOf<G>>, game: G): Uint8Array {
  const out = new Writer();
  switch (message.type) {
    case 'Hello':
      out.u8(0);
      str.encode(out, message.name);
      u32.encode(out, message.schema);
      break;
    case 'Input':
      out.u8(1);
      u32.encode(out, message.seq);
      u32.encode(out, message.seen);
      u8.encode(out, message.behind);
      game.input.encode(out, message.input);
      break;
    case 'Seen':
      out.u8(2);
      u32.encode(out, message.seen);
      break;
    case 'Ping':
      out.u8(3);
      u32.encode(out, message.seen);
      u32.encode(out, message.token);
  }
  const bytes = out.finish();
  if (bytes.length > CLIENT_MESSAGE_BYTES_MAX) {
    throw new RangeError(`message of ${bytes.length} bytes, at most ${CLIENT_MESSAGE_BYTES_MAX} are allowed`);
  }
  return bytes;
}
