/** Predicted walking is the server's walking, bit for bit. */
import { describe, expect, it } from 'vitest';
import { type Entity, type Input, type JobsShown, meadow, type Point, type Private, type Shared } from '../src/games/meadow.ts';
import { KeptMap, Tile, TileMap } from '../src/meadow/map.ts';
import { heading, isLineClear, step, walk, type Walker, walkRules } from '../src/meadow/walk.ts';
import { HELD_TICKS } from '../src/sdk/prediction.ts';
import { describeGoldenSteps } from './steps.ts';

const DT = Math.fround(0.05);

function field(): TileMap {
  const tiles = new Uint8Array(20 * 20);
  tiles[10 * 20 + 10] = Tile.Tree;
  return new TileMap(20, 20, tiles);
}

const standing = (x: number, y: number): Walker => ({
  pos: { x: Math.fround(x), y: Math.fround(y) }, heading: 0, goal: null, path: [], pushed: { x: 0, y: 0 }, pushedTicks: 0, stale: { x: 0, y: 0 }, staleTicks: 0,
});
const NO_JOBS: JobsShown = { in_flight: 0, asked: 0, done: 0, rejected: 0, cancelled: 0, fields: 0, expansions: 0, waiting: [] };
const push = (dx: number, dy: number): Input => ({ type: 'Walk', dx, dy });

function after(walker: Walker, ticks: number, inputs: Input[], map: TileMap): Walker {
  for (let i = 0; i < ticks; i++) walker = step(walker, inputs, DT, map);
  return walker;
}

describe('walking', () => {
  it('leans on a tree that is met squarely, slides along it, and slips around its corner', () => {
    const map = field();
    const leaning = after(standing(8, 10.5), 40, [push(127, 0)], map);
    expect(leaning.pos.x).toBe(Math.fround(Math.fround(10 - Math.fround(0.3)) - Math.fround(0.001)));
    const slid = after(leaning, 3, [push(90, 90)], map);
    expect(slid.pos.x).toBe(leaning.pos.x);
    expect(slid.pos.y).toBeGreaterThan(leaning.pos.y);
    expect(after(standing(8, 10), 40, [push(127, 0)], map).pos).toMatchObject({ x: expect.closeTo(15.8, 0) });
  });

  it('stays on the map', () => {
    for (const [dx, dy] of [[127, 0], [-128, 0], [0, 127], [0, -127], [-90, -90]] as const) {
      const { pos } = after(standing(5, 5), 200, [push(dx, dy)], field());
      expect(Math.min(pos.x, pos.y)).toBeGreaterThanOrEqual(0.3);
      expect(Math.max(pos.x, pos.y)).toBeLessThanOrEqual(19.7);
    }
  });

  it('works in f32 only', () => {
    let walker = standing(5.3, 5.7);
    for (let i = 0; i < 500; i++) {
      walker = step(walker, [push((i * 37) % 127, (i * 53) % 127 - 64)], DT, field());
      expect(Math.fround(walker.pos.x)).toBe(walker.pos.x);
      expect(Math.fround(walker.pos.y)).toBe(walker.pos.y);
    }
  });

  it('finds the angle within a unit', () => {
    for (let turn = 0; turn < 256; turn++) {
      const angle = (turn / 256) * 2 * Math.PI;
      const off = (heading(Math.fround(Math.cos(angle)), Math.fround(Math.sin(angle))) - turn + 384) % 256 - 128;
      expect(Math.abs(off)).toBeLessThanOrEqual(1);
    }
    expect(heading(0, 1)).toBe(64);
  });

  it('goes to a place and stands there; what was held before does not cancel that, what comes later does', () => {
    const map = field();
    const going = step(after(standing(3, 3), 2, [push(127, 0)], map), [{ type: 'Goto', x: 5, y: 8 }, push(127, 0)], DT, map);
    expect(going.goal).not.toBeNull();
    expect(after(going, HELD_TICKS, [push(127, 0)], map).goal).toBeNull();
    const there = after(going, 60, [], map);
    expect(there.goal).toBeNull();
    expect(there.pos).toEqual({ x: 5, y: 8 });
    expect(step(there, [], DT, map), 'nothing happens any more').toBe(there);
    expect(step(going, [{ type: 'Goto', x: NaN, y: 1 }], DT, map).goal).toMatchObject({ x: 5, y: 8 });
  });

  it('gives a place up that cannot be reached', () => {
    const stuck = after(step(standing(8, 10.5), [{ type: 'Goto', x: 10.5, y: 10.5 }], DT, field()), 40, [], field());
    expect(stuck.goal).toBeNull();
    expect(stuck.pos.x).toBeLessThan(10);
  });

  it('walks around what is in the way once the server has said how; until then it goes on as before', () => {
    const map = field();
    const asked = step(standing(8, 10.5), [{ type: 'Goto', x: 13, y: 10.5 }], DT, map);
    expect(asked).toEqual(standing(8, 10.5));
    const strolling = step(step(standing(8, 10.5), [{ type: 'Goto', x: 8, y: 5 }], DT, map), [{ type: 'Goto', x: 13, y: 10.5 }], DT, map);
    expect(strolling.goal).toMatchObject({ x: 8, y: 5 });
    const path = [{ x: 9, y: 11 }, { x: 11, y: 11 }, { x: 13, y: 10 }];
    const told = { ...asked, path };
    expect(after(told, 30, [], map).path.length).toBeLessThan(3);
    expect(told.path, 'states are never changed').toHaveLength(3);
    const there = after(told, 60, [], map);
    expect(there.pos).toEqual({ x: 13.5, y: 10.5 });
    expect(there.path).toEqual([]);
    expect(step(there, [], DT, map), 'nothing happens any more').toBe(there);
    expect(step(told, [push(0, 127)], DT, map).path, 'a held direction cancels it').toEqual([]);
    const turned = step(told, [{ type: 'Goto', x: 8, y: 5 }], DT, map);
    expect([turned.path, turned.goal?.y], 'so does a free way elsewhere').toEqual([[], 5]);
  });

  it('turns at a corner without a halt, and ends exactly at the last one', () => {
    let walker: Walker = { ...standing(2.5, 2.5), path: [{ x: 4, y: 2 }, { x: 4, y: 6 }] };
    for (let i = 0; i < 60; i++) {
      const before = walker.pos;
      walker = step(walker, [], DT, new TileMap(20, 20, new Uint8Array(400)));
      const far = Math.hypot(walker.pos.x - before.x, walker.pos.y - before.y);
      if (walker.path.length > 0 && i < 25) expect(far, `step ${i}`).toBeGreaterThan(0.15);
    }
    expect(walker.path).toEqual([]);
    expect(walker.pos).toEqual({ x: expect.closeTo(4.5, 1), y: expect.closeTo(6.5, 1) });
  });

  it('sees whether a straight way is free for the whole body', () => {
    const map = field();
    const clear = (x1: number, y1: number, x2: number, y2: number) => isLineClear({ x: x1, y: y1 }, { x: x2, y: y2 }, map);
    expect(clear(8, 10.5, 13, 10.5)).toBe(false);
    expect(clear(8, 9.6, 13, 9.6), 'the middle would pass, the body does not').toBe(true);
    expect(clear(8, 9.8, 13, 9.8)).toBe(false);
    expect(clear(3, 3, 3, 3)).toBe(true);
    expect(clear(3, 3, 0.1, 3), 'nobody stands so near the edge').toBe(false);
    expect(clear(9, 9.1, 11.9, 12), 'past the corner').toBe(false);
  });

  it('is stopped by fences and by closed gates only', () => {
    const tiles = new Uint8Array(20 * 20);
    for (let x = 0; x < 20; x++) if (x < 9 || x > 10) tiles[10 * 20 + x] = Tile.Fence;
    const map = new TileMap(20, 20, tiles);
    const gate = { x: 9, y: 10, width: 2, height: 1, open: true };
    const down = (x: number) => after(standing(x, 8), 30, [push(0, 127)], map).pos.y;
    map.setGates([gate]);
    expect(down(5)).toBeLessThan(10);
    expect(down(10)).toBeGreaterThan(11);
    map.setGates([{ ...gate, open: false }]);
    expect(down(10)).toBeLessThan(10);
    expect([map.isBlocked(9, 10), map.isBlocked(9, 9), map.isBlocked(-1, 0)]).toEqual([true, false, true]);
  });

  it('takes a new map and toggled gates in as soon as they are told', () => {
    const kept = new KeptMap();
    const shared: Shared = { width: 4, height: 4, tiles: Uint8Array.of(16, 0), picked: 0, top: [], gates: [{ x: 1, y: 1, width: 1, height: 1, open: false }] };
    const map = kept.of(shared);
    expect(map.isBlocked(1, 1)).toBe(true);
    expect(kept.of({ ...shared, picked: 1 })).toBe(map);
    expect(kept.of({ ...shared, gates: [{ ...shared.gates[0]!, open: true }] }).isBlocked(1, 1)).toBe(false);
    expect(kept.of({ ...shared, tiles: Uint8Array.of(16, Tile.Fence) })).not.toBe(map);
  });

  it('keeps what the server does not tell, and takes its place and its path', () => {
    let path = [{ x: 2, y: 2 }];
    const rules = walkRules(() => ({ path, routes: [], jobs: NO_JOBS }));
    expect(rules.adopt!({ pos: { x: 1, y: 2 }, heading: 0 } as Entity, { ...standing(1, 2), goal: { x: 9, y: 3, nearest: 1, stuckS: 0 } })).toMatchObject({ goal: null, path });
    path = [];
    const guessed = step(standing(3, 3), [{ type: 'Goto', x: 9, y: 3 }], DT, field());
    const entity: Entity = { pos: { x: 1, y: 2 }, heading: 9, kind: 'Player', name: '', score: 0, hue: 0 };
    const adopted = rules.adopt!(entity, guessed);
    expect(adopted).toMatchObject({ pos: { x: 1, y: 2 }, heading: 9, goal: { x: 9, y: 3 } });
    entity.pos.x = 5;
    expect(adopted.pos.x).toBe(1);
  });

  it('is as fast as the ground allows', () => {
    for (const [tile, metres] of [[Tile.Grass, 4], [Tile.Path, 4.8], [Tile.TallGrass, 2.8], [Tile.Sand, 3.5]] as const) {
      const map = new TileMap(20, 20, new Uint8Array(400).fill(tile));
      let at = { x: 5, y: 5 };
      for (let i = 0; i < 20; i++) at = walk(at, { x: 1, y: 0 }, DT, map);
      expect(at.x).toBeCloseTo(5 + metres, 3);
    }
  });
});

let golden: Private | null = null;
const isSamePath = (a: readonly Point[], b: readonly Point[]) => a.length === b.length && a.every(({ x, y }, i) => b[i]!.x === x && b[i]!.y === y);

describeGoldenSteps<Walker, Input, Entity, Shared>({
  game: meadow,
  rules: walkRules(() => golden),
  sharedOf: ({ width, height, tiles, gates }) => ({ width, height, tiles: Uint8Array.from(tiles), picked: 0, top: [], gates }),
  inputOf(serde) {
    const [[type, fields]] = Object.entries(serde) as [[string, object]];
    return { type, ...fields } as Input;
  },
  isHeld: ({ type }) => type === 'Walk',
  handlePrivate(told, { path }) {
    golden = { routes: [], jobs: NO_JOBS, path: [], ...golden, ...told };
    // Corners are left behind by walking; any other path is news.
    return isSamePath(path.slice(Math.max(0, path.length - golden!.path.length)), golden!.path);
  },
  isPrivate: ({ path }) => isSamePath(path, golden?.path ?? []),
});
