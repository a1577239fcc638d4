/**
 * Golden steps: what the real game did with a bot's inputs, as `downbeat vectors` has written it and
 * `tests/compact_steps.mjs` has shortened it to `tests/vectors/steps-{game}.json`. A prediction must
 * do the same, to the last bit.
 */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HELD_TICKS, type PredictionRules } from '../src/sdk/prediction.ts';

/** Positions and headings are what a prediction has to tell; what else an entity has is left alone. */
interface Body {
  pos: [number, number];
  heading: number;
}

interface Steps {
  game: string;
  schema: number;
  dt: number;
  shared: Record<string, any>;
  private?: any;
  start: Body;
  /**
   * Inputs are as serde writes them; null: none came, and where there is none it is the input of the
   * step before. The entity has the fields that changed, and so have the shared and the private state;
   * all are as after the step.
   */
  steps: { input?: any; entity?: Partial<Body>; shared?: Record<string, any>; private?: any }[];
}

interface Golden<State extends { heading: number }, Input, Entity, Shared> {
  game: { name: string; schema: number };
  rules: PredictionRules<State, Input, Entity, Shared>;
  sharedOf(shared: Record<string, any>): Shared;
  inputOf(serde: any): Input;
  isHeld(input: Input): boolean;
  /**
   * Takes in what has changed of the private state; false if that is something which nobody could
   * have predicted from `before`, so that the step is taken as told. Left out: there is nothing to know.
   */
  handlePrivate?(told: any, before: State): boolean;
  /** Whether a state is as the private state has it. */
  isPrivate?(after: State): boolean;
}

const STEPS_MIN = 10_000;

/** Compares all steps of a game's file, if there is one: a checkout of the client alone has none. */
export function describeGoldenSteps<State extends { heading: number }, Input, Entity, Shared>(golden: Golden<State, Input, Entity, Shared>): void {
  const { game, rules } = golden;
  const file = new URL(`../../tests/vectors/steps-${game.name}.json`, import.meta.url);
  describe.skipIf(!existsSync(file))(`golden steps of ${game.name}`, () => {
    it('are the same here, bit for bit', () => {
      const told = JSON.parse(readFileSync(file, 'utf8')) as Steps;
      expect({ name: told.game, schema: told.schema }).toEqual({ name: game.name, schema: game.schema });
      let shared = golden.sharedOf(told.shared);
      const dt = Math.fround(told.dt);
      const placed = ({ pos: [x, y], heading }: Body) => ({ pos: { x: Math.fround(x), y: Math.fround(y) }, heading });
      if (told.private) golden.handlePrivate?.(told.private, rules.adopt!(placed(told.start) as Entity, null));
      let body = told.start;
      let serde: any = null;
      let state = rules.adopt!(placed(body) as Entity, null);
      let held: { input: Input; ticks: number } | null = null;
      let moved = 0;
      let surprises = 0;
      told.steps.forEach((step, i) => {
        if (step.input !== undefined) serde = step.input;
        const inputs: Input[] = [];
        const input = serde === null ? null : golden.inputOf(serde);
        if (input !== null && golden.isHeld(input)) held = { input, ticks: HELD_TICKS };
        else if (input !== null) inputs.push(input);
        // As the engine has it: what is held comes again until something newer does.
        if (held && held.ticks-- > 0) inputs.push(held.input);
        const isForeseen = !step.private || golden.handlePrivate?.(step.private, state) !== false;
        state = rules.step(state, inputs, dt, shared);
        if (step.shared) shared = golden.sharedOf(Object.assign(told.shared, step.shared));
        if (step.entity?.pos) moved += 1;
        body = { ...body, ...step.entity };
        if (!isForeseen) {
          surprises += 1;
          state = rules.adopt!(placed(body) as Entity, state);
          return;
        }
        if (golden.isPrivate?.(state) === false) expect.fail(`step ${i + 1}: the private state is another`);
        // Compared by hand first: ten thousand calls of `expect` take seconds.
        const found = { pos: rules.place(state), heading: state.heading };
        const wanted = placed(body);
        if (found.pos.x !== wanted.pos.x || found.pos.y !== wanted.pos.y || found.heading !== wanted.heading) {
          expect({ step: i + 1, ...found }).toEqual({ step: i + 1, ...wanted });
        }
      });
      expect(told.steps.length).toBeGreaterThanOrEqual(STEPS_MIN);
      expect(surprises, 'steps that nobody could have predicted').toBeLessThan(told.steps.length / 20);
      expect(moved, 'steps that lead somewhere').toBeGreaterThan(STEPS_MIN / 2);
    });
  });
}
