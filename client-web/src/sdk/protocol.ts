/**
 * The messages of PROTOCOL.md: encodes what a client says and decodes what a server says.
 *
 * In: bytes and the game's types. Out: typed messages, or `DecodeError`. Keeps no state.
 */
import { DecodeError, Reader, Writer } from './bytes.ts';
import { type Codec, type Infer, str, struct, u16, u32, unit, variants } from './codec.ts';
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

/** Gives a game's codecs a name and keeps their types. */
export function defineGame<I, E, S, P, V>(game: GameCodec<I, E, S, P, V>): GameCodec<I, E, S, P, V> {
  return game;
}

export const seat = variants({ Avatar: struct({ entity: u32 }), Player: unit, Spectator: unit });
export type Seat = Infer<typeof seat>;

const welcome = struct({
  player: u32,
  seat,
  tick: u32,
  tickRateHz: u16,
  game: str,
  room: str,
  name: str,
});
const pong = struct({ token: u32, tick: u32 });

export type Welcome = { type: 'Welcome' } & Infer<typeof welcome>;
export type Pong = { type: 'Pong' } & Infer<typeof pong>;

/** One message of state. A tick's frame is whole when one without `more` has come. */
export interface Frame<G extends GameCodec> {
  type: 'Frame';
  reset: boolean;
  more: boolean;
  tick: number;
  due: number;
  inputAck: number;
  refused: number[];
  seat: Seat | null;
  private: Update | null;
  events: EventOf<G>[];
  shared: Update | null;
  removed: number[];
  added: [id: number, entity: EntityOf<G>][];
  changed: [id: number, update: Update][];
}

export type ServerMessage<G extends GameCodec> = Welcome | Frame<G> | Pong;

const FLAG_RESET = 1;
const FLAG_MORE = 2;

/** Decodes one message; throws `DecodeError` and nothing else. */
export function decodeServerMessage<G extends GameCodec>(bytes: Uint8Array, game: G): ServerMessage<G> {
  if (bytes.length > SERVER_MESSAGE_BYTES_MAX) throw new DecodeError(`message of ${bytes.length} bytes`, 0);
  const from = new Reader(bytes);
  const tag = from.u8();
  let message: ServerMessage<G>;
  if (tag === 0) message = { type: 'Welcome', ...welcome.decode(from) };
  else if (tag === 1) message = decodeFrame(from, game);
  else if (tag === 2) message = { type: 'Pong', ...pong.decode(from) };
  else return from.fail(`no message ${tag}`);
  from.finish();
  return message;
}

function decodeFrame<G extends GameCodec>(from: Reader, game: G): Frame<G> {
  const flags = from.u8();
  if (flags & ~(FLAG_RESET | FLAG_MORE)) from.fail(`unknown flags ${flags}`);
  const frame: Frame<G> = {
    type: 'Frame',
    reset: (flags & FLAG_RESET) !== 0,
    more: (flags & FLAG_MORE) !== 0,
    tick: u32.decode(from),
    due: u32.decode(from),
    inputAck: u32.decode(from),
    refused: [],
    seat: null,
    private: null,
    events: [],
    shared: null,
    removed: [],
    added: [],
    changed: [],
  };
  let last = 0;
  while (from.left > 0) {
    const section = from.u8();
    // Sections are applied in the order of their tags; another order would mean another result.
    if (section < last) from.fail(`section ${section} after section ${last}`);
    last = section;
    decodeSection(from, game, frame, section);
  }
  return frame;
}

function decodeSection<G extends GameCodec>(from: Reader, game: G, frame: Frame<G>, section: number): void {
  const entries = <T>(bytesMin: number, one: () => T): T[] =>
    Array.from({ length: from.length(bytesMin) }, one);
  switch (section) {
    case 1:
      frame.refused.push(...entries(1, () => u32.decode(from)));
      break;
    case 2:
      frame.seat = seat.decode(from);
      break;
    case 3:
      frame.private = decodeUpdate(game.private, from);
      break;
    case 4:
      frame.events.push(...entries(game.event.bytesMin, () => game.event.decode(from)));
      break;
    case 5:
      frame.shared = decodeUpdate(game.shared, from);
      break;
    case 6:
      frame.removed.push(...entries(1, () => u32.decode(from)));
      break;
    case 7:
      frame.added.push(...entries<[number, EntityOf<G>]>(1 + game.entity.bytesMin, () => [u32.decode(from), game.entity.decode(from)]));
      break;
    case 8:
      frame.changed.push(...entries<[number, Update]>(2, () => [u32.decode(from), decodeUpdate(game.entity, from)]));
      break;
    default:
      from.fail(`no section ${section}`);
  }
}

/** What a client can say. `seen` is the newest tick received, 0 before the first. */
export type ClientMessage<I> =
  | { type: 'Hello'; name: string }
  | { type: 'Input'; seq: number; seen: number; input: I }
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
      break;
    case 'Input':
      out.u8(1);
      u32.encode(out, message.seq);
      u32.encode(out, message.seen);
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
