import { describe, expect, it } from 'vitest';
import { CORRECTION_MS, HELD_TICKS, type PredictionRules, Predictor, SNAP_M, STEPS_MAX } from '../src/sdk/prediction.ts';

const TICK_MS = 50;
/** At 20 steps a second: 4 m/s. */
const STRIDE_M = 0.2;

interface Body {
  x: number;
  y: number;
}
type Input = { way: -1 | 0 | 1; up?: number };

function walk(at: Body, inputs: readonly Input[]): Body {
  let { x, y } = at;
  for (const { way, up } of inputs) {
    x = Math.fround(x + Math.fround(way * STRIDE_M));
    y += up ?? 0;
  }
  return x === at.x && y === at.y ? at : { x, y };
}
const RULES: PredictionRules<Body, Input, Body, null> = { step: walk, place: (body) => body, rest: { way: 0 } };
const RIGHT: Input = { way: 1 };

/** The engine's rule for held inputs, and a line that delays either way. */
class Server {
  body: Body = { x: 0, y: 0 };
  now = 0;
  readonly predictor: Predictor<Body, Input, Body, null>;
  readonly sent: { seq: number; input: Input; at: number }[] = [];
  delay: (at: number) => number = () => 30;
  private readonly up: { seq: number; input: Input; at: number }[] = [];
  private readonly down: { at: number; deliver: () => void }[] = [];
  private held: { input: Input; ticks: number } | null = null;
  private ack = 0;
  private lead = 0;
  private tick = 100;
  private tickAt = 13;

  constructor(rules = RULES) {
    this.predictor = new Predictor(rules, (input) => this.take(input), () => null);
    this.run(500);
  }

  /** Lets milliseconds pass; `each` sees the picture of every fourth one. */
  run(ms: number, each: (x: number, now: number) => void = () => {}): void {
    for (const end = this.now + ms; this.now < end; this.now += 1) {
      while (this.up[0] && this.up[0].at <= this.now) this.apply(this.up.shift()!);
      if (this.now >= this.tickAt) this.step();
      while (this.down[0] && this.down[0].at <= this.now) this.down.shift()!.deliver();
      this.predictor.advance(this.now);
      const drawn = this.predictor.drawn(this.now);
      if (drawn && this.now % 4 === 0) each(drawn.x, this.now);
    }
  }

  get x(): number {
    return this.predictor.drawn(this.now)!.x;
  }

  private take(input: Input): number {
    const seq = (this.sent.at(-1)?.seq ?? 0) + 1;
    // TCP keeps the order.
    const at = Math.max(this.up.at(-1)?.at ?? 0, this.now + this.delay(this.now));
    this.sent.push({ seq, input, at: this.now });
    this.up.push({ seq, input, at });
    return seq;
  }

  private apply({ seq, input, at }: { seq: number; input: Input; at: number }): void {
    this.held = { input, ticks: HELD_TICKS };
    this.ack = seq;
    this.lead = this.tickAt - at;
  }

  private step(): void {
    this.tickAt += TICK_MS;
    this.tick += 1;
    if (this.held && this.held.ticks > 0) {
      this.held.ticks -= 1;
      this.body = walk(this.body, [this.held.input]);
    }
    const frame = { tick: this.tick, ack: this.ack, leadMs: this.lead, entity: this.body };
    const at = Math.max(this.down.at(-1)?.at ?? 0, this.now + this.delay(this.now));
    this.down.push({ at, deliver: () => this.predictor.handleFrame(frame, this.now) });
  }
}

describe('prediction', () => {
  it('answers a key in the next picture, at any time of a step', () => {
    for (let ms = 0; ms < TICK_MS; ms += 7) {
      const server = new Server();
      server.run(ms);
      const { x } = server;
      server.predictor.hold(RIGHT, server.now);
      server.run(7);
      expect(server.x).toBeGreaterThan(x + 0.005);
    }
  });

  it('answers in a picture whose time is before the key', () => {
    // As a page under load has it: the picture was begun, then came the key, then it was drawn.
    const server = new Server();
    const { x, now } = server;
    server.now += 9;
    server.predictor.hold(RIGHT, server.now);
    expect(server.predictor.drawn(now + 5)!.x).toBeGreaterThan(x + 0.005);
  });

  it('turns in the next picture too', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(333);
    const { x } = server;
    server.predictor.hold({ way: -1 }, server.now);
    server.run(17);
    expect(server.x).toBeLessThan(x);
  });

  it('walks evenly, is confirmed by the server, and ends where the server says', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(200);
    let last = NaN;
    server.run(2_000, (x) => {
      // 4 m/s for 4 ms, in steps of 2 % more or less.
      if (!Number.isNaN(last)) expect(Math.abs(x - last - 0.016)).toBeLessThan(0.0005);
      last = x;
    });
    server.predictor.hold(null, server.now);
    server.run(1_000);
    expect(server.x).toBe(server.body.x);
    expect(server.predictor.corrected).toBe(0);
    expect(server.predictor.confirmed).toBeGreaterThan(40);
  });

  it('lets go without sliding back', () => {
    for (let ms = 0; ms < TICK_MS; ms += 9) {
      const server = new Server();
      server.predictor.hold(RIGHT, server.now);
      server.run(400 + ms);
      server.predictor.hold(null, server.now);
      let last = -1;
      server.run(500, (x) => {
        expect(x).toBeGreaterThanOrEqual(last);
        last = x;
      });
      expect(server.x).toBe(server.body.x);
    }
  });

  it('makes a step of a tap that is shorter than one', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(3);
    server.predictor.hold(null, server.now);
    server.run(1_000);
    expect(server.sent.map(({ input }) => input.way)).toEqual([1, 0]);
    expect(server.body.x).toBeCloseTo(STRIDE_M);
    expect(server.x).toBe(server.body.x);
  });

  it('sends what is held once a tick, and nothing while nothing is held', () => {
    const server = new Server();
    server.run(1_000);
    expect(server.sent).toEqual([]);
    server.predictor.hold(RIGHT, server.now);
    server.run(1_000);
    expect(server.sent.length).toBeGreaterThan(18);
    expect(server.sent.length).toBeLessThan(22);
  });

  it('goes on for three ticks, as the server does, where a game says no rest', () => {
    const server = new Server({ step: walk, place: (body) => body });
    server.predictor.hold(RIGHT, server.now);
    server.run(20);
    server.predictor.hold(null, server.now);
    server.run(1_000);
    expect(server.body.x).toBeCloseTo(HELD_TICKS * STRIDE_M);
    expect(server.x).toBe(server.body.x);
  });

  it('finds the time at which inputs neither crowd nor miss a tick of a line that jitters', () => {
    const server = new Server();
    // Without that, half of the inputs would come just before a tick and half just after.
    server.delay = (at) => 55 + ((at * 7919) % 17);
    server.predictor.hold(RIGHT, server.now);
    server.run(3_000);
    const { corrected, confirmed } = server.predictor;
    server.run(10_000);
    expect(server.predictor.confirmed - confirmed).toBeGreaterThan(180);
    expect(server.predictor.corrected - corrected).toBe(0);
  });

  it('sends no more than the server allows at a high tick rate, and predicts the repetitions', () => {
    const ways: number[] = [];
    const predictor = new Predictor({ ...RULES, step: (at: Body, inputs: readonly Input[]) => {
      if (inputs.length > 0) ways.push(inputs[0]!.way);
      return walk(at, inputs);
    } }, () => ++seq, () => null);
    let seq = 0;
    predictor.restart(60);
    predictor.handleFrame({ tick: 0, ack: 0, leadMs: null, entity: { x: 0, y: 0 } }, 0);
    predictor.hold(RIGHT, 1);
    for (let now = 1; now < 2_000; now += 4) predictor.advance(now);
    expect(seq).toBeGreaterThan(56);
    expect(seq).toBeLessThanOrEqual(61);
    expect(ways.length, 'every step runs').toBeGreaterThan(117);
    expect(new Set(ways)).toEqual(new Set([1]));
  });

  it('takes a wrong prediction back within 100 ms and without a jump', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(500);
    server.body = { x: server.body.x - 1, y: 0 };
    let last = server.x;
    let most = 0;
    server.run(500, (x) => {
      most = Math.max(most, Math.abs(x - last));
      last = x;
    });
    expect(most).toBeLessThan(0.12);
    expect(server.predictor.corrected).toBe(1);
    server.predictor.hold(null, server.now);
    server.run(CORRECTION_MS + 400);
    expect(server.x).toBe(server.body.x);
  });

  it('does not slide through a teleport', () => {
    const server = new Server();
    server.body = { x: SNAP_M + 20, y: 0 };
    server.run(200, (x) => expect([0, SNAP_M + 20]).toContain(x));
    expect(server.x).toBe(SNAP_M + 20);
  });

  it('stays within its ring while the server is silent, and recovers', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(500);
    server.delay = () => 6_000;
    server.run(100);
    server.delay = () => 0;
    server.run(TICK_MS * STEPS_MAX + 1_000);
    server.predictor.hold(null, server.now);
    server.run(8_000);
    expect(server.x).toBe(server.body.x);
  });

  it('can be drawn for a time that is a little before the last message', () => {
    const server = new Server();
    server.body = { x: SNAP_M + 20, y: 0 };
    server.run(200);
    const { predictor, now } = server;
    predictor.restart(20);
    predictor.handleFrame({ tick: 1, ack: 0, leadMs: null, entity: { x: 9, y: 9 } }, now);
    expect(predictor.drawn(now - 10)).toMatchObject({ x: 9, y: 9 });
    predictor.hold(RIGHT, now);
    expect(predictor.drawn(now - 10)).toMatchObject({ x: 9, y: 9 });
  });

  it('forgets everything with a new conversation', () => {
    const server = new Server();
    server.predictor.hold(RIGHT, server.now);
    server.run(500);
    server.predictor.restart(20);
    expect(server.predictor.drawn(server.now)).toBeNull();
    server.predictor.handleFrame({ tick: 1, ack: 0, leadMs: null, entity: { x: 9, y: 9 } }, server.now);
    expect(server.x).toBe(9);
  });

  it('counts a step of the way there by its tick where no input marks it', () => {
    // A walk to a place: one input, and then the rules move by themselves.
    type Walker = Body & { goal: number | null };
    const rules: PredictionRules<Walker, { goal: number }, Body, null> = {
      place: (body) => body,
      adopt: ({ x, y }, guessed) => ({ x, y, goal: guessed?.goal ?? null }),
      step(before, inputs) {
        const goal = inputs.at(-1)?.goal ?? before.goal;
        if (goal === null) return before;
        const x = Math.min(goal, before.x + STRIDE_M);
        return { ...before, x, goal: x < goal ? goal : null };
      },
    };
    let seq = 0;
    const predictor = new Predictor(rules, () => ++seq, () => null);
    let body: Walker = { x: 0, y: 0, goal: null };
    const frames: { at: number; tick: number; ack: number; body: Walker }[] = [];
    predictor.handleFrame({ tick: 0, ack: 0, leadMs: null, entity: body }, 0);
    let last = 0;
    predictor.press({ goal: 3 }, 10);
    for (let now = 10; now < 2_000; now += 1) {
      // Ticks at 37, 87 …; the input is there with the fourth, and frames take 100 ms.
      if (now % TICK_MS === 37) {
        const tick = (now - 37) / TICK_MS;
        body = rules.step(body, tick === 4 ? [{ goal: 3 }] : [], 0.05, null);
        frames.push({ at: now + 100, tick, ack: tick >= 4 ? 1 : 0, body });
      }
      while (frames[0] && frames[0].at <= now) {
        const { tick, ack, body: { x, y } } = frames.shift()!;
        predictor.handleFrame({ tick, ack, leadMs: ack ? 20 : null, entity: { x, y } }, now);
      }
      const { x } = predictor.drawn(now)!;
      expect(x - last).toBeGreaterThanOrEqual(0);
      expect(x - last).toBeLessThan(0.0055);
      last = x;
    }
    expect(last).toBe(3);
    expect(predictor.corrected).toBe(0);
  });
});
