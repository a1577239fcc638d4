/**
 * The client's copy of what it may see of a room.
 *
 * In: decoded frames. Out: entities, shared and private state, consistent after each whole tick.
 * Messages of a tick that is not whole yet are kept aside. Knows no socket and no clock.
 */
import { type EntityOf, type EventOf, type Frame, type GameCodec, type PrivateOf, type Seat, type SharedOf, type Welcome } from './protocol.ts';
import { applyUpdate, isWhole } from './update.ts';

/** The server's messages do not fit together; the connection is of no more use. */
export class ViewError extends Error {
  override readonly name = 'ViewError';
}

/** What one whole tick has brought. */
export interface Applied<G extends GameCodec> {
  tick: number;
  /** Everything was replaced: nothing may be interpolated from before. */
  reset: boolean;
  /** Nothing has changed; the message only says that the room is alive. */
  heartbeat: boolean;
  added: number[];
  changed: number[];
  removed: number[];
  events: EventOf<G>[];
  refused: number[];
}

/** A keyframe of a crowded room takes a few dozen messages of 8 KiB. */
const PARTS_MAX = 1024;

export class View<G extends GameCodec> {
  /** By entity id. An entity object is replaced, never changed, when an update comes. */
  readonly entities = new Map<number, EntityOf<G>>();
  shared: SharedOf<G> | null = null;
  private: PrivateOf<G> | null = null;
  seat: Seat = { type: 'Spectator' };
  player = 0;
  /** The name as the server accepted it. */
  name = '';
  tick = 0;
  tickRateHz = 20;
  due = 0;
  inputAck = 0;

  private readonly game: G;
  private parts: Frame<G>[] = [];

  constructor(game: G) {
    this.game = game;
  }

  /** The id of the own entity, if the seat has one. */
  get avatar(): number | null {
    return this.seat.type === 'Avatar' ? this.seat.entity : null;
  }

  /** Starts a new conversation. The old picture stays until the first keyframe replaces it. */
  handleWelcome(welcome: Welcome): void {
    this.parts = [];
    this.seat = welcome.seat;
    this.player = welcome.player;
    this.name = welcome.name;
    this.tick = welcome.tick;
    this.tickRateHz = welcome.tickRateHz;
    this.due = 0;
    this.inputAck = 0;
  }

  /** Takes one message of a frame; returns what the tick has brought once it is whole. */
  handleFrame(frame: Frame<G>): Applied<G> | null {
    const open = this.parts[0];
    if (open && open.tick !== frame.tick) {
      throw new ViewError(`tick ${frame.tick} came before the rest of tick ${open.tick}`);
    }
    this.parts.push(frame);
    if (this.parts.length > PARTS_MAX) throw new ViewError(`tick ${frame.tick} has more than ${PARTS_MAX} messages`);
    if (frame.more) return null;
    const parts = this.parts;
    this.parts = [];
    const applied: Applied<G> = {
      tick: frame.tick,
      reset: false,
      heartbeat: frame.due === this.due && parts.length === 1 && isEmpty(frame),
      added: [],
      changed: [],
      removed: [],
      events: [],
      refused: [],
    };
    for (const part of parts) this.apply(part, applied);
    return applied;
  }

  private apply(frame: Frame<G>, applied: Applied<G>): void {
    if (frame.reset) {
      this.entities.clear();
      this.shared = null;
      this.private = null;
      applied.reset = true;
      applied.added = [];
      applied.changed = [];
      applied.removed = [];
    }
    this.tick = frame.tick;
    this.due = frame.due;
    this.inputAck = frame.inputAck;
    applied.refused.push(...frame.refused);
    applied.events.push(...frame.events);
    if (frame.seat) this.seat = frame.seat;
    const { game } = this;
    if (frame.private) {
      if (this.private === null && !isWhole(game.private, frame.private)) throw new ViewError('private state came in part first');
      this.private = applyUpdate(game.private, this.private, frame.private);
    }
    if (frame.shared) {
      if (this.shared === null && !isWhole(game.shared, frame.shared)) throw new ViewError('shared state came in part first');
      this.shared = applyUpdate(game.shared, this.shared, frame.shared);
    }
    for (const id of frame.removed) {
      if (!this.entities.delete(id)) throw new ViewError(`entity ${id} was removed and is not there`);
      applied.removed.push(id);
    }
    for (const [id, entity] of frame.added) {
      this.entities.set(id, entity);
      applied.added.push(id);
    }
    for (const [id, update] of frame.changed) {
      const previous = this.entities.get(id);
      if (previous === undefined) throw new ViewError(`entity ${id} was changed and is not there`);
      this.entities.set(id, applyUpdate(game.entity, previous, update));
      applied.changed.push(id);
    }
  }
}

function isEmpty(frame: Frame<GameCodec>): boolean {
  return (
    !frame.reset && !frame.seat && !frame.private && !frame.shared &&
    frame.refused.length + frame.events.length + frame.removed.length + frame.added.length + frame.changed.length === 0
  );
}
