/**
 * How a game's entity type looks in cells: which of its fields have columns, and which layer
 * brings which of the others.
 *
 * In: the entity's codec. Out: a `Shape`. Source: PROTOCOL.md § Cells.
 */
import type { Codec } from './codec.ts';
import { exactOf, fieldsOf } from './update.ts';

export const LAYERS = 3;

/** A set of fields, as the two halves of a mask. */
export interface FieldSet {
  readonly low: number;
  readonly high: number;
}

export interface ShapeField {
  readonly name: string;
  readonly codec: Codec<unknown>;
  readonly exact: Codec<unknown>;
  /** Its exact value is another than that of a cell, and comes in `Own` only. */
  readonly lossy: boolean;
}

export interface Shape {
  /** Entities are objects with these fields; else the one field is the entity itself. */
  readonly named: boolean;
  readonly fields: readonly ShapeField[];
  /** The index of the position and of the heading, −1 where there is none. */
  readonly position: number;
  readonly heading: number;
  readonly radians: boolean;
  /** By layer: what it brings of an entity that no lower layer has. */
  readonly whole: readonly FieldSet[];
  /** By layer: what it brings of an entity that a lower layer has. */
  readonly overlay: readonly FieldSet[];
}

export function shapeOf(entity: Codec<any>): Shape {
  const parts = fieldsOf(entity);
  const kinds = parts.map(([, codec]) => codec.field?.kind ?? 'plain');
  const seenBy = parts.map(([, codec]) => codec.field?.seenBy ?? 0);
  const heading = kinds.indexOf('heading');
  const set = (has: (seen: number) => boolean): FieldSet => {
    const halves = [0, 0];
    parts.forEach((_, i) => {
      const column = kinds[i] === 'position' || kinds[i] === 'heading';
      if (!column && has(seenBy[i]!)) halves[i >> 5]! |= 1 << (i & 31);
    });
    return { low: halves[0]!, high: halves[1]! };
  };
  const layers = [0, 1, 2];
  return {
    named: entity.fields !== undefined,
    fields: parts.map(([name, codec], i) => ({ name, codec, exact: exactOf(codec), lossy: kinds[i] !== 'plain' })),
    position: kinds.indexOf('position'),
    heading,
    radians: parts[heading]?.[1].field?.radians ?? false,
    whole: layers.map((layer) => set((seen) => seen <= layer)),
    overlay: layers.map((layer) => set((seen) => seen > 0 && seen <= layer)),
  };
}

const FULL_TURN = 256;

/** A heading as the game's type has it. */
export function headingValue(shape: Shape, turn: number): number {
  return shape.radians ? (turn / FULL_TURN) * Math.PI * 2 : turn;
}

/**
 * The direction of a movement in 1/256 of a turn: the well-known quadratic fit of the arc tangent,
 * in the whole numbers with which the server reckons, so that both show the same.
 */
export function direction(dx: number, dy: number): number {
  const across = Math.abs(dx);
  const up = Math.abs(dy);
  const share = Math.floor((Math.min(across, up) * 0x1_0000) / Math.max(across, up, 1));
  const bend = 32 * 0x1_0000 + Math.floor((1113 * (0x1_0000 - share)) / 100);
  const octant = Math.floor((share * bend + 2 ** 31) / 2 ** 32);
  const quadrant = up > across ? 64 - octant : octant;
  const half = dx < 0 ? 128 - quadrant : quadrant;
  return (dy < 0 ? FULL_TURN - half : half) & (FULL_TURN - 1);
}
