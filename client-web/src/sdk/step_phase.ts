/**
 * When the player's steps begin, against the server's ticks.
 *
 * In: for how long inputs that were sent at the start of a step lay on the server before its tick.
 * Out: `nextAt`, the time of the next step. That time of lying is a number on a circle, one tick
 * round: its mean is that of directions.
 *
 * Units: milliseconds.
 */

/** The part of a tick for which inputs should lie there: the rest is room for the line's jitter. */
const LEAD_SHARE = 0.4;
/** How much of a new measurement counts: the effect of a change is seen a round trip later. */
const GAIN = 0.1;
/** A step is at most this much longer or shorter than a tick, which nobody sees. */
const STRETCH = 0.02;

export class StepPhase {
  nextAt = 0;
  private readonly stepMs: number;
  /** The mean lead as a direction; (0, 0) while nothing is known. */
  private x = 0;
  private y = 0;

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  /** Tells how long an input that was sent at a step's start lay on the server. */
  handleLead(ms: number): void {
    const angle = (ms / this.stepMs) * 2 * Math.PI;
    this.x += (Math.cos(angle) - this.x) * GAIN;
    this.y += (Math.sin(angle) - this.y) * GAIN;
  }

  /** Begins a step. One in which nothing moves may be of any length. */
  handleStep(idle: boolean): void {
    const most = this.stepMs * (idle ? 0.5 : STRETCH);
    const shift = Math.max(-most, Math.min(most, this.off() * (idle ? 1 : GAIN)));
    this.turn(shift);
    this.nextAt += this.stepMs + shift;
  }

  /** By how much inputs come too early; up to half a tick either way. */
  private off(): number {
    if (this.x === 0 && this.y === 0) return 0;
    const wanted = LEAD_SHARE * 2 * Math.PI;
    const angle = Math.atan2(this.y, this.x) - wanted;
    return (Math.atan2(Math.sin(angle), Math.cos(angle)) / (2 * Math.PI)) * this.stepMs;
  }

  /** What is sent later lies there for less. */
  private turn(shiftMs: number): void {
    const angle = (-shiftMs / this.stepMs) * 2 * Math.PI;
    const [x, y] = [this.x, this.y];
    this.x = x * Math.cos(angle) - y * Math.sin(angle);
    this.y = x * Math.sin(angle) + y * Math.cos(angle);
  }
}
