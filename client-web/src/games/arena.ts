// The types of the game `arena`, generated from the Rust types: do not edit.
import { bool, defineGame, f32, heading, i8, list, owner, position, replicated, str, struct, tuple, u16, u32, u8, unit, variants, vec2, type Infer } from '@downbeat/client';

export const Input = struct({ dx: i8, dy: i8, aim: u8, fire: bool });
export type Input = Infer<typeof Input>;

export const Entity = replicated({
  pos: position(),
  heading: heading(),
  name: str,
  team: u8,
  health: u8,
  ammo: owner(u8),
  score: u16,
});
export type Entity = Infer<typeof Entity>;

export const Wall = struct({ left: f32, top: f32, right: f32, bottom: f32 });
export type Wall = Infer<typeof Wall>;

export const Top = struct({ name: str, team: u8, score: u16 });
export type Top = Infer<typeof Top>;

export const Shared = replicated({ side: f32, walls: list(Wall), teams: tuple(u16, u16), top: list(Top) });
export type Shared = Infer<typeof Shared>;

export const Private = unit;
export type Private = Infer<typeof Private>;

export const Event = variants({
  Shot: struct({ by: u32, from: vec2, to: vec2 }),
  Hit: struct({ by: u32, target: u32, health: u8 }),
  Fell: struct({ fighter: u32, at: vec2, name: str, team: u8, by: str }),
});
export type Event = Infer<typeof Event>;

export const arena = defineGame({
  name: 'arena',
  schema: 0x7b8ea95f,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
