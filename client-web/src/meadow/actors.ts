/**
 * What moves: who is where in this picture, and how far along its step it is.
 *
 * In: a place per picture. Out: gait, so that legs keep up with the ground whatever the speed.
 */
import type { Kind } from '../games/meadow.ts';

/** One entity as it is drawn now. */
export interface Actor {
  id: number;
  kind: Kind;
  name: string;
  score: number;
  hue: number;
  x: number;
  y: number;
  /** 1/256 of the circle. */
  turn: number;
}

export interface Gait {
  x: number;
  y: number;
  /** Radians; one step of the left and one of the right foot are 2π. */
  phase: number;
  /** Metres per second, smoothed. */
  speed: number;
  /** From 0, standing, to 1, walking: blends poses. */
  stride: number;
  idleSeconds: number;
  bornSeconds: number;
  /** The way it faces, smoothed. */
  faceX: number;
  faceY: number;
  seen: number;
}

/** Metres for one full cycle of the legs. */
const CYCLE_M: Record<Kind, number> = { Player: 1.25, Sheep: 0.85, Rabbit: 1.1, Duck: 0.6, Flower: 1, Wolf: 1.5 };
/** Farther than this in one picture is a jump and no step. */
const JUMP_M = 3;

export class Gaits {
  private readonly gaits = new Map<number, Gait>();
  private picture = 0;

  /** Starts a picture; who was not in the last one is forgotten. */
  begin(): void {
    for (const [id, gait] of this.gaits) if (gait.seen < this.picture) this.gaits.delete(id);
    this.picture += 1;
  }

  update(actor: Actor, seconds: number, elapsed: number): Gait {
    const angle = (actor.turn / 256) * Math.PI * 2;
    let gait = this.gaits.get(actor.id);
    if (!gait) {
      gait = {
        x: actor.x, y: actor.y, phase: actor.id, speed: 0, stride: 0, idleSeconds: 0, bornSeconds: seconds,
        faceX: Math.cos(angle), faceY: Math.sin(angle), seen: 0,
      };
      this.gaits.set(actor.id, gait);
    }
    gait.seen = this.picture;
    const moved = Math.hypot(actor.x - gait.x, actor.y - gait.y);
    gait.x = actor.x;
    gait.y = actor.y;
    if (elapsed <= 0 || moved > JUMP_M) return gait;
    const soon = 1 - Math.exp(-elapsed * 10);
    gait.speed += (moved / elapsed - gait.speed) * soon;
    const walking = gait.speed > 0.12;
    gait.stride += ((walking ? 1 : 0) - gait.stride) * soon;
    gait.phase += (moved / CYCLE_M[actor.kind]) * Math.PI * 2;
    gait.idleSeconds = walking ? 0 : gait.idleSeconds + elapsed;
    gait.faceX += (Math.cos(angle) - gait.faceX) * soon;
    gait.faceY += (Math.sin(angle) - gait.faceY) * soon;
    return gait;
  }
}
