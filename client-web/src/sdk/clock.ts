/**
 * Which tick to draw now.
 *
 * In: the arrival time of each tick, and of pongs. Out: a fractional tick that runs smoothly a little behind the
 * server, so that there is nearly always a tick on either side to interpolate between. The time is
 * passed in; nothing here reads a clock.
 *
 * Units: milliseconds, and ticks where the name says so.
 */

/** Ticks between two frames of what is near; what is far away lags by its own interval besides. */
const INTERVAL_TICKS = 1;
/** The playout delay adapts to jitter within these bounds. */
export const DELAY_TICKS_MIN = 1.5;
export const DELAY_TICKS_MAX = 5;
/** The drawn time never runs faster or slower than this: more than a few per cent is visible. */
export const CATCH_UP = 0.02;
export const SLOW_DOWN = 0.04;
/** Beyond this error no smooth catching-up would end soon; it jumps instead. */
const JUMP_MS = 400;
/** Arrivals are grouped, and the earliest of each group kept: it had the least delay on its way. */
const GROUP_MS = 250;
const GROUPS_MAX = 12;
/** Enough arrivals for a 95th percentile that forgets a hiccup within a few seconds. */
const ARRIVALS_MAX = 80;

interface Group {
  from: number;
  /** Arrival time less nominal time, the least of the group. */
  offset: number;
  at: number;
}

export class TickClock {
  private periodMs: number;
  private groups: Group[] = [];
  private arrivals: number[] = [];
  /** How much faster than nominal the server ticks; below 1 where it is slowed down. */
  private pace = 1;
  private delay = 2;
  private drawn: number | null = null;
  /** The next picture starts at the estimate instead of running there. */
  private fresh = true;
  private drawnAt = 0;

  constructor(tickRateHz: number) {
    this.periodMs = 1000 / tickRateHz;
  }

  /** The delay behind the estimated server tick, in ticks. */
  get delayTicks(): number {
    return this.delay;
  }

  get tickMs(): number {
    return this.periodMs;
  }

  /** Forgets all arrivals, for a new connection; the picture stands until the first one. */
  restart(tickRateHz: number): void {
    this.periodMs = 1000 / tickRateHz;
    this.groups = [];
    this.arrivals = [];
    this.pace = 1;
    this.delay = 2;
    this.fresh = true;
  }

  /** Tells that the frame of `tick` arrived at `now`. */
  handleArrival(tick: number, now: number): void {
    const offset = this.observe(tick, now);
    // A whole stall in one arrival would otherwise count as that much jitter.
    const excess = Math.min(offset - this.offsetAt(now), DELAY_TICKS_MAX * this.periodMs);
    this.arrivals.push(Math.max(0, excess));
    if (this.arrivals.length > ARRIVALS_MAX) this.arrivals.shift();
    const wanted = INTERVAL_TICKS + this.jitterMs() / this.periodMs;
    this.delay = Math.min(DELAY_TICKS_MAX, Math.max(DELAY_TICKS_MIN, wanted));
  }

  /**
   * Tells that the room was at `tick` when it sent what arrived at `now`: a pong, a heartbeat.
   * That bounds the offset, but is no measure of the line's jitter: it was not sent at the tick.
   * Returns the arrival time less the nominal one.
   */
  observe(tick: number, now: number): number {
    const offset = now - tick * this.periodMs;
    const last = this.groups.at(-1);
    if (!last || now - last.from >= GROUP_MS) {
      this.groups.push({ from: now, offset, at: now });
      if (this.groups.length > GROUPS_MAX) this.groups.shift();
      this.pace = this.measuredPace();
    } else if (offset < last.offset) {
      last.offset = offset;
      last.at = now;
    }
    return offset;
  }

  /** The server's tick as it would be seen here without jitter. */
  serverTick(now: number): number {
    return (now - this.offsetAt(now)) / this.periodMs;
  }

  /** The tick to draw at `now`; it never runs backwards except in a jump. */
  renderTick(now: number): number {
    if (this.groups.length === 0) return this.drawn ?? 0;
    const wanted = this.serverTick(now) - this.delay;
    if (this.drawn === null || this.fresh) {
      this.drawn = wanted;
      this.fresh = false;
    } else {
      const elapsed = Math.max(0, now - this.drawnAt) / this.periodMs;
      const steady = this.drawn + elapsed * this.pace;
      const error = wanted - steady;
      if (Math.abs(error) * this.periodMs > JUMP_MS) this.drawn = wanted;
      else this.drawn = steady + Math.min(elapsed * CATCH_UP, Math.max(-elapsed * SLOW_DOWN, error));
    }
    this.drawnAt = now;
    return this.drawn;
  }

  private jitterMs(): number {
    const sorted = [...this.arrivals].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.95)] ?? 0;
  }

  /** The least recent offset, carried forward to `now` at the measured pace. */
  private offsetAt(now: number): number {
    let least = Infinity;
    for (const group of this.groups) {
      least = Math.min(least, group.offset + (now - group.at) * (1 - this.pace));
    }
    return least;
  }

  /**
   * Compares the least offsets of the older and the newer half. A few per cent are jitter; more
   * means that the server is slowed down on purpose or by load, and the drawn time must follow.
   */
  private measuredPace(): number {
    if (this.groups.length < GROUPS_MAX) return 1;
    const half = GROUPS_MAX / 2;
    const least = (groups: Group[]) => groups.reduce((a, b) => (b.offset < a.offset ? b : a));
    const older = least(this.groups.slice(0, half));
    const newer = least(this.groups.slice(half, -1));
    const slope = (newer.offset - older.offset) / Math.max(1, newer.at - older.at);
    if (Math.abs(slope) < 0.05) return 1;
    return Math.min(1.5, Math.max(0.1, 1 - slope));
  }
}
