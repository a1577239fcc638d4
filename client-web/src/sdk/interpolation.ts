/**
 * Where each entity is between two ticks.
 *
 * In: positions by tick, as frames bring them. Out: a position for any fractional tick. A frame
 * names only what has changed, so silence about an entity says that it stood still; of an entity
 * that is sent every second or fourth tick, only silence at such a tick says so. Pure: the times
 * come from the caller.
 *
 * Units: positions in metres, turns in 1/256 of the circle, ticks as they count on the server.
 */

/** A longer stall is not guessed over: the entity eases to a stop by then. */
export const EXTRAPOLATION_MS_MAX = 250;
/** So long it goes on at full speed: most stalls of a line are over by then. */
const FULL_SPEED_MS = 150;
/** What was guessed wrongly is taken back within this time. */
export const ERROR_DECAY_MS = 100;
/** A place is right up to this: floating point. */
const RIGHT_M = 1e-6;
/** A correction longer than this is a jump: sliding there would show a speed nobody has. */
const SLIDE_M_MAX = 4;
/** Whoever gets farther in one tick did not walk there. */
const JUMP_M_PER_TICK = 4;
/** A slow mover may skip ticks when its position is rounded; a longer gap means that it stood. */
const SKIPPED_TICKS_MAX = 2;
/** 400 ms at 20 Hz are 8 ticks; more are never needed behind a delay of at most 5 and a lag of 3. */
const SAMPLES_MAX = 16;
/** When this many moved at the newest tick, silence is a stall of the line and not a common stop. */
const CROWD = 3;
/** How fast an entity's own lag follows its interval: nobody sees this in what is far away. */
const LAG_CATCH_UP = 0.1;
const LAG_SLOW_DOWN = 0.25;

/** Where an entity is: metres, and its heading in 1/256 of the circle. */
export interface Place {
  x: number;
  y: number;
  turn: number;
  /** The heading is the way it moves: it is drawn facing where it is drawn going. */
  follows?: boolean;
}

export interface Pose {
  x: number;
  y: number;
  /** Fractional, from 0 up to 256. */
  turn: number;
}

const [TICK, X, Y, TURN, FOLLOWS, STRIDE] = [0, 1, 2, 3, 4, 5];

/** The newest samples of one entity, without an object for each. */
class Track {
  readonly data = new Float64Array(SAMPLES_MAX * STRIDE);
  count = 0;
  /** Ticks between two emissions of the cell in which it is. */
  interval = 1;
  /** How far it is drawn behind all others, in ticks: its interval less one, in the long run. */
  lag = 0;
  /** The newest tick that was known to the last picture, and its own time; NaN before the first. */
  drawnWith = NaN;
  drawnAt = NaN;
  /** Where it was drawn, less the correction. */
  drawnX = 0;
  drawnY = 0;
  errorX = 0;
  errorY = 0;
  errorMs = 0;
  private first = 0;

  /** Where the i-th sample stands in `data`; 0 is the oldest. */
  at(i: number): number {
    return ((this.first + i) % SAMPLES_MAX) * STRIDE;
  }

  get newest(): number {
    return this.at(this.count - 1);
  }

  push(tick: number, x: number, y: number, turn: number, follows: number): void {
    if (this.count === SAMPLES_MAX) this.first = (this.first + 1) % SAMPLES_MAX;
    else this.count += 1;
    this.data.set([tick, x, y, turn, follows], this.newest);
  }

  pop(): void {
    this.count -= 1;
  }
}

export class Motion {
  private readonly tracks = new Map<number, Track>();
  private newestTick = 0;
  private moved = 0;
  private tickMs: number;

  constructor(tickRateHz: number) {
    this.tickMs = 1000 / tickRateHz;
  }

  /** Forgets all entities: after a keyframe nothing is known of the way to it. */
  reset(tickRateHz: number): void {
    this.tickMs = 1000 / tickRateHz;
    this.tracks.clear();
    this.newestTick = 0;
    this.moved = 0;
  }

  /** Tells that everything up to `tick` has arrived; call it before the tick's `handleSample`s. */
  handleTick(tick: number): void {
    this.newestTick = tick;
    this.moved = 0;
  }

  handleRemoved(id: number): void {
    this.tracks.delete(id);
  }

  /** Tells where an entity is at `tick`, and that its cell is sent every `interval` ticks. */
  handleSample(id: number, tick: number, place: Place, interval = 1): void {
    const { x, y } = place;
    let track = this.tracks.get(id);
    if (!track) {
      track = new Track();
      track.lag = interval - 1;
      track.interval = interval;
      this.tracks.set(id, track);
    }
    const { data } = track;
    let { turn } = place;
    if (track.count > 0) {
      const last = track.newest;
      const [lastTick, lastX, lastY] = [data[last + TICK]!, data[last + X]!, data[last + Y]!];
      const moved = lastX !== x || lastY !== y;
      if (moved) this.moved += 1;
      if (place.follows && moved) turn = turnOf(x - lastX, y - lastY);
      const gap = Math.max(interval, track.interval) + SKIPPED_TICKS_MAX;
      if (tick <= lastTick) track.pop();
      else if (tick - lastTick > gap) track.push(tick - interval, lastX, lastY, data[last + TURN]!, data[last + FOLLOWS]!);
    }
    track.interval = interval;
    track.push(tick, x, y, turn, place.follows ? 1 : 0);
  }

  /** Where the entity is at the fractional tick; `elapsedMs` has passed since the last call for it. */
  pose(id: number, tick: number, elapsedMs: number): Pose | null {
    const track = this.tracks.get(id);
    if (!track) return null;
    const wanted = track.interval - 1 - track.lag;
    const elapsed = elapsedMs / this.tickMs;
    track.lag += Math.max(-elapsed * LAG_CATCH_UP, Math.min(elapsed * LAG_SLOW_DOWN, wanted));
    const at = tick - track.lag;
    if (track.drawnWith !== this.newestTick) this.startCorrection(track);
    const pose = this.placed(track, at);
    track.drawnX = pose.x;
    track.drawnY = pose.y;
    track.drawnAt = at;
    track.drawnWith = this.newestTick;
    if (track.errorMs > 0) {
      track.errorMs = Math.max(0, track.errorMs - elapsedMs);
      // Quadratic, so that the correction ends softly; at 0 the pose is exact again.
      const share = (track.errorMs / ERROR_DECAY_MS) ** 2;
      pose.x += track.errorX * share;
      pose.y += track.errorY * share;
    }
    return pose;
  }

  /** More is known than at the last picture: where that one was wrong, the difference goes away slowly. */
  private startCorrection(track: Track): void {
    if (Number.isNaN(track.drawnAt)) return;
    const { x, y } = this.placed(track, track.drawnAt);
    const [dx, dy] = [track.drawnX - x, track.drawnY - y];
    if (Math.hypot(dx, dy) < RIGHT_M) return;
    const share = (track.errorMs / ERROR_DECAY_MS) ** 2;
    track.errorX = track.errorX * share + dx;
    track.errorY = track.errorY * share + dy;
    track.errorMs = Math.hypot(track.errorX, track.errorY) > SLIDE_M_MAX ? 0 : ERROR_DECAY_MS;
  }

  private placed(track: Track, at: number): Pose {
    return this.mustGuess(track, at) ? extrapolated(track, at, this.tickMs) : interpolated(track, at);
  }

  /** Whether it moved when it was last heard of, and should have been heard of again. */
  private mustGuess(track: Track, at: number): boolean {
    const newest = track.data[track.newest + TICK]!;
    const known = Math.floor(this.newestTick / track.interval) * track.interval;
    if (at <= known || newest < known) return false;
    return at + track.lag > this.newestTick ? this.moved >= CROWD : at > newest;
  }
}

function interpolated(track: Track, tick: number): Pose {
  const { data } = track;
  let after = track.count - 1;
  let b = track.at(after);
  while (after > 0 && data[track.at(after - 1) + TICK]! > tick) b = track.at(--after);
  const last: Pose = { x: data[b + X]!, y: data[b + Y]!, turn: data[b + TURN]! };
  if (tick >= data[b + TICK]! || after === 0) return last;
  const a = track.at(after - 1);
  const [x, y, turn] = [data[a + X]!, data[a + Y]!, data[a + TURN]!];
  const ticks = data[b + TICK]! - data[a + TICK]!;
  const share = (tick - data[a + TICK]!) / ticks;
  if (Math.hypot(last.x - x, last.y - y) > JUMP_M_PER_TICK * ticks) return { x, y, turn };
  return {
    x: x + (last.x - x) * share,
    y: y + (last.y - y) * share,
    turn: data[b + FOLLOWS] ? last.turn : turnBetween(turn, last.turn, share),
  };
}

/** Goes on at the last speed, which falls to 0 at `EXTRAPOLATION_MS_MAX`. */
function extrapolated(track: Track, at: number, tickMs: number): Pose {
  const { data, count, newest: b } = track;
  const pose: Pose = { x: data[b + X]!, y: data[b + Y]!, turn: data[b + TURN]! };
  if (count < 2) return pose;
  const a = track.at(count - 2);
  const ticks = data[b + TICK]! - data[a + TICK]!;
  const [dx, dy] = [pose.x - data[a + X]!, pose.y - data[a + Y]!];
  if (ticks > track.interval + SKIPPED_TICKS_MAX || Math.hypot(dx, dy) > JUMP_M_PER_TICK * ticks) return pose;
  const lateMs = Math.min((at - data[b + TICK]!) * tickMs, EXTRAPOLATION_MS_MAX);
  const slowMs = Math.max(0, lateMs - FULL_SPEED_MS);
  const travelMs = lateMs - (slowMs * slowMs) / (2 * (EXTRAPOLATION_MS_MAX - FULL_SPEED_MS));
  const share = travelMs / tickMs / ticks;
  pose.x += dx * share;
  pose.y += dy * share;
  return pose;
}

/** The direction in 1/256 of the circle; 0 is +x, and it grows towards +y. */
export function turnOf(dx: number, dy: number): number {
  return ((Math.atan2(dy, dx) / (2 * Math.PI)) * 256 + 256) % 256;
}

/** Turns the short way round. */
export function turnBetween(from: number, to: number, share: number): number {
  const difference = ((to - from + 384) % 256) - 128;
  return (from + difference * share + 256) % 256;
}
