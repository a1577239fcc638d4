/** Predicted running is the server's running, bit for bit. */
import { describe, expect, it } from 'vitest';
import type { ArenaInput, Fighter, Shared } from '../src/arena/game.ts';
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

describeGoldenSteps<Runner, ArenaInput, Fighter, Shared>({
  game: 'arena',
  rules: runRules,
  sharedOf: (shared) => shared as Shared,
  inputOf: (serde) => serde as ArenaInput,
  isHeld: () => true,
});
