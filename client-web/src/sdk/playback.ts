/**
 * A client's room as it is to be drawn now: its clock and its motion, kept up by its frames.
 *
 * In: a client and a way to find an entity's place. Out: `begin(now)` once per picture, then
 * `pose(id)` for each entity.
 */
import type { Client } from './client.ts';
import { TickClock } from './clock.ts';
import { Motion, type Place, type Pose } from './interpolation.ts';
import type { EntityOf, GameCodec } from './protocol.ts';

/** Where an entity is: metres, and the heading in 1/256 of the circle (0 where it has none). */
export type PlaceOf<E> = (entity: E) => Place;

/** In which an input tells how far the picture lags behind. */
const QUARTERS = 4;

export class Playback<G extends GameCodec> {
  readonly clock: TickClock;
  private readonly motion: Motion;
  private readonly client: Client<G>;
  private readonly placeOf: PlaceOf<EntityOf<G>>;
  private tick = 0;
  private beganAt = 0;
  private elapsedMs = 0;

  constructor(client: Client<G>, placeOf: PlaceOf<EntityOf<G>>) {
    this.client = client;
    this.placeOf = placeOf;
    this.clock = new TickClock(client.view.tickRateHz);
    this.motion = new Motion(client.view.tickRateHz);
    client.on('welcome', ({ tickRateHz }) => this.clock.restart(tickRateHz));
    client.on('pong', ({ tick }) => this.clock.observe(tick, performance.now()));
    client.on('frame', (applied) => {
      if (applied.reset) this.motion.reset(client.view.tickRateHz);
      // A heartbeat comes when nothing else did: its lateness is no measure of the line.
      if (applied.heartbeat) this.clock.observe(applied.tick, performance.now());
      else this.clock.handleArrival(applied.tick, performance.now());
      this.motion.handleTick(applied.tick);
      for (const id of applied.removed) this.motion.handleRemoved(id);
      for (const id of applied.added) this.record(id, applied.tick);
      for (const id of applied.changed) this.record(id, applied.tick);
    });
  }

  /** Starts a picture at `now` (as `requestAnimationFrame` tells it) and returns its tick. */
  begin(now: number): number {
    this.elapsedMs = Math.max(0, now - this.beganAt);
    this.beganAt = now;
    this.tick = this.clock.renderTick(now);
    // The server rewinds others by this when it judges a shot.
    this.client.behind = Math.max(0, (this.client.view.tick - this.tick) * QUARTERS);
    return this.tick;
  }

  pose(id: number): Pose | null {
    return this.motion.pose(id, this.tick, this.elapsedMs);
  }

  private record(id: number, tick: number): void {
    const entity = this.client.view.entities.get(id);
    if (entity === undefined) return;
    const { view } = this.client;
    const place = this.placeOf(entity);
    this.motion.handleSample(id, tick, view.follows(id) ? { ...place, follows: true } : place, view.tierOf(id));
  }
}
