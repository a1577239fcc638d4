// The types of the game `tally`, generated from the Rust types: do not edit.
import { defineGame, replicated, tuple, u32, u8, unit, type Infer } from '@downbeat/client';

export const Input = u8;
export type Input = Infer<typeof Input>;

export const Entity = unit;
export type Entity = Infer<typeof Entity>;

export const Shared = replicated({ round: u32, votes: tuple(u32, u32, u32, u32), wins: tuple(u32, u32, u32, u32) });
export type Shared = Infer<typeof Shared>;

export const Private = unit;
export type Private = Infer<typeof Private>;

export const Event = unit;
export type Event = Infer<typeof Event>;

export const tally = defineGame({
  name: 'tally',
  schema: 0xb6c2d3af,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
