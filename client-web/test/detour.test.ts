/** A walk around an obstacle, from the click to the end, over a line with a delay, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { Entity, Gate, Input, JobsShown, Point, Private, Shared } from '../src/games/meadow.ts';
import { KeptMap, Tile } from '../src/meadow/map.ts';
import { step, type Walker, walkRules } from '../src/meadow/walk.ts';
import { Predictor } from '../src/sdk/prediction.ts';

const TICK_MS = 50;
/** The server has the path two ticks after it was asked. */
const LATENCY_TICKS = 2;
const JOBS: JobsShown = { in_flight: 0, asked: 0, done: 0, rejected: 0, cancelled: 0, fields: 0, expansions: 0, waiting: [] };
/** Around the lower end of the wall. */
const AROUND: readonly Point[] = [{ x: 9, y: 11 }, { x: 9, y: 14 }, { x: 11, y: 14 }, { x: 11, y: 11 }];
const GATE: Gate = { x: 10, y: 3, width: 1, height: 2, open: true };

/** A field of 20 m with a wall from above down to the middle, and a gate in the wall. */
function field(gate = GATE): Shared {
  const tiles = Uint8Array.from({ length: 400 }, (_, i) => (i % 20 === 10 && i < 260 && ![3, 4].includes(Math.floor(i / 20)) ? Tile.Fence : Tile.Grass));
  return { width: 20, height: 20, tiles: Uint8Array.from([...tiles].flatMap((tile) => [1, tile])), picked: 0, top: [], gates: [gate] };
}

/** The server's rules for one player, and what its page predicts of them. */
class Room {
  now = 0;
  /** Every second frame takes so much longer. */
  jitterMs = 0;
  shared = field();
  walker: Walker = { pos: { x: 8.5, y: 8.5 }, heading: 0, goal: null, path: [], pushed: { x: 0, y: 0 }, pushedTicks: 0, stale: { x: 0, y: 0 }, staleTicks: 0 };
  readonly predictor: Predictor<Walker, Input, Entity, Shared>;
  private readonly kept = new KeptMap();
  private told: Private | null = null;
  private seen: Shared;
  private readonly delayMs: number;
  private readonly up: { seq: number; input: Input; at: number }[] = [];
  private readonly down: { at: number; deliver: () => void }[] = [];
  private seq = 0;
  private ack = 0;
  private lead: number | null = null;
  private tick = 100;
  private tickAt = 13;
  private pathAt = Infinity;

  constructor(delayMs: number) {
    this.delayMs = delayMs;
    this.seen = this.shared;
    const send = (input: Input) => {
      this.seq += 1;
      this.up.push({ seq: this.seq, input, at: this.now + this.delayMs });
      return this.seq;
    };
    this.predictor = new Predictor(walkRules(() => this.told), send, () => this.seen);
    this.run(1000);
  }

  run(ms: number, each: (x: number, y: number) => void = () => {}): void {
    for (const end = this.now + ms; this.now < end; this.now += 1) {
      if (this.now >= this.tickAt) this.handleTick();
      while (this.down[0] && this.down[0].at <= this.now) this.down.shift()!.deliver();
      const drawn = this.predictor.drawn(this.now);
      if (drawn && this.now % 16 === 0) each(drawn.x, drawn.y);
    }
  }

  /** The page stands still, the server does not. */
  hitch(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 1) if (this.now >= this.tickAt) this.handleTick();
  }

  private handleTick(): void {
    this.tick += 1;
    const inputs: Input[] = [];
    this.lead = null;
    while (this.up[0] && this.up[0].at <= this.now) {
      const { seq, input, at } = this.up.shift()!;
      inputs.push(input);
      this.ack = seq;
      this.lead = this.tickAt - at;
      if (input.type === 'Goto') this.pathAt = this.tick + LATENCY_TICKS;
      else this.pathAt = Infinity;
    }
    this.tickAt += TICK_MS;
    if (this.tick === this.pathAt) this.walker = { ...this.walker, goal: null, path: AROUND };
    this.walker = step(this.walker, inputs, Math.fround(0.05), this.kept.of(this.shared));
    const { pos, heading, path } = this.walker;
    const entity = { pos, heading } as Entity;
    const { tick, ack, lead, shared } = this;
    const deliver = () => {
      this.told = { path: [...path], routes: [], jobs: JOBS };
      this.seen = shared;
      this.predictor.handleFrame({ tick, ack, leadMs: lead, entity }, this.now);
    };
    this.down.push({ at: this.now + this.delayMs + (tick % 2) * this.jitterMs, deliver });
  }
}

describe.each([2, 30, 80])('a walk around an obstacle, %i ms away', (delayMs) => {
  it('begins when the path is told, is corrected then only, and never jumps', () => {
    const room = new Room(delayMs);
    const { confirmed, corrected } = room.predictor;
    let [x, y] = [8.5, 8.5];
    let farthest = 0;
    room.predictor.press({ type: 'Goto', x: 11.5, y: 11.5 }, room.now);
    room.run(4500, (nextX, nextY) => {
      farthest = Math.max(farthest, Math.hypot(nextX - x, nextY - y));
      [x, y] = [nextX, nextY];
    });
    expect(room.walker).toMatchObject({ path: [], pos: { x: expect.closeTo(11.5, 1), y: expect.closeTo(11.5, 1) } });
    expect([x, y]).toEqual([expect.closeTo(11.5, 1), expect.closeTo(11.5, 1)]);
    expect(room.predictor.confirmed - confirmed, 'steps that were foretold').toBeGreaterThan(30);
    expect(room.predictor.corrected - corrected).toBeLessThanOrEqual(2);
    // At 4 m/s a picture brings 6 cm; who catches up is a little faster for a moment.
    expect(farthest).toBeLessThan(0.2);
  });

  it('ends at once in the page where a key is held', () => {
    const room = new Room(delayMs);
    room.predictor.press({ type: 'Goto', x: 11.5, y: 11.5 }, room.now);
    room.run(700);
    const { corrected } = room.predictor;
    room.predictor.hold({ type: 'Walk', dx: -127, dy: 0 }, room.now);
    const before = room.predictor.drawn(room.now)!;
    room.run(100);
    expect(room.predictor.drawn(room.now)!.x).toBeLessThan(before.x - 0.1);
    room.run(1000);
    expect(room.walker.path).toEqual([]);
    expect(room.predictor.corrected - corrected).toBeLessThanOrEqual(1);
  });
});

it('a walk is foretold again after a hitch of the page, though nothing is said meanwhile', () => {
  const room = new Room(30);
  room.jitterMs = 45;
  room.predictor.press({ type: 'Goto', x: 11.5, y: 11.5 }, room.now);
  room.run(700);
  room.hitch(333);
  room.run(200);
  const { confirmed, corrected } = room.predictor;
  room.run(1000);
  expect(room.predictor.confirmed - confirmed).toBeGreaterThan(15);
  expect(room.predictor.corrected - corrected).toBeLessThanOrEqual(1);
});

it('a straight way through a gate is walked at once, and not while it is shut', () => {
  for (const open of [true, false]) {
    const room = new Room(30);
    room.walker = { ...room.walker, pos: { x: 8.5, y: 4 } };
    room.shared = field({ ...GATE, open });
    room.run(300);
    room.predictor.press({ type: 'Goto', x: 12.5, y: 4 }, room.now);
    room.run(60);
    expect(room.predictor.drawn(room.now)!.x > 8.6).toBe(open);
  }
});
