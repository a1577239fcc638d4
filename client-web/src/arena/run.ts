/**
 * How one runs in the arena: the very arithmetic of the server, in `f32` and in its order, so that
 * a predicted step ends where the server's does, to the last bit. Units: metres.
 */
import type { PredictionRules, Vec2 } from '../sdk/index.ts';
import type { Entity as Fighter, Input, Shared } from '../games/arena.ts';

const f = Math.fround;

/** Half the side of the square that a body takes up among walls. */
export const BODY_M = 0.5;
const SPEED_M_S = 6;

export interface Runner {
  readonly pos: Vec2;
  readonly heading: number;
}

/** Where a runner is after `dt` seconds: along x first, then along y from there. */
export function run(at: Vec2, push: { dx: number; dy: number }, dt: number, { side, walls }: Pick<Shared, 'side' | 'walls'>): Vec2 {
  let x = f(push.dx / 127);
  let y = f(push.dy / 127);
  const square = f(f(x * x) + f(y * y));
  if (square > 1) {
    const length = f(Math.sqrt(square));
    x = f(x / length);
    y = f(y / length);
  }
  const step = f(SPEED_M_S * dt);
  const wayX = f(x * step);
  const wayY = f(y * step);
  let nextX = f(at.x + wayX);
  for (const { left, top, right, bottom } of walls) {
    const isBeside = f(top - BODY_M) < at.y && at.y < f(bottom + BODY_M);
    if (isBeside) nextX = stopped(nextX, wayX, f(left - BODY_M), f(right + BODY_M));
  }
  nextX = within(nextX, side);
  let nextY = f(at.y + wayY);
  for (const { left, top, right, bottom } of walls) {
    const isBeside = f(left - BODY_M) < nextX && nextX < f(right + BODY_M);
    if (isBeside) nextY = stopped(nextY, wayY, f(top - BODY_M), f(bottom + BODY_M));
  }
  return { x: nextX, y: within(nextY, side) };
}

function stopped(to: number, way: number, low: number, high: number): number {
  if (low < to && to < high) return way > 0 ? low : high;
  return to;
}

function within(at: number, side: number): number {
  return Math.min(f(side - BODY_M), Math.max(BODY_M, at));
}

/** The rules for the SDK's prediction. */
export const runRules: PredictionRules<Runner, Input, Fighter, Shared> = {
  place: ({ pos }) => pos,
  adopt: ({ pos, heading }) => ({ pos: { x: pos.x, y: pos.y }, heading }),
  step(before, inputs, dt, shared) {
    let runner = before;
    for (const input of inputs) runner = { pos: run(runner.pos, input, dt, shared), heading: input.aim };
    return runner;
  },
};
