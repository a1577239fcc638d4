/**
 * Where each entity is between two ticks.
 *
 * In: positions by tick, as frames bring them. Out: a position for any fractional tick. A frame
 * names only what has changed, so silence about an entity says that it stood still. Pure: the
 * times come from the caller.
 *
 * Units: positions in metres, turns in 1/256 of the circle, ticks as they count on the server.
 */

/** A longer stall is not guessed over: the entity eases to a stop. */
export const EXTRAPOLATION_MS_MAX = 250;
/** What was guessed wrongly is taken back within this time. */
export const ERROR_DECAY_MS = 100;
/** A correction longer than this is a jump: sliding there would show a speed nobody has. */
const SLIDE_M_MAX = 4;
/** A slow mover may skip a tick when its position is rounded; a longer gap means that it stood. */
const GAP_TICKS_MAX = 3;
/** 400 ms at 20 Hz are 8 ticks; more are never needed behind a delay of at most 5. */
const SAMPLES_MAX = 16;
/** When this many moved at the newest tick, silence is a stall of the line and not a common stop. */
const CROWD = 3;

interface Sample {
  tick: number;
  x: number;
  y: number;
  turn: number;
}

interface Track {
  samples: Sample[];
  guessed: boolean;
  drawnX: number;
  drawnY: number;
  errorX: number;
  errorY: number;
  errorMs: number;
}

export interface Pose {
  x: number;
  y: number;
  /** Fractional, from 0 up to 256. */
  turn: number;
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

  /** Tells where an entity is at `tick`. */
  handleSample(id: number, tick: number, x: number, y: number, turn: number): void {
    let track = this.tracks.get(id);
    if (!track) {
      track = { samples: [], guessed: false, drawnX: x, drawnY: y, errorX: 0, errorY: 0, errorMs: 0 };
      this.tracks.set(id, track);
    }
    const { samples } = track;
    const last = samples.at(-1);
    if (last && tick <= last.tick) samples.pop();
    else if (last && tick - last.tick > GAP_TICKS_MAX) samples.push({ ...last, tick: tick - 1 });
    if (last && (last.x !== x || last.y !== y)) this.moved += 1;
    samples.push({ tick, x, y, turn });
    while (samples.length > SAMPLES_MAX) samples.shift();
  }

  /** Where the entity is at the fractional tick; `elapsedMs` has passed since the last call for it. */
  pose(id: number, tick: number, elapsedMs: number): Pose | null {
    const track = this.tracks.get(id);
    if (!track) return null;
    const late = tick - this.newestTick;
    const guesses = late > 0 && this.moved >= CROWD;
    const pose = guesses ? extrapolated(track.samples, this.newestTick, late * this.tickMs, this.tickMs) : interpolated(track.samples, tick);
    if (track.guessed && !guesses) startCorrection(track, pose);
    track.guessed = guesses;
    if (track.errorMs > 0) {
      track.errorMs = Math.max(0, track.errorMs - elapsedMs);
      // Quadratic, so that the correction ends softly; at 0 the pose is exact again.
      const share = (track.errorMs / ERROR_DECAY_MS) ** 2;
      pose.x += track.errorX * share;
      pose.y += track.errorY * share;
    }
    track.drawnX = pose.x;
    track.drawnY = pose.y;
    return pose;
  }
}

function startCorrection(track: Track, pose: Pose): void {
  track.errorX = track.drawnX - pose.x;
  track.errorY = track.drawnY - pose.y;
  track.errorMs = Math.hypot(track.errorX, track.errorY) > SLIDE_M_MAX ? 0 : ERROR_DECAY_MS;
}

function interpolated(samples: Sample[], tick: number): Pose {
  let after = samples.length - 1;
  const newest = samples[after]!;
  if (tick >= newest.tick) return { x: newest.x, y: newest.y, turn: newest.turn };
  while (after > 0 && samples[after - 1]!.tick > tick) after -= 1;
  const b = samples[after]!;
  const a = samples[after - 1];
  if (!a) return { x: b.x, y: b.y, turn: b.turn };
  const share = (tick - a.tick) / (b.tick - a.tick);
  return {
    x: a.x + (b.x - a.x) * share,
    y: a.y + (b.y - a.y) * share,
    turn: turnBetween(a.turn, b.turn, share),
  };
}

/** Goes on at the last speed, which falls to 0 at `EXTRAPOLATION_MS_MAX`. */
function extrapolated(samples: Sample[], newestTick: number, lateMs: number, tickMs: number): Pose {
  const b = samples.at(-1)!;
  const a = samples.at(-2);
  if (!a || b.tick !== newestTick || b.tick - a.tick > GAP_TICKS_MAX) return { x: b.x, y: b.y, turn: b.turn };
  const t = Math.min(lateMs, EXTRAPOLATION_MS_MAX);
  const travelMs = t - (t * t) / (2 * EXTRAPOLATION_MS_MAX);
  const ticks = travelMs / tickMs / (b.tick - a.tick);
  return { x: b.x + (b.x - a.x) * ticks, y: b.y + (b.y - a.y) * ticks, turn: b.turn };
}

/** Turns the short way round. */
export function turnBetween(from: number, to: number, share: number): number {
  const difference = ((to - from + 384) % 256) - 128;
  return (from + difference * share + 256) % 256;
}
