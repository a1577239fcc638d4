/** Predicted running is the server's running, bit for bit. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arena, type Entity, type Input, type Shared } from '../src/games/arena.ts';
import { run, type Runner, runRules } from '../src/arena/run.ts';
import { describeGoldenSteps } from './steps.ts';

const DT = Math.fround(1 / 30);
const FIELD = { side: 40, walls: [{ left: 18, top: 18, right: 22, bottom: 22 }] };

function runFor(ticks: number, x: number, y: number, dx: number, dy: number): { x: number; y: number } {
  let at = { x, y };
  for (let i = 0; i < ticks; i++) at = run(at, { dx, dy }, DT, FIELD);
  return at;
}

describe('running', () => {
  it('is six metres a second in any direction', () => {
    for (const [dx, dy] of [[127, 0], [-128, 0], [127, 127], [90, -90]] as const) {
      const { x, y } = runFor(15, 8, 13, dx, dy);
      expect(Math.hypot(x - 8, y - 13)).toBeCloseTo(3, 2);
    }
  });

  it('is stopped by walls and the border, and slides along', () => {
    expect(runFor(60, 15, 20, 127, 0)).toEqual({ x: 17.5, y: 20 });
    expect(runFor(60, 25, 20, -127, 0)).toEqual({ x: 22.5, y: 20 });
    expect(runFor(90, 5, 5, -100, -100)).toEqual({ x: 0.5, y: 0.5 });
    expect(runFor(60, 17.5, 20, 100, 100).y).toBeGreaterThan(22.5);
  });

  it('looks where the input aims', () => {
    const shared = { ...FIELD, teams: [0, 0], top: [] } as Shared;
    const before: Runner = { pos: { x: 5, y: 5 }, heading: 0 };
    expect(runRules.step(before, [{ dx: 0, dy: 0, aim: 77, fire: true }], DT, shared)).toEqual({ pos: before.pos, heading: 77 });
    expect(runRules.step(before, [], DT, shared)).toBe(before);
  });
});

/** As `tests/generate` has written them: at each tick rate, pushes that are held for some ticks, and where they lead. */
type Walks = { rate: number; x: number; y: number; steps: [dx: number, dy: number, ticks: number, x: number, y: number][] }[];

const file = new URL('../../tests/vectors/steps/arena.json', import.meta.url);
const wall = (left: number, top: number, right: number, bottom: number) => ({ left, top, right, bottom });
/** As the game has them. */
const WALLS = [
  wall(18, 18, 22, 22), wall(16, 6, 24, 8), wall(16, 32, 24, 34), wall(9, 9, 11, 16), wall(29, 9, 31, 16),
  wall(9, 24, 11, 31), wall(29, 24, 31, 31), wall(6, 19, 8, 21), wall(32, 19, 34, 21),
];

describe.skipIf(!existsSync(file))('golden walks of arena', () => {
  const walks = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Walks) : [];

  it.each(walks)('are the same here at $rate Hz, bit for bit', ({ rate, x, y, steps }) => {
    let at = { x: Math.fround(x), y: Math.fround(y) };
    for (const [dx, dy, ticks, toX, toY] of steps) {
      for (let i = 0; i < ticks; i++) at = run(at, { dx, dy }, Math.fround(1 / rate), { side: 40, walls: WALLS });
      expect(at).toEqual({ x: Math.fround(toX), y: Math.fround(toY) });
    }
    expect(steps.length).toBeGreaterThanOrEqual(200);
  });
});

describeGoldenSteps<Runner, Input, Entity, Shared>({
  game: arena,
  rules: runRules,
  sharedOf: (shared) => shared as Shared,
  inputOf: (serde) => serde as Input,
  isHeld: () => true,
});
