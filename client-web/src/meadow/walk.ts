/**
 * How one walks in the meadow: the very arithmetic of the server, in `f32` and in its order, so
 * that a predicted step ends where the server's does, to the last bit.
 *
 * In: a walker, its inputs and the map. Out: the walker a tick later. A way around an obstacle is the
 * server's to find: until its corners come with `Private.path`, the walker goes on as before.
 * Units: metres.
 */
import type { PredictionRules, Vec2 } from '../sdk/index.ts';
import type { Entity, Input, Point, Private, Shared } from '../games/meadow.ts';
import { KeptMap, Tile, type TileMap } from './map.ts';

const f = Math.fround;

/** Half the side of the square that a body takes up. */
const BODY_M = f(0.3);
/** What keeps a body that leans on something from standing in it. */
const GAP_M = f(0.001);
const STEP_M_MAX = f(0.5);
const FRONT_M = f(BODY_M + f(2 * GAP_M));
/** Ticks for which the server repeats a held direction. */
const HELD_TICKS = 3;
/** Seconds without getting nearer after which a walk to a place is given up. */
const STUCK_S = f(0.8);
const NEARER_M = f(0.02);
const THERE_M = f(0.01);
/** A corner that is this near was turned at; the last one is walked to. */
const TURNED_M = f(0.2);
/** How far apart a straight way is looked at. */
const LOOK_M = f(0.25);

const SPEEDS: Record<number, number> = {
  [Tile.Path]: f(4.8), [Tile.Bridge]: f(4.8), [Tile.Sand]: f(3.5), [Tile.TallGrass]: f(2.8),
  [Tile.Grass]: 4, [Tile.Water]: 4, [Tile.Tree]: 4, [Tile.Fence]: 4,
};

interface Goal extends Vec2 {
  /** The shortest distance so far, and for how long it has not shrunk. */
  nearest: number;
  stuckS: number;
}

/** The own avatar as far as it walks. What only the server knows is left out. */
export interface Walker {
  readonly pos: Vec2;
  readonly heading: number;
  /** Where it goes straight. */
  readonly goal: Goal | null;
  /** The corners of the way that the server has found, as far as they are still ahead. */
  readonly path: readonly Point[];
  /** The last direction, and for how many more ticks the server may repeat it. */
  readonly pushed: Vec2;
  readonly pushedTicks: number;
  /** A direction that was held before the goal was set: for so long it does not cancel the goal. */
  readonly stale: Vec2;
  readonly staleTicks: number;
}

const NOWHERE: Vec2 = { x: 0, y: 0 };
const NO_PATH: readonly Point[] = [];

/** Where a walker is after one tick with these inputs. */
export function step(before: Walker, inputs: readonly Input[], dt: number, map: TileMap): Walker {
  if (inputs.length === 0 && !isGoing(before) && before.pushedTicks + before.staleTicks === 0) return before;
  let walker = before;
  let push: Vec2 | null = null;
  for (const input of inputs) {
    if (input.type === 'Goto') walker = goTo(walker, input, map);
    if (input.type !== 'Walk') continue;
    const way = { x: input.dx, y: input.dy };
    if (walker.staleTicks > 0 && walker.stale.x === way.x && walker.stale.y === way.y) continue;
    walker = { ...walker, goal: null, path: NO_PATH, staleTicks: 0, pushed: way, pushedTicks: HELD_TICKS };
    push = way;
  }
  const { goal, path, direction } = push ? { ...walker, direction: pushDirection(push) } : wayOf(walker, dt, map);
  const pos = direction ? walk(walker.pos, direction, dt, map) : walker.pos;
  const moved = pos.x !== walker.pos.x || pos.y !== walker.pos.y;
  return {
    ...walker,
    pos,
    goal,
    path,
    heading: moved ? heading(f(pos.x - walker.pos.x), f(pos.y - walker.pos.y)) : walker.heading,
    pushedTicks: Math.max(0, walker.pushedTicks - 1),
    staleTicks: Math.max(0, walker.staleTicks - 1),
  };
}

/** Whether it walks somewhere by itself. */
export function isGoing({ goal, path }: Walker): boolean {
  return goal !== null || path.length > 0;
}

function goTo(walker: Walker, at: Vec2, map: TileMap): Walker {
  if (!Number.isFinite(at.x) || !Number.isFinite(at.y)) return walker;
  const inside = (value: number, side: number) => Math.min(Math.max(f(value), 0), side);
  const goal = { x: inside(at.x, map.width), y: inside(at.y, map.height), nearest: Infinity, stuckS: 0 };
  const asked = { ...walker, stale: walker.pushed, staleTicks: walker.pushedTicks };
  return isLineClear(walker.pos, goal, map) ? { ...asked, goal, path: NO_PATH } : asked;
}

/** Whether a body can go straight from here to there. */
export function isLineClear(from: Vec2, to: Vec2, map: TileMap): boolean {
  const wayX = f(to.x - from.x);
  const wayY = f(to.y - from.y);
  const looks = Math.floor(f(Math.max(Math.abs(wayX), Math.abs(wayY)) / LOOK_M)) + 1;
  for (let look = 1; look <= looks; look++) {
    const share = f(look / looks);
    if (!isFree(f(from.x + f(wayX * share)), f(from.y + f(wayY * share)), map)) return false;
  }
  return true;
}

function pushDirection(push: Vec2): Vec2 | null {
  const x = f(push.x / 127);
  const y = f(push.y / 127);
  if (x === 0 && y === 0) return null;
  const squared = f(f(x * x) + f(y * y));
  if (squared <= 1) return { x, y };
  const length = f(Math.sqrt(squared));
  return { x: f(x / length), y: f(y / length) };
}

/** Which way it goes by itself, and what is then still ahead. */
interface Way {
  goal: Goal | null;
  path: readonly Point[];
  direction: Vec2 | null;
}

function wayOf(walker: Walker, dt: number, map: TileMap): Way {
  return walker.goal ? towardsGoal(walker.goal, walker, dt, map) : alongPath(walker, dt, map);
}

/** From corner to corner, each in the middle of its square. */
function alongPath({ path, pos }: Walker, dt: number, map: TileMap): Way {
  let ahead = path;
  for (let [next] = ahead; next; [next] = ahead) {
    const x = f(next.x + 0.5 - pos.x);
    const y = f(next.y + 0.5 - pos.y);
    const distance = f(Math.sqrt(f(f(x * x) + f(y * y))));
    const isLast = ahead.length === 1;
    if (distance < (isLast ? THERE_M : TURNED_M)) {
      ahead = ahead.slice(1);
      continue;
    }
    // The last step ends right there.
    const length = Math.max(distance, f(speedAt(pos, map) * dt));
    return { goal: null, path: ahead, direction: { x: f(x / length), y: f(y / length) } };
  }
  return { goal: null, path: NO_PATH, direction: null };
}

function towardsGoal(goal: Goal, { path, pos }: Walker, dt: number, map: TileMap): Way {
  const x = f(goal.x - pos.x);
  const y = f(goal.y - pos.y);
  const distance = f(Math.sqrt(f(f(x * x) + f(y * y))));
  const isNearer = distance < f(goal.nearest - NEARER_M);
  const stuckS = isNearer ? 0 : f(goal.stuckS + dt);
  if (distance < THERE_M || stuckS > STUCK_S) return { goal: null, path, direction: null };
  // The last step ends right there.
  const length = Math.max(distance, f(speedAt(pos, map) * dt));
  return {
    goal: { ...goal, nearest: Math.min(goal.nearest, distance), stuckS },
    path,
    direction: { x: f(x / length), y: f(y / length) },
  };
}

/** Where one is after `dt` seconds. `direction` is at most 1 long; shorter is slower. */
export function walk(from: Vec2, direction: Vec2, dt: number, map: TileMap): Vec2 {
  const step = f(speedAt(from, map) * dt);
  return advance(from, { x: f(direction.x * step), y: f(direction.y * step) }, map);
}

/** Goes a way as far as the tiles allow: along x, then along y; slips around a corner. */
function advance(from: Vec2, wanted: Vec2, map: TileMap): Vec2 {
  const wayX = Math.min(Math.max(wanted.x, -STEP_M_MAX), STEP_M_MAX);
  const wayY = Math.min(Math.max(wanted.y, -STEP_M_MAX), STEP_M_MAX);
  let { x, y } = from;
  const xFree = isFree(f(x + wayX), y, map);
  if (xFree) x = f(x + wayX);
  else {
    const leaning = lean(x, wayX);
    if (isFree(leaning, y, map)) x = leaning;
  }
  const yFree = isFree(x, f(y + wayY), map);
  if (yFree) y = f(y + wayY);
  else {
    const leaning = lean(y, wayY);
    if (isFree(x, leaning, map)) y = leaning;
  }
  let slipX = 0;
  let slipY = 0;
  if (!xFree && wayY === 0) slipY = Math.abs(wayX);
  else if (!yFree && wayX === 0) slipX = Math.abs(wayY);
  else return { x, y };
  // One of the two front corners is blocked: towards the other one is the way around.
  const frontX = f(x + f(Math.sign(wayX) * FRONT_M));
  const frontY = f(y + f(Math.sign(wayY) * FRONT_M));
  const sideX = Math.sign(slipX) * BODY_M;
  const sideY = Math.sign(slipY) * BODY_M;
  const before = isGround(f(frontX - sideX), f(frontY - sideY), map);
  const after = isGround(f(frontX + sideX), f(frontY + sideY), map);
  if (before === after) return { x, y };
  const sign = before ? -1 : 1;
  const slipped = { x: f(x + sign * slipX), y: f(y + sign * slipY) };
  return isFree(slipped.x, slipped.y, map) ? slipped : { x, y };
}

/** Right beside the tile that is in the way. */
function lean(from: number, way: number): number {
  if (way > 0) return Math.max(f(f(Math.floor(f(f(from + way) + BODY_M)) - BODY_M) - GAP_M), from);
  return Math.min(f(f(Math.floor(f(f(from + way) - BODY_M)) + 1 + BODY_M) + GAP_M), from);
}

function isFree(x: number, y: number, map: TileMap): boolean {
  const [left, right, top, bottom] = [f(x - BODY_M), f(x + BODY_M), f(y - BODY_M), f(y + BODY_M)];
  return isGround(left, top, map) && isGround(right, top, map) && isGround(left, bottom, map) && isGround(right, bottom, map);
}

function isGround(x: number, y: number, map: TileMap): boolean {
  return !map.isBlocked(Math.floor(x), Math.floor(y));
}

/** Beyond the edge there are trees, as the server has it; `TileMap.at` shows something nicer. */
function under(x: number, y: number, map: TileMap): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= map.width || row >= map.height) return Tile.Tree;
  return map.tiles[row * map.width + column]!;
}

function speedAt(at: Vec2, map: TileMap): number {
  return SPEEDS[under(at.x, at.y, map)] ?? 4;
}

/** The direction as 1/256 of a turn; 0 is +x, and it grows towards +y. */
export function heading(x: number, y: number): number {
  const across = Math.abs(x);
  const up = Math.abs(y);
  const longer = Math.max(across, up);
  if (longer <= 0) return 0;
  const a = f(Math.min(across, up) / longer);
  const octant = f(a * f(32 + f(f(11.13) * f(1 - a))));
  const quadrant = up > across ? f(64 - octant) : octant;
  const half = x < 0 ? f(128 - quadrant) : quadrant;
  const turn = y < 0 ? f(256 - half) : half;
  return Math.floor(f(turn + 0.5)) & 255;
}

/**
 * The rules for the SDK's prediction. `own` tells the newest private state: the way around obstacles
 * is in it, as of the tick of the avatar's own place.
 */
export function walkRules(own: () => Private | null): PredictionRules<Walker, Input, Entity, Shared> {
  const map = new KeptMap();
  return {
    rest: { type: 'Walk', dx: 0, dy: 0 },
    place: ({ pos }) => pos,
    adopt({ pos, heading }, guessed) {
      const told = own()?.path ?? NO_PATH;
      const kept = guessed ?? { goal: null, pushed: NOWHERE, pushedTicks: 0, stale: NOWHERE, staleTicks: 0 };
      // Whoever follows a path goes nowhere straight.
      return { ...kept, goal: told.length > 0 ? null : kept.goal, path: told, pos: { x: pos.x, y: pos.y }, heading };
    },
    step: (walker, inputs, dt, shared) => step(walker, inputs, dt, map.of(shared)),
  };
}
