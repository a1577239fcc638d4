/**
 * Downbeat's client for browsers.
 *
 * ```js
 * import { connect, defineGame, struct, u32, unit, variants } from '/downbeat/client.js';
 * const client = connect({ game, name: 'Ada' });
 * client.on('frame', () => draw(client.view));
 * client.join('main');
 * ```
 */
export { connect, Client, NAME_CHARS_MAX, type ClientEvents, type ClientOptions } from './client.ts';
export type { ConnectionState } from './connection.ts';
export { View, ViewError, type Applied } from './view.ts';
export { Playback, type PlaceOf } from './playback.ts';
export { Motion, type Pose } from './interpolation.ts';
export { TickClock } from './clock.ts';
export { type OpenTransport, type Transport, type TransportEvents } from './transport.ts';
export {
  bool, bytes, f32, f64, i16, i32, i64, i8, list, names, option, str, struct, tuple, u16, u32, u64, u8, unit,
  variants, vec2, type Codec, type Infer, type StructCodec, type UnitCodec, type Vec2,
} from './codec.ts';
export { DecodeError, Reader, Writer } from './bytes.ts';
export { applyUpdate, decodeUpdate, encodeUpdate, type Update } from './update.ts';
export {
  decodeServerMessage, defineGame, encodeClientMessage, type ClientMessage, type EntityOf, type EventOf, type Frame,
  type GameCodec, type InputOf, type Pong, type PrivateOf, type Seat, type ServerMessage, type SharedOf, type Welcome,
} from './protocol.ts';
