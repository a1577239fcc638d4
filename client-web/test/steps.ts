/**
 * Golden steps: what the real game did with a list of inputs, as `downbeat vectors` has written it
 * to `tests/vectors/steps-{game}.json`. A prediction must do the same, to the last bit.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HELD_TICKS, type PredictionRules } from '../src/sdk/prediction.ts';

interface Steps {
  dt: number;
  shared: Record<string, any>;
  /** The first one is where it starts. Inputs are as serde writes them; null: none came. */
  steps: { input: any; pos: [number, number]; heading: number }[];
}

interface Golden<State extends { heading: number }, Input, Entity, Shared> {
  game: string;
  rules: PredictionRules<State, Input, Entity, Shared>;
  sharedOf(shared: Record<string, any>): Shared;
  inputOf(serde: any): Input;
  isHeld(input: Input): boolean;
}

/** Compares all steps of a game's file, if there is one. */
export function describeGoldenSteps<State extends { heading: number }, Input, Entity, Shared>(golden: Golden<State, Input, Entity, Shared>): void {
  const { rules } = golden;
  const file = new URL(`../../tests/vectors/steps-${golden.game}.json`, import.meta.url);
  describe.skipIf(!existsSync(file))(`golden steps of ${golden.game}`, () => {
    it('are the same here, bit for bit', () => {
      const { dt, shared: serde, steps } = JSON.parse(readFileSync(file, 'utf8')) as Steps;
      const shared = golden.sharedOf(serde);
      const [start, ...rest] = steps;
      const at = ([x, y]: [number, number]) => ({ x: Math.fround(x), y: Math.fround(y) });
      let state = rules.adopt!({ pos: at(start!.pos), heading: start!.heading } as Entity, null);
      let held: { input: Input; ticks: number } | null = null;
      rest.forEach(({ input: serdeInput, pos, heading }, i) => {
        const inputs: Input[] = [];
        const input = serdeInput === null ? null : golden.inputOf(serdeInput);
        if (input !== null && golden.isHeld(input)) held = { input, ticks: HELD_TICKS };
        else if (input !== null) inputs.push(input);
        // As the engine has it: what is held comes again until something newer does.
        if (held && held.ticks-- > 0) inputs.push(held.input);
        state = rules.step(state, inputs, Math.fround(dt), shared);
        const found = { step: i + 1, ...rules.place(state), heading: state.heading };
        expect(found).toEqual({ step: i + 1, ...at(pos), heading });
      });
      expect(rest.length).toBeGreaterThan(1_000);
    });
  });
}
