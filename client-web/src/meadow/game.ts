/** The wire types of the game `meadow`, in the order of the Rust types. */
import {
  bytes, defineGame, f32, heading, i8, type Infer, list, names, position, replicated, str, struct, u16, u32, u8, unit, variants,
} from '../sdk/index.ts';

const input = variants({
  Walk: struct({ dx: i8, dy: i8 }),
  Goto: struct({ x: f32, y: f32 }),
  Emote: struct({ emote: u8 }),
});

const kind = names('Player', 'Sheep', 'Rabbit', 'Duck', 'Flower');

const entity = replicated({ pos: position(), heading: heading(), kind, name: str, score: u16, hue: u8 });

const shared = replicated({
  width: u16,
  height: u16,
  tiles: bytes,
  picked: u32,
  top: list(struct({ name: str, score: u16 })),
});

const event = variants({
  Picked: struct({ player: u32, flower_hue: u8, points: u8, x: f32, y: f32 }),
  Emoted: struct({ entity: u32, emote: u8 }),
  Joined: struct({ name: str }),
  Left: struct({ name: str }),
});

export const meadow = defineGame({ name: 'meadow', schema: 0, input, entity, shared, private: unit, event });

export type Meadow = typeof meadow;
export type MeadowInput = Infer<typeof input>;
export type Entity = Infer<typeof entity>;
export type Shared = Infer<typeof shared>;
export type MeadowEvent = Infer<typeof event>;
export type Kind = Infer<typeof kind>;

/** What an emote's number shows. */
export const EMOTES = ['👋', '❤️', '😂', '🎵'] as const;
export const EMOTE_NAMES = ['Wave', 'Heart', 'Laugh', 'Music'] as const;
