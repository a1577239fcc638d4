/** Predicted walking is the server's walking, bit for bit. */
import { describe, expect, it } from 'vitest';
import { type Entity, type Input, meadow, type Shared } from '../src/games/meadow.ts';
import { Tile, TileMap } from '../src/meadow/map.ts';
import { heading, step, walk, type Walker, walkRules } from '../src/meadow/walk.ts';
import { HELD_TICKS } from '../src/sdk/prediction.ts';
import { describeGoldenSteps } from './steps.ts';

const DT = Math.fround(0.05);

function field(): TileMap {
  const tiles = new Uint8Array(20 * 20);
  tiles[10 * 20 + 10] = Tile.Tree;
  return new TileMap(20, 20, tiles);
}

const standing = (x: number, y: number): Walker => ({
  pos: { x: Math.fround(x), y: Math.fround(y) }, heading: 0, goal: null, pushed: { x: 0, y: 0 }, pushedTicks: 0, stale: { x: 0, y: 0 }, staleTicks: 0,
});
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

  it('keeps what the server does not tell, and takes its place', () => {
    const rules = walkRules();
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

describeGoldenSteps<Walker, Input, Entity, Shared>({
  game: meadow,
  rules: walkRules(),
  sharedOf: ({ width, height, tiles }) => ({ width, height, tiles: Uint8Array.from(tiles), picked: 0, top: [] }),
  inputOf(serde) {
    const [[type, fields]] = Object.entries(serde) as [[string, object]];
    return { type, ...fields } as Input;
  },
  isHeld: ({ type }) => type === 'Walk',
});
