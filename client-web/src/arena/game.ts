/** The wire types of the game `arena`, in the order of the Rust types. */
import {
  bool, defineGame, f32, heading, i8, type Infer, list, owner, position, replicated, str, struct, tuple, u16, u32, u8, unit,
  variants, vec2,
} from '../sdk/index.ts';

const input = struct({ dx: i8, dy: i8, aim: u8, fire: bool });

const fighter = replicated({ pos: position(), heading: heading(), name: str, team: u8, health: u8, ammo: owner(u8), score: u16 });

const shared = replicated({
  side: f32,
  walls: list(struct({ left: f32, top: f32, right: f32, bottom: f32 })),
  teams: tuple(u16, u16),
  top: list(struct({ name: str, team: u8, score: u16 })),
});

const event = variants({
  Shot: struct({ by: u32, from: vec2, to: vec2 }),
  Hit: struct({ by: u32, target: u32, health: u8 }),
  Fell: struct({ fighter: u32, at: vec2, name: str, team: u8, by: str }),
});

export const arena = defineGame({ name: 'arena', schema: 0, input, entity: fighter, shared, private: unit, event });

export type Arena = typeof arena;
export type ArenaInput = Infer<typeof input>;
export type Fighter = Infer<typeof fighter>;
export type Shared = Infer<typeof shared>;
export type ArenaEvent = Infer<typeof event>;
