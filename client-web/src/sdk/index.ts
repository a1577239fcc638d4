/**
 * Downbeat's client for browsers.
 *
 * ```js
 * import { connect } from '/downbeat/client.js';
 * import { tag } from '/downbeat/types/tag.js'; // made by the server from the Rust types
 * const client = connect({ game: tag, name: 'Ada' });
 * client.on('frame', () => draw(client.view));
 * client.join('main');
 * ```
 */
export { connect, Client, NAME_CHARS_MAX, type ClientEvents, type ClientOptions, type Pending } from './client.ts';
export type { ConnectionState } from './connection.ts';
export { NotAdmitted, type CredentialOptions } from './credentials.ts';
export { View, ViewError, type Applied } from './view.ts';
export type { Mismatch } from './blocks.ts';
export { Playback, type PlaceOf } from './playback.ts';
export { Avatar } from './avatar.ts';
export { Predictor, type Drawn, type OwnFrame, type PredictionRules } from './prediction.ts';
export { Motion, type Place, type Pose } from './interpolation.ts';
export { TickClock } from './clock.ts';
export { type OpenTransport, type Transport, type TransportEvents } from './transport.ts';
export {
  bool, bytes, f32, f64, heading, headingRadians, i16, i32, i64, i8, list, names, option, owner, position, quantised,
  replicated, str, struct, team, tuple, u16, u32, u64, u8, unit, variants, vec2, type Codec, type FieldRule, type Infer,
  type StructCodec, type UnitCodec, type Vec2,
} from './codec.ts';
export { DecodeError, Reader, Writer } from './bytes.ts';
export { applyUpdate, decodeUpdate, encodeUpdate, type Update } from './update.ts';
export {
  decodeServerMessage, defineGame, encodeClientMessage, type ClientMessage, type EntityOf, type EventOf, type Frame,
  type GameCodec, type InputOf, type Pong, type PrivateOf, type Look, type Seat, type ServerMessage,
  type SharedOf, type Space, type Welcome,
} from './protocol.ts';
