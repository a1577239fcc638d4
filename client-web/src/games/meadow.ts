// The types of the game `meadow`, generated from the Rust types: do not edit.
import { bool, bytes, defineGame, f32, heading, i8, list, names, position, replicated, str, struct, u16, u32, u8, variants, type Infer } from '@downbeat/client';

export const Input = variants({
  Walk: struct({ dx: i8, dy: i8 }),
  Goto: struct({ x: f32, y: f32 }),
  Emote: struct({ emote: u8 }),
  Overlay: struct({ on: bool }),
});
export type Input = Infer<typeof Input>;

export const Kind = names('Player', 'Sheep', 'Rabbit', 'Duck', 'Flower', 'Wolf');
export type Kind = Infer<typeof Kind>;

export const Entity = replicated({ pos: position(), heading: heading(), kind: Kind, name: str, score: u16, hue: u8 });
export type Entity = Infer<typeof Entity>;

export const Top = struct({ name: str, score: u16 });
export type Top = Infer<typeof Top>;

export const Gate = struct({ x: u16, y: u16, width: u8, height: u8, open: bool });
export type Gate = Infer<typeof Gate>;

export const Shared = replicated({
  width: u16,
  height: u16,
  tiles: bytes,
  picked: u32,
  top: list(Top),
  gates: list(Gate),
});
export type Shared = Infer<typeof Shared>;

export const Point = struct({ x: u16, y: u16 });
export type Point = Infer<typeof Point>;

export const Route = struct({ entity: u32, corners: list(Point) });
export type Route = Infer<typeof Route>;

export const Ask = struct({ from: Point, to: Point });
export type Ask = Infer<typeof Ask>;

export const JobsShown = struct({
  in_flight: u16,
  asked: u32,
  done: u32,
  rejected: u32,
  cancelled: u32,
  fields: u8,
  expansions: u32,
  waiting: list(Ask),
});
export type JobsShown = Infer<typeof JobsShown>;

export const Private = replicated({ path: list(Point), routes: list(Route), jobs: JobsShown });
export type Private = Infer<typeof Private>;

export const Event = variants({
  Picked: struct({ player: u32, flower_hue: u8, points: u8, x: f32, y: f32 }),
  Emoted: struct({ entity: u32, emote: u8 }),
  Joined: struct({ name: str }),
  Left: struct({ name: str }),
});
export type Event = Infer<typeof Event>;

export const meadow = defineGame({
  name: 'meadow',
  schema: 0x8ea4e6ae,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
