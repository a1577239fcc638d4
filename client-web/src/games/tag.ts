// The types of the game `tag`, generated from the Rust types: do not edit.
import { bool, defineGame, position, replicated, str, u16, unit, vec2, type Infer } from '@downbeat/client';

export const Input = vec2;
export type Input = Infer<typeof Input>;

export const Entity = replicated({ pos: position(), it: bool, caught: u16, name: str });
export type Entity = Infer<typeof Entity>;

export const Shared = unit;
export type Shared = Infer<typeof Shared>;

export const Private = unit;
export type Private = Infer<typeof Private>;

export const Event = unit;
export type Event = Infer<typeof Event>;

export const tag = defineGame({
  name: 'tag',
  schema: 0x8775b644,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
