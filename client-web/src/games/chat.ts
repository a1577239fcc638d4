// The types of the game `chat`, generated from the Rust types: do not edit.
import { bool, defineGame, names, replicated, str, struct, u16, u32, unit, variants, type Infer } from '@downbeat/client';

export const Input = variants({
  Say: struct({ text: str }),
  Tell: struct({ person: u32, text: str }),
  Typing: struct({ on: bool }),
  Mute: struct({ person: u32, minutes: u16 }),
  Kick: struct({ person: u32 }),
});
export type Input = Infer<typeof Input>;

export const Kind = names('Person', 'Line');
export type Kind = Infer<typeof Kind>;

export const Entity = replicated({
  kind: Kind,
  number: u32,
  name: str,
  text: str,
  at_s: u32,
  moderator: bool,
  muted: bool,
  typing: bool,
});
export type Entity = Infer<typeof Entity>;

export const Shared = unit;
export type Shared = Infer<typeof Shared>;

export const Private = replicated({ person: u32 });
export type Private = Infer<typeof Private>;

export const Why = names('TooFast', 'TooLong', 'Muted', 'NobodyThere', 'NotModerator', 'Elsewhere');
export type Why = Infer<typeof Why>;

export const Event = variants({
  Joined: struct({ name: str }),
  Left: struct({ name: str }),
  Direct: struct({ from: str, to: str, text: str }),
  Refused: struct({ why: Why }),
  Missed: unit,
});
export type Event = Infer<typeof Event>;

export const chat = defineGame({
  name: 'chat',
  schema: 0xb2b195ae,
  input: Input,
  entity: Entity,
  shared: Shared,
  private: Private,
  event: Event,
});
