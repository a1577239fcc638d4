/**
 * The own avatar, answered before the server has.
 *
 * In: what the player wants, and the own entity's exact state as frames bring it with the newest
 * input that is in it. Out: which inputs to send when, and where to draw the avatar now. Pure: times
 * come from the caller, and sending is a function that is passed in.
 *
 * The player's time is cut into steps as long as the server's ticks. What is wanted goes out at the
 * start of each step and is computed at once by the game's own rule; the drawn place runs straight
 * to where the step will end. A wish that comes in the middle of a step bends the drawn way at once
 * towards the end of the next one, so that a key is answered in the next picture. When the server's
 * word comes, the steps after it are computed anew on top of it; where that differs, the drawn place
 * gets there within `CORRECTION_MS`.
 *
 * Steps are timed so that inputs lie on the server for a while before its tick: one that comes too
 * late is made up for by a repetition of the last, and then two come in one tick.
 *
 * Units: milliseconds, metres.
 */
import { StepPhase } from './step_phase.ts';

/** Steps that may wait for the server's word: 3 s at 20 Hz. */
export const STEPS_MAX = 64;
/** A wrong prediction is taken back within this time. */
export const CORRECTION_MS = 100;
/** Whoever is this far off was put elsewhere, and does not slide there. */
export const SNAP_M = 3;
/** As on the server: a held input goes on for so many ticks when nothing newer comes. */
export const HELD_TICKS = 3;
/** As on the server: so many other inputs are applied in one tick. */
const ONCE_PER_TICK_MAX = 4;
/** The server allows so many inputs in the long run: at a higher tick rate some steps repeat. */
const INPUTS_PER_S = 30;
/** A page that slept longer than this does not make up for the steps. */
const DEBT_STEPS_MAX = 3;
/** Pictures that are farther apart are a hidden tab or a hitch, which no answer must make up for. */
const PICTURE_MS_MAX = 50;

/** The rules of a game, as far as they move the own avatar. */
export interface PredictionRules<State, Input, Entity, Shared> {
  /**
   * The state after one tick with these inputs, in the order in which the server applies them: those
   * that are applied once, then the one that is held. It must compute the very same as the server
   * does, in `f32` (`Math.fround` after each operation), must not change `state`, and returns it as
   * it is where nothing happens. `dt` is in seconds.
   */
  step(state: State, inputs: readonly Input[], dt: number, shared: Shared): State;
  /** Where a state is. Units: metres. */
  place(state: State): { readonly x: number; readonly y: number };
  /**
   * The server's state as the rules want it. `guessed` is what was predicted for the same tick: take
   * over from it what the server does not tell. An entity's own objects change under way: copy what
   * you keep. Left out: the state is a copy of the entity.
   */
  adopt?(entity: Entity, guessed: State | null): State;
  /** Says once that nothing is held any more; without it the server notices after three ticks. */
  rest?: Input;
}

interface Step<State, Input> {
  number: number;
  /** What the rules got, repetitions included. */
  inputs: readonly Input[];
  /** The number of the newest input that was sent with it; 0: none was. */
  seq: number;
  /** By how much it was sent after its time. */
  lateMs: number;
  state: State;
}

/** What the server says of the own avatar. */
export interface OwnFrame<Entity> {
  tick: number;
  /** The newest input that was applied. */
  ack: number;
  /** For how long that input lay on the server; null where the frame acknowledges nothing. */
  leadMs: number | null;
  entity: Entity;
}

/** Where to draw the own avatar; `state` is the one that it is on its way to. */
export interface Drawn<State> {
  x: number;
  y: number;
  state: State;
}

export class Predictor<State, Input, Entity = State, Shared = unknown> {
  /** How often the server confirmed a step, and how often it said otherwise. */
  confirmed = 0;
  corrected = 0;

  private readonly rules: PredictionRules<State, Input, Entity, Shared>;
  private readonly send: (input: Input) => number;
  private readonly shared: () => Shared;
  private stepMs = 50;
  private dt = 0;
  private phase = new StepPhase(50);

  /** The server's word and, on top of it, all steps after it. */
  private base: State | null = null;
  private state: State | null = null;
  private steps: Step<State, Input>[] = [];
  private number = 0;
  private ack = 0;
  /** The server's tick less the number of the step that was applied in it. */
  private offset: number | null = null;

  private once: { input: Input; sent: ((seq: number) => void) | undefined }[] = [];
  private held: Input | null = null;
  /** It was pressed in this step and not sent yet; let go before that, it counts all the same. */
  private fresh = false;
  private letGo = false;
  /** What the server repeats, and for how many more ticks. */
  private repeated: { input: Input; ticks: number } | null = null;
  /** The step with which it was sent; the next one may be sent `every` steps later. */
  private sentWith = -Infinity;
  private every = 1;

  /** The drawn way, without the correction: a straight line in time. */
  private readonly from = { x: 0, y: 0, at: 0 };
  private readonly to = { x: 0, y: 0, at: 0 };
  private bent = false;
  /** The time of the last picture. */
  private pictureAt = -Infinity;
  /** The state at its end. */
  private ahead: State | null = null;
  private readonly error = { x: 0, y: 0, at: -Infinity };

  /** `send` sends an input and returns its number, 0 where it could not. */
  constructor(rules: PredictionRules<State, Input, Entity, Shared>, send: (input: Input) => number, shared: () => Shared) {
    this.rules = rules;
    this.send = send;
    this.shared = shared;
    this.restart(20);
  }

  /** Forgets all steps, for a new conversation; the drawn place stands until the first frame. */
  restart(tickRateHz: number): void {
    this.stepMs = 1000 / tickRateHz;
    this.dt = Math.fround(1 / tickRateHz);
    this.phase = new StepPhase(this.stepMs);
    this.every = Math.min(HELD_TICKS, Math.ceil(tickRateHz / INPUTS_PER_S));
    this.sentWith = -Infinity;
    this.base = this.state = null;
    this.steps = [];
    this.once = [];
    this.held = this.repeated = null;
    this.fresh = this.letGo = false;
    this.ack = 0;
    this.offset = null;
  }

  /** When the next step begins: call `advance` then, and before each picture. */
  get nextAt(): number {
    return this.phase.nextAt;
  }

  /** What is held from now on; null lets go. */
  hold(input: Input | null, now: number): void {
    this.advance(now);
    if (this.held === null && input === null) return;
    if (input === null) this.letGo = true;
    else if (isSame(input, this.held) && !this.letGo) return;
    else {
      this.held = input;
      this.fresh = true;
      this.letGo = false;
    }
    this.bend(now);
  }

  /** What is done once; `sent` hears its number. */
  press(input: Input, now: number, sent?: (seq: number) => void): void {
    this.advance(now);
    this.once.push({ input, sent });
    this.bend(now);
  }

  /** Takes the steps that are due. */
  advance(now: number): void {
    const { phase } = this;
    const missed = Math.floor((now - phase.nextAt) / this.stepMs);
    if (missed >= DEBT_STEPS_MAX) {
      // The server went on meanwhile: these steps are counted, so that the ones after them answer to
      // their ticks, but not taken. After a long sleep the next acknowledgement tells which those are.
      this.number += missed;
      phase.nextAt += missed * this.stepMs;
      if (this.repeated) this.repeated.ticks -= missed;
      if (missed > STEPS_MAX) this.offset = null;
    }
    while (phase.nextAt <= now) this.take(phase.nextAt, now);
  }

  /** Takes the server's word in; `null` where there is no avatar. */
  handleFrame(frame: OwnFrame<Entity> | null, now: number): void {
    this.advance(now);
    if (!frame) {
      this.base = this.state = null;
      this.steps = [];
      return;
    }
    this.acknowledge(frame);
    let guessed: State | null = null;
    while (this.steps[0] && this.isDone(this.steps[0], frame)) guessed = this.steps.shift()!.state;
    const { rules } = this;
    const first = this.state === null;
    const base = rules.adopt ? rules.adopt(frame.entity, guessed ?? this.base) : (copied(frame.entity) as unknown as State);
    if (guessed !== null) this.count(rules.place(guessed), rules.place(base));
    this.base = this.state = base;
    for (const step of this.steps) this.state = step.state = rules.step(this.state, step.inputs, this.dt, this.shared());
    if (first) this.jump(now);
    else this.correct(now);
  }

  /** Where to draw the avatar at `now`; null where there is none. */
  drawn(now: number): Drawn<State> | null {
    this.pictureAt = now;
    return this.shown(now);
  }

  private shown(now: number): Drawn<State> | null {
    this.advance(now);
    if (this.state === null) return null;
    const place = this.placeAt(now);
    const left = 1 - (now - this.error.at) / CORRECTION_MS;
    // Quadratic, so that the correction ends softly.
    const share = left > 0 ? Math.min(1, left) ** 2 : 0;
    return { x: place.x + this.error.x * share, y: place.y + this.error.y * share, state: this.ahead ?? this.state };
  }

  private acknowledge(frame: OwnFrame<Entity>): void {
    if (frame.ack === this.ack) return;
    this.ack = frame.ack;
    // An input that was sent beside these, like an emote, tells nothing of a step.
    const step = this.steps.findLast(({ seq }) => seq === frame.ack);
    if (!step) return;
    this.offset = frame.tick - step.number;
    if (frame.leadMs !== null) this.phase.handleLead(frame.leadMs + step.lateMs);
  }

  /** Whether the server's word holds this step: by its inputs, or by its time where it had none. */
  private isDone(step: Step<State, Input>, frame: OwnFrame<Entity>): boolean {
    if (step.seq > 0) return step.seq <= frame.ack;
    return this.offset === null || step.number + this.offset <= frame.tick;
  }

  /** What is to be said of what is held: the held input, that it was let go, or nothing. */
  private saying(): Input | null {
    // What was pressed and let go within one step is held for that step.
    return this.letGo && !this.fresh ? (this.rules.rest ?? null) : this.held;
  }

  /** What a step applies in which a held input `may` be sent; the held or repeated one is the last. */
  private wanted(may: boolean): Input[] {
    const inputs = this.once.slice(0, ONCE_PER_TICK_MAX).map(({ input }) => input);
    const said = may && this.held !== null ? this.saying() : null;
    if (said !== null) inputs.push(said);
    else if (this.repeated && this.repeated.ticks > 0) inputs.push(this.repeated.input);
    return inputs;
  }

  /** Takes one step: sends what is wanted, and computes where it leads. */
  private take(at: number, now: number): void {
    const { phase } = this;
    const may = this.number + 1 - this.sentWith >= this.every;
    const inputs = this.wanted(may);
    const seq = this.sendWanted(may);
    this.number += 1;
    const from = this.placeAt(at);
    const state = this.state === null ? null : this.rules.step(this.state, inputs, this.dt, this.shared());
    phase.handleStep(this.steps.length === 0 && inputs.length === 0 && state === this.state);
    if (state === null) return;
    if (state !== this.state || seq > 0) {
      this.steps.push({ number: this.number, inputs, seq, lateMs: now - at, state });
      if (this.steps.length > STEPS_MAX) this.steps.shift();
    }
    this.state = state;
    this.bent = false;
    this.head(from, at, state, phase.nextAt);
  }

  /** Sends what the step that begins now brings; returns the newest number, 0 if nothing was sent. */
  private sendWanted(may: boolean): number {
    let newest = 0;
    for (const { input, sent } of this.once.splice(0, ONCE_PER_TICK_MAX)) {
      const seq = this.send(input);
      if (seq === 0) continue;
      newest = seq;
      sent?.(seq);
    }
    if (may && this.held !== null) {
      const input = this.saying();
      if (input !== null) {
        newest = this.send(input) || newest;
        this.sentWith = this.number + 1; // the step that is being taken
        this.repeated = { input, ticks: HELD_TICKS };
      }
      if (this.letGo && !this.fresh) {
        this.held = null;
        this.letGo = false;
      }
      this.fresh = false;
    }
    if (this.repeated) this.repeated.ticks -= 1;
    return newest;
  }

  /** Heads at once for where the next step will end, from wherever the avatar is drawn. */
  private bend(now: number): void {
    if (this.state === null) return;
    // From where it was drawn last: the next picture may be of a time before `now`, and shows it all the same.
    const seenAt = now - this.pictureAt > PICTURE_MS_MAX ? now : Math.min(now, this.pictureAt);
    const at = Math.max(this.from.at, seenAt);
    const from = this.placeAt(at);
    const next = this.rules.step(this.state, this.wanted(true), this.dt, this.shared());
    this.bent = true;
    this.head(from, at, next, this.nextAt + this.stepMs);
  }

  private head(from: { x: number; y: number }, fromAt: number, ahead: State, toAt: number): void {
    const to = this.rules.place(ahead);
    this.ahead = ahead;
    Object.assign(this.from, { x: from.x, y: from.y, at: fromAt });
    Object.assign(this.to, { x: to.x, y: to.y, at: toAt });
  }

  private placeAt(now: number): { x: number; y: number } {
    const { from, to } = this;
    // A picture's time may be a little before that of the last message.
    if (now >= to.at || from.at >= to.at) return { x: to.x, y: to.y };
    const share = Math.max(0, now - from.at) / (to.at - from.at);
    return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
  }

  private count(guessed: { x: number; y: number }, place: { x: number; y: number }): void {
    this.confirmed += 1;
    if (guessed.x !== place.x || guessed.y !== place.y) this.corrected += 1;
  }

  private jump(now: number): void {
    this.head(this.rules.place(this.state!), now, this.state!, now);
    this.bent = false;
    this.error.at = -Infinity;
  }

  /** Moves the drawn way to where it should be, and takes the difference back slowly. */
  private correct(now: number): void {
    const { rules, from, to } = this;
    this.ahead = this.bent ? rules.step(this.state!, this.wanted(true), this.dt, this.shared()) : this.state!;
    const place = rules.place(this.ahead);
    const [dx, dy] = [place.x - to.x, place.y - to.y];
    if (dx === 0 && dy === 0) return;
    const before = this.shown(now)!;
    Object.assign(from, { x: from.x + dx, y: from.y + dy });
    Object.assign(to, { x: place.x, y: place.y });
    const after = this.placeAt(now);
    Object.assign(this.error, { x: before.x - after.x, y: before.y - after.y, at: now });
    if (Math.hypot(this.error.x, this.error.y) > SNAP_M) this.jump(now);
  }
}

/** A copy of an entity and of its position, which is the one field that is changed in place. */
function copied<T>(entity: T): T {
  if (typeof entity !== 'object' || entity === null) return entity;
  const isPlain = (value: unknown) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [name, isPlain(value) ? { ...value } : value])) as T;
}

/** Equal field by field; an input is a small flat object, and a deeper one counts as changed. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.is(a[key as never], b[key as never]));
}
