/**
 * Types of a game, written as values: `struct({ pos: vec2, name: str })`.
 *
 * In: a description of the Rust types; `replicated` for those that clients keep a copy of. Out: a `Codec` that encodes and decodes them in bincode's
 * standard configuration, and the TypeScript type (`Infer<typeof Entity>`).
 */
import { integerIn, type Reader, type Writer } from './bytes.ts';

/** Encodes and decodes one type. */
export interface Codec<T> {
  encode(out: Writer, value: T): void;
  decode(from: Reader): T;
  /** The smallest encoding, so that a list's length can be checked before it is read. */
  readonly bytesMin: number;
  /** The named fields of a struct in the order of the wire; absent for every other type. */
  readonly fields?: readonly (readonly [name: string, codec: Codec<unknown>])[];
  /** What `position()`, `quantised()`, `team()` and so on say about a field; absent for plain ones. */
  readonly field?: FieldRule;
}

/** How a field of a replicated type travels, and to whom. */
export interface FieldRule {
  readonly kind: 'plain' | 'position' | 'heading' | 'quantised';
  /** The lowest layer that may show it: 0 everybody, 1 the team, 2 the owner. */
  readonly seenBy: 0 | 1 | 2;
  /** In an exact update; the codec itself is as in any other update. */
  readonly exact: Codec<any>;
  /** A heading in radians instead of 1/256 of a turn. */
  readonly radians: boolean;
}

/** A struct with named fields; only such a type is updated field by field. */
export interface StructCodec<T extends object> extends Codec<T> {
  readonly fields: readonly (readonly [name: string, codec: Codec<unknown>])[];
}

/** The type that holds nothing, `()`. */
export interface UnitCodec extends Codec<null> {
  readonly unit: true;
}

/** The TypeScript type of a codec's values. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

type Flatten<T> = { [K in keyof T]: T[K] } & {};
type AnyCodec = Codec<any>;

const unsigned = (max: number): Codec<number> => ({
  encode: (out, value) => out.varint(integerIn(value, 0, max)),
  decode: (from) => from.varint(max),
  bytesMin: 1,
});

/** Zigzag puts the numbers near zero, of either sign, where the varint is short. */
const signed = (max: number): Codec<number> => ({
  encode(out, value) {
    integerIn(value, -max - 1, max);
    out.varint(value < 0 ? -value * 2 - 1 : value * 2);
  },
  decode(from) {
    const zigzag = from.varint(max * 2 + 1);
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  },
  bytesMin: 1,
});

export const u8: Codec<number> = { encode: (o, v) => o.u8(v), decode: (r) => r.u8(), bytesMin: 1 };
export const i8: Codec<number> = { encode: (o, v) => o.i8(v), decode: (r) => r.i8(), bytesMin: 1 };
export const u16 = unsigned(0xffff);
export const u32 = unsigned(0xffff_ffff);
/** A `bigint`, because a number cannot hold every `u64`. */
export const u64: Codec<bigint> = {
  encode: (out, value) => out.varintBig(value),
  decode: (from) => from.varintBig(),
  bytesMin: 1,
};
export const i16 = signed(0x7fff);
export const i32 = signed(0x7fff_ffff);
/** A `bigint`, because a number cannot hold every `i64`. */
export const i64: Codec<bigint> = {
  encode: (out, value) => {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} is not an i64`);
    out.varintBig(value < 0n ? -value * 2n - 1n : value * 2n);
  },
  decode: (from) => {
    const zigzag = from.varintBig();
    return zigzag & 1n ? -((zigzag + 1n) / 2n) : zigzag / 2n;
  },
  bytesMin: 1,
};
export const f32: Codec<number> = { encode: (o, v) => o.f32(v), decode: (r) => r.f32(), bytesMin: 4 };
export const f64: Codec<number> = { encode: (o, v) => o.f64(v), decode: (r) => r.f64(), bytesMin: 8 };
export const bool: Codec<boolean> = {
  encode: (out, value) => out.u8(value ? 1 : 0),
  decode: (from) => from.bool(),
  bytesMin: 1,
};
export const str: Codec<string> = {
  encode: (out, value) => out.string(value),
  decode: (from) => from.string(),
  bytesMin: 1,
};
export const unit: UnitCodec = { encode: () => {}, decode: () => null, bytesMin: 0, unit: true };

/** A `Vec<u8>`, without an object per byte. */
export const bytes: Codec<Uint8Array> = {
  encode(out, value) {
    out.varint(value.length);
    out.raw(value);
  },
  decode: (from) => from.raw(from.length(1)),
  bytesMin: 1,
};

/** A `Vec<T>`. */
export function list<T>(element: Codec<T>): Codec<T[]> {
  return {
    encode(out, value) {
      out.varint(value.length);
      for (const item of value) element.encode(out, item);
    },
    decode(from) {
      const count = from.length(element.bytesMin);
      const items: T[] = [];
      for (let i = 0; i < count; i++) items.push(element.decode(from));
      return items;
    },
    bytesMin: 1,
  };
}

/** An `Option<T>`: `null` stands for `None`. */
export function option<T>(some: Codec<T>): Codec<T | null> {
  return {
    encode(out, value) {
      out.u8(value === null ? 0 : 1);
      if (value !== null) some.encode(out, value);
    },
    decode: (from) => (from.bool() ? some.decode(from) : null),
    bytesMin: 1,
  };
}

/** A tuple, or an array of fixed length: `tuple(u8, str)`. */
export function tuple<const C extends readonly AnyCodec[]>(
  ...parts: C
): Codec<{ -readonly [I in keyof C]: Infer<C[I]> }> {
  return {
    encode(out, value) {
      parts.forEach((part, i) => part.encode(out, value[i]));
    },
    decode: (from) => parts.map((part) => part.decode(from)) as never,
    bytesMin: parts.reduce((sum, part) => sum + part.bytesMin, 0),
  };
}

/** A struct with named fields, in the order of the Rust type. */
export function struct<S extends Record<string, AnyCodec>>(
  shape: S,
): StructCodec<Flatten<{ [K in keyof S]: Infer<S[K]> }>> {
  const fields = Object.entries(shape);
  return {
    encode(out, value) {
      const record = value as Record<string, unknown>;
      for (const [name, codec] of fields) codec.encode(out, record[name]);
    },
    decode(from) {
      const record: Record<string, unknown> = {};
      for (const [name, codec] of fields) record[name] = codec.decode(from);
      return record as never;
    },
    bytesMin: fields.reduce((sum, [, codec]) => sum + codec.bytesMin, 0),
    fields,
  };
}

type Variant<K, C> = C extends UnitCodec
  ? { type: K }
  : C extends StructCodec<infer T>
    ? Flatten<{ type: K } & T>
    : C extends Codec<infer T>
      ? { type: K; value: T }
      : never;

/**
 * An enum, in the order of the Rust type. A variant with named fields becomes
 * `{ type: 'Walk', dx, dy }`, one without fields `{ type: 'Stop' }`, and any other
 * `{ type: 'Avatar', value }`.
 */
export function variants<S extends Record<string, AnyCodec>>(
  shape: S,
): Codec<{ [K in keyof S]: Variant<K, S[K]> }[keyof S]> {
  const cases = Object.entries(shape);
  const indexOf = new Map(cases.map(([name], index) => [name, index]));
  return {
    encode(out, value) {
      const tagged = value as { type: string; value?: unknown };
      const index = indexOf.get(tagged.type);
      if (index === undefined) throw new RangeError(`no variant ${tagged.type}`);
      const codec = cases[index]![1];
      out.varint(index);
      codec.encode(out, codec.fields ? tagged : tagged.value);
    },
    decode(from) {
      const found = cases[from.varint(0xffff_ffff)];
      if (!found) return from.fail(`no such variant, expected one of ${cases.map(([n]) => n)}`);
      const [type, codec] = found;
      const value = codec.decode(from);
      if (codec.fields) return { type, ...(value as object) } as never;
      return ('unit' in codec ? { type } : { type, value }) as never;
    },
    bytesMin: 1 + Math.min(...cases.map(([, codec]) => codec.bytesMin)),
  };
}

/** An enum none of whose variants has fields, as plain strings: `names('Player', 'Sheep')`. */
export function names<const N extends readonly string[]>(...all: N): Codec<N[number]> {
  return {
    encode(out, value) {
      const index = all.indexOf(value);
      if (index < 0) throw new RangeError(`no variant ${value}, expected one of ${all}`);
      out.varint(index);
    },
    decode: (from) =>
      all[from.varint(0xffff_ffff)] ?? from.fail(`no such variant, expected one of ${all}`),
    bytesMin: 1,
  };
}

/**
 * Two `f32`: metres, x to the right and y downwards. It is one value of an update, so it has no
 * `fields` as a struct would.
 */
export const vec2: Codec<Vec2> = {
  encode(out, value) {
    out.f32(value.x);
    out.f32(value.y);
  },
  decode: (from) => ({ x: from.f32(), y: from.f32() }),
  bytesMin: 8,
};

export interface Vec2 {
  x: number;
  y: number;
}

/** A mask has 64 bits. */
const FIELDS_MAX = 64;

/**
 * A struct with named fields of which clients keep a copy: the entity, the shared or the private
 * state of a game. Its fields may be `position()`, `heading()`, `quantised()`, `team()` and
 * `owner()`, as the attributes of the Rust type say. A field that this member may not see is `null`.
 */
export function replicated<S extends Record<string, AnyCodec>>(
  shape: S,
): StructCodec<Flatten<{ [K in keyof S]: Infer<S[K]> }>> {
  const rules = Object.values(shape).map((codec) => codec.field?.kind);
  if (rules.length > FIELDS_MAX) throw new RangeError(`${rules.length} fields, at most ${FIELDS_MAX} are allowed`);
  for (const kind of ['position', 'heading'] as const) {
    if (rules.filter((other) => other === kind).length > 1) throw new RangeError(`more than one ${kind}`);
  }
  return struct(shape);
}

/** Where an entity is, `#[replicate(position)]`: metres. */
export function position(): Codec<Vec2> {
  return { ...vec2, field: { kind: 'position', seenBy: 0, exact: vec2, radians: false } };
}

/** Which way an entity faces, `#[replicate(heading)]` on a `u8`: 1/256 of a turn, 0 is +x, towards +y. */
export function heading(): Codec<number> {
  return { ...u8, field: { kind: 'heading', seenBy: 0, exact: u8, radians: false } };
}

/** As `heading`, on an `f32` in radians. */
export function headingRadians(): Codec<number> {
  return { ...f32, field: { kind: 'heading', seenBy: 0, exact: f32, radians: true } };
}

/** An `f32` that is sent in steps, `#[replicate(range = min..=max, step = …)]`. */
export function quantised(min: number, max: number, step: number): Codec<number> {
  const steps = Math.round((max - min) / step);
  if (!(step > 0 && max > min && steps <= 0xffff_ffff)) throw new RangeError(`${min} to ${max} in steps of ${step}`);
  return {
    encode: (out, value) => out.varint(Math.min(steps, Math.max(0, Math.round((value - min) / step)))),
    decode: (from) => min + from.varint(steps) * step,
    bytesMin: 1,
    field: { kind: 'quantised', seenBy: 0, exact: f32, radians: false },
  };
}

/** A field that only the entity's team sees, `#[replicate(team)]`; `null` for everybody else. */
export function team<T>(field: Codec<T>): Codec<T | null> {
  return seenBy(1, field);
}

/** A field that only the entity's owner sees, `#[replicate(private)]`; `null` for everybody else. */
export function owner<T>(field: Codec<T>): Codec<T | null> {
  return seenBy(2, field);
}

function seenBy<T>(layer: 1 | 2, codec: Codec<T>): Codec<T | null> {
  const rule = codec.field ?? { kind: 'plain', seenBy: 0, exact: codec, radians: false };
  // Both have columns of their own, which every member of the layer sees.
  if (rule.kind === 'position' || rule.kind === 'heading') throw new RangeError(`a ${rule.kind} is seen by all who see the entity`);
  return {
    encode(out, value) {
      if (value === null) throw new RangeError('a field that is not seen cannot be written');
      codec.encode(out, value);
    },
    decode: (from) => codec.decode(from),
    bytesMin: codec.bytesMin,
    field: { ...rule, seenBy: layer },
  };
}
