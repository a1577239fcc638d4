/**
 * The own avatar of a client: says what the player wants, and where to draw the avatar meanwhile.
 *
 * In: a client and the game's rules. Out: `drawn(now)` once per picture. The thin shell around
 * `Predictor`: it brings the clock, the timer and the client's frames.
 */
import type { Client } from './client.ts';
import { type Drawn, type PredictionRules, Predictor } from './prediction.ts';
import type { EntityOf, GameCodec, InputOf, SharedOf } from './protocol.ts';

/**
 * ```js
 * const avatar = new Avatar(client, {
 *   place: (entity) => entity.pos,
 *   rest: { type: 'Walk', dx: 0, dy: 0 },
 *   step(entity, inputs, dt, shared) { … return the entity one tick later … },
 * });
 * onkeydown = () => avatar.hold({ type: 'Walk', dx: 127, dy: 0 });
 * onkeyup = () => avatar.hold(null);
 * const { x, y } = avatar.drawn(now) ?? playback.pose(client.view.avatar);
 * ```
 *
 * What `hold` and `press` are given must not go through `client.input` as well; inputs that move
 * nothing may.
 */
export class Avatar<G extends GameCodec, State = EntityOf<G>> {
  readonly predictor: Predictor<State, InputOf<G>, EntityOf<G>, SharedOf<G>>;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(client: Client<G>, rules: PredictionRules<State, InputOf<G>, EntityOf<G>, SharedOf<G>>) {
    const { view } = client;
    this.predictor = new Predictor(rules, (input) => client.input(input), () => view.shared as SharedOf<G>);
    client.on('welcome', ({ tickRateHz }) => this.predictor.restart(tickRateHz));
    client.on('frame', ({ tick }) => {
      const entity = view.avatar === null ? undefined : view.entities.get(view.avatar);
      const frame = entity === undefined ? null : { tick, ack: view.inputAck, leadMs: view.lead, entity };
      this.predictor.handleFrame(frame, performance.now());
    });
    client.on('state', ({ type }) => {
      clearTimeout(this.timer);
      if (type === 'open') this.wait();
    });
  }

  /** What is held from now on, like a direction; null lets go. It is sent once a tick. */
  hold(input: InputOf<G> | null): void {
    this.predictor.hold(input, performance.now());
  }

  /** What is done once; `sent` hears its number, as the event `refused` would name it. */
  press(input: InputOf<G>, sent?: (seq: number) => void): void {
    this.predictor.press(input, performance.now(), sent);
  }

  /** Where to draw the avatar at `now` (as `requestAnimationFrame` tells it); null without one. */
  drawn(now: number): Drawn<State> | null {
    return this.predictor.drawn(now);
  }

  /** Pictures come too unevenly, and in a hidden tab not at all: steps have a timer of their own. */
  private wait(): void {
    this.timer = setTimeout(() => {
      this.predictor.advance(performance.now());
      this.wait();
    }, Math.max(1, this.predictor.nextAt - performance.now()));
  }
}
