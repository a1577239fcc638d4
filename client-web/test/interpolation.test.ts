import { describe, expect, it } from 'vitest';
import { DELAY_TICKS_MAX, DELAY_TICKS_MIN, TickClock } from '../src/sdk/clock.ts';
import { EXTRAPOLATION_MS_MAX, Motion, turnBetween } from '../src/sdk/interpolation.ts';

const TICK_MS = 50;
const at = (x: number, y: number, turn = 0) => ({ x, y, turn });

/** Entities 1 to `count` walk 0.2 m a tick to the right, from tick 1 up to `until`. */
function walkers(until: number, count = 3): Motion {
  const motion = new Motion(20);
  for (let tick = 1; tick <= until; tick++) {
    motion.handleTick(tick);
    for (let id = 1; id <= count; id++) motion.handleSample(id, tick, at(tick * 0.2, id));
  }
  return motion;
}

describe('interpolation', () => {
  it('runs straight between two ticks', () => {
    const motion = walkers(10);
    expect(motion.pose(1, 8.5, 16)!.x).toBeCloseTo(1.7);
    expect(motion.pose(1, 8.75, 16)!.x).toBeCloseTo(1.75);
    expect(motion.pose(99, 8, 16)).toBeNull();
  });

  it('turns the short way round', () => {
    expect(turnBetween(250, 6, 0.5)).toBe(0);
    expect(turnBetween(6, 250, 0.25)).toBe(3);
    expect(turnBetween(10, 20, 0.5)).toBe(15);
  });

  it('brings a stopped entity exactly to its place', () => {
    const motion = walkers(10);
    for (let tick = 11; tick < 20; tick++) motion.handleTick(tick);
    expect(motion.pose(1, 15, 16)).toEqual({ x: 2, y: 1, turn: 0 });
  });

  it('does not take one walker that goes silent for a stall', () => {
    const motion = walkers(10, 1);
    expect(motion.pose(1, 12, 16)!.x).toBe(2);
  });

  it('does not stretch a start over the time of standing', () => {
    const motion = walkers(10);
    for (let tick = 11; tick <= 50; tick++) motion.handleTick(tick);
    motion.handleSample(1, 50, at(2.2, 1));
    expect(motion.pose(1, 40, 16)!.x).toBe(2);
    expect(motion.pose(1, 49, 16)!.x).toBe(2);
    expect(motion.pose(1, 49.5, 16)!.x).toBeCloseTo(2.1);
    expect(motion.pose(1, 50, 16)!.x).toBe(2.2);
  });

  it('draws what is sent every fourth tick farther back, and as evenly', () => {
    const motion = new Motion(20);
    let last = NaN;
    for (let tick = 4; tick < 80; tick++) {
      motion.handleTick(tick);
      if (tick % 4 === 0) motion.handleSample(1, tick, at(tick * 0.2, 0), 4);
      for (const part of [0, 0.25, 0.5, 0.75]) {
        const { x } = motion.pose(1, tick + part - 1.5, TICK_MS / 4)!;
        if (tick > 12) expect(x - last).toBeCloseTo(0.05);
        last = x;
      }
    }
    expect(last).toBeCloseTo((79.75 - 1.5 - 3) * 0.2);
  });

  it('brings what is sent every fourth tick exactly to its place, and does not guess beyond it', () => {
    const motion = new Motion(20);
    let most = 0;
    for (let tick = 4; tick < 40; tick++) {
      motion.handleTick(tick);
      if (tick % 4 === 0 && tick <= 20) motion.handleSample(1, tick, at(tick * 0.2, 0), 4);
      most = Math.max(most, motion.pose(1, tick - 1.5, TICK_MS)!.x);
    }
    expect(most).toBe(4);
    expect(motion.pose(1, 38, TICK_MS)!.x).toBe(4);
  });

  it('comes nearer and goes farther without a jump', () => {
    const motion = new Motion(20);
    let last = NaN;
    for (let tick = 4; tick < 200; tick++) {
      const interval = tick < 60 || tick >= 120 ? 4 : 1;
      motion.handleTick(tick);
      if (tick % interval === 0) motion.handleSample(1, tick, at(tick * 0.2, 0), interval);
      for (const part of [0, 0.25, 0.5, 0.75]) {
        const { x } = motion.pose(1, tick + part - 1.5, TICK_MS / 4)!;
        if (tick > 12) expect(x - last).toBeGreaterThanOrEqual(0);
        if (tick > 12) expect(x - last).toBeLessThan(0.09);
        last = x;
        if (tick === 119) expect(x).toBeCloseTo((tick + part - 1.5) * 0.2);
      }
    }
  });

  it('faces the way it is drawn moving where the heading follows, and stands as it went', () => {
    const motion = new Motion(20);
    const way = [[0, 0], [0.2, 0], [0.2, 0.2], [0.2, 0.2]] as const;
    way.forEach(([x, y], tick) => {
      motion.handleTick(tick);
      motion.handleSample(1, tick, { ...at(x, y, 65), follows: true });
    });
    expect(motion.pose(1, 0.5, 16)!.turn).toBe(0);
    expect(motion.pose(1, 1.1, 16)!.turn).toBe(64);
    // Standing, it faces the way of its last movement, as the server rounds it.
    expect(motion.pose(1, 9, 16)!.turn).toBe(65);
  });

  it('does not slide through a teleport', () => {
    const motion = walkers(10);
    motion.handleTick(11);
    motion.handleSample(1, 11, at(60, 1));
    expect(motion.pose(1, 10.9, 16)!.x).toBe(2);
    expect(motion.pose(1, 11, 16)!.x).toBe(60);
  });

  it('takes up what arrives in the middle of a stall without a jump', () => {
    const motion = walkers(10);
    let last = motion.pose(1, 13, 16)!.x;
    motion.handleTick(11);
    // They turned around while the line stood.
    for (let id = 1; id <= 3; id++) motion.handleSample(id, 11, at(1.8, id));
    for (let tick = 13; tick < 16; tick += 0.32) {
      const { x } = motion.pose(1, tick, 16)!;
      expect(Math.abs(x - last)).toBeLessThan(0.4);
      last = x;
    }
    expect(last).toBeLessThan(1.8);
  });

  it('takes up a start that comes late without a jump', () => {
    const motion = walkers(10, 4);
    for (let tick = 11; tick <= 20; tick++) {
      motion.handleTick(tick);
      for (let id = 1; id <= 3; id++) motion.handleSample(id, tick, at(tick * 0.2, id));
    }
    expect(motion.pose(4, 23, 16)!.x).toBe(2);
    motion.handleTick(21);
    for (let id = 1; id <= 4; id++) motion.handleSample(id, 21, at(id === 4 ? 2.2 : 4.2, id));
    // Guessed on from its first step, it would be 0.6 m away at once.
    expect(motion.pose(4, 23, 0)!.x).toBeCloseTo(2);
    expect(motion.pose(4, 23.32, 16)!.x).toBeLessThan(2.35);
  });

  it('goes on for 250 ms at most when the line stalls, and slows down', () => {
    const motion = walkers(10);
    const after = (ms: number) => motion.pose(1, 10 + ms / TICK_MS, 16)!.x;
    expect(after(150)).toBeCloseTo(2 + 0.6);
    const end = after(EXTRAPOLATION_MS_MAX);
    expect(end).toBeCloseTo(2 + 0.8);
    expect(end - after(EXTRAPOLATION_MS_MAX - 5)).toBeLessThan(0.002);
    expect(after(5_000)).toBe(end);
  });

  it('takes a wrong guess back without a jump and ends exact', () => {
    const motion = walkers(10);
    const guessed = motion.pose(1, 13, 16)!.x;
    for (let tick = 11; tick <= 14; tick++) motion.handleTick(tick);
    const first = motion.pose(1, 13, 0)!.x;
    expect(first).toBeCloseTo(guessed, 5);
    let last = first;
    for (let i = 0; i < 10; i++) {
      const { x } = motion.pose(1, 13.1, 16)!;
      expect(x).toBeLessThanOrEqual(last);
      last = x;
    }
    expect(last).toBe(2);
  });

  it('jumps to the newest after a keyframe', () => {
    const motion = walkers(10);
    motion.reset(20);
    motion.handleTick(200);
    motion.handleSample(1, 200, at(50, 1));
    expect(motion.pose(1, 100, 16)!.x).toBe(50);
  });
});

describe('clock', () => {
  /** Feeds ticks that arrive late by `lateness(tick)` and draws at 60 Hz; returns what was drawn. */
  function run(clock: TickClock, from: number, to: number, lateness: (tick: number) => number, periodMs = TICK_MS) {
    const arrivals: { tick: number; at: number }[] = [];
    let before = -Infinity;
    for (let tick = from; tick < to; tick++) {
      // TCP keeps the order: a late tick holds back those behind it.
      before = Math.max(before, from * TICK_MS + (tick - from) * periodMs + lateness(tick));
      arrivals.push({ tick, at: before });
    }
    const drawn: { at: number; tick: number; newest: number }[] = [];
    let newest = from;
    for (let at = arrivals[0]!.at; at < before; at += 1000 / 60) {
      while (arrivals[0] && arrivals[0].at <= at) {
        clock.handleArrival(arrivals[0].tick, arrivals[0].at);
        newest = arrivals.shift()!.tick;
      }
      drawn.push({ at, tick: clock.renderTick(at), newest });
    }
    return drawn;
  }

  it('stays about one and a half ticks behind a steady line', () => {
    const clock = new TickClock(20);
    run(clock, 0, 200, () => 30);
    expect(clock.delayTicks).toBeCloseTo(DELAY_TICKS_MIN, 1);
    expect(clock.serverTick(200 * TICK_MS + 30)).toBeCloseTo(200, 5);
  });

  it('widens the delay with jitter, so that it hardly ever runs dry', () => {
    const clock = new TickClock(20);
    const drawn = run(clock, 0, 600, (tick) => 20 + ((tick * 7919) % 80));
    expect(clock.delayTicks).toBeGreaterThan(2.2);
    expect(clock.delayTicks).toBeLessThanOrEqual(DELAY_TICKS_MAX);
    const settled = drawn.slice(300);
    const dry = settled.filter(({ tick, newest }) => tick > newest).length;
    expect(dry / settled.length).toBeLessThan(0.01);
  });

  it('never runs backwards and never faster or slower than the eye forgives', () => {
    const clock = new TickClock(20);
    const drawn = run(clock, 0, 400, (tick) => (tick > 150 && tick < 250 ? 60 : 0));
    for (let i = 1; i < drawn.length; i++) {
      const pace = ((drawn[i]!.tick - drawn[i - 1]!.tick) * TICK_MS) / (drawn[i]!.at - drawn[i - 1]!.at);
      expect(pace).toBeGreaterThan(0.955);
      expect(pace).toBeLessThan(1.025);
    }
  });

  it('takes a pong for a bound of the offset and not for jitter', () => {
    const clock = new TickClock(20);
    run(clock, 0, 200, () => 30);
    for (let tick = 200; tick < 300; tick += 30) clock.observe(tick, tick * TICK_MS + 30 + 45);
    expect(clock.delayTicks).toBe(DELAY_TICKS_MIN);
    clock.observe(300, 300 * TICK_MS + 10);
    expect(clock.serverTick(300 * TICK_MS + 10)).toBeCloseTo(300, 5);
  });

  it('follows a server that is slowed down to three quarters', () => {
    const clock = new TickClock(20);
    const drawn = run(clock, 0, 400, () => 0, TICK_MS / 0.75);
    for (const { tick, newest } of drawn.slice(-300)) expect(Math.abs(newest - tick)).toBeLessThan(6);
  });

  it('jumps where catching up would take too long', () => {
    const clock = new TickClock(20);
    run(clock, 0, 100, () => 0);
    const drawn = run(clock, 100, 300, () => 2_000);
    const { newest, tick } = drawn.at(-1)!;
    expect(newest - tick).toBeGreaterThan(0);
    expect(newest - tick).toBeLessThan(DELAY_TICKS_MAX + 1);
  });

  it('is at the newest again right after a stall', () => {
    const clock = new TickClock(20);
    run(clock, 0, 100, () => 0);
    const drawn = run(clock, 160, 220, () => 0);
    expect(drawn[0]!.newest - drawn[0]!.tick).toBeLessThan(DELAY_TICKS_MAX + 0.1);
    const moved = run(clock, 1000, 1010, () => 3_000);
    expect(moved[0]!.tick).toBeGreaterThan(990);
  });
});
