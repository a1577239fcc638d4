/**
 * The client's copy of what it may see of a room.
 *
 * In: decoded messages. Out: entities, shared and private state, consistent after each whole tick.
 * Messages of a tick that is not whole yet are kept aside. After an error the copy is of no use
 * until a keyframe has come. Knows no socket and no clock.
 */
import { type Mismatch, readCells } from './blocks.ts';
import { Cells, ViewError } from './cells.ts';
import { type EntityOf, type EventOf, type Frame, fromLowHalf, type GameCodec, type PrivateOf, type Seat, type SharedOf, type Space, type Welcome } from './protocol.ts';
import { applyUpdate, isWhole, type Update } from './update.ts';

export { ViewError } from './cells.ts';

/** What one whole tick has brought. It and its lists are used again for the next tick. */
export interface Applied<G extends GameCodec> {
  tick: number;
  /** Everything was replaced: nothing may be interpolated from before. */
  reset: boolean;
  /** Nothing has changed; the message only says that the room is alive. */
  heartbeat: boolean;
  readonly added: readonly number[];
  /** Ids of which anything differs, places among it; those that were added are not named again. */
  readonly changed: readonly number[];
  /** Those of `changed` whose place or heading the tick has brought. */
  readonly moved: readonly number[];
  /** Comes before `added`: an id that is in both is another entity now. */
  readonly removed: readonly number[];
  events: EventOf<G>[];
  refused: number[];
  /** Checksums that did not agree; looked for with `debug` only. */
  mismatches: Mismatch[];
}

/** A keyframe of a crowded room takes a few dozen messages of 8 KiB. */
const PARTS_MAX = 1024;

export class View<G extends GameCodec> {
  /**
   * By entity id. An object is made when its entity is added, and changed in place as updates come:
   * keep a copy of what is to be compared. Fields that this member may not see are `null`.
   */
  readonly entities: ReadonlyMap<number, EntityOf<G>>;
  shared: SharedOf<G> | null = null;
  private: PrivateOf<G> | null = null;
  seat: Seat = { type: 'Spectator' };
  player = 0;
  /** The name as the server accepted it. */
  name = '';
  tick = 0;
  tickRateHz = 20;
  /** How the room is cut into cells. */
  space: Space = { type: 'Whole' };
  due = 0;
  inputAck = 0;
  /**
   * For how many milliseconds the input `inputAck` lay on the server, 255 for that or more; `null`
   * where the newest tick has acknowledged nothing.
   */
  lead: number | null = null;

  private readonly game: G;
  private readonly cells: Cells;
  private readonly applied: Applied<G>;
  private parts: Frame<G>[] = [];
  /** The exact values of the own entity's lossy fields, by index. */
  private readonly exact = new Map<number, unknown>();
  private keyed = false;

  /** With `debug`, checksums are verified, which takes memory and time. */
  constructor(game: G, debug = false) {
    this.game = game;
    this.cells = new Cells(game.entity, debug);
    this.entities = this.cells.roster.entities;
    this.applied = { tick: 0, reset: false, heartbeat: false, ...this.cells.roster.changes, events: [], refused: [], mismatches: [] };
  }

  /** The id of the own entity, if the seat has one. */
  get avatar(): number | null {
    return this.seat.type === 'Avatar' ? this.seat.entity : null;
  }

  /** The interval in ticks at which an entity's cell is sent by its distance: 1, 2 or 4. */
  tierOf(id: number): number {
    return this.cells.tierOf(id);
  }

  /** Whether an entity's heading is the direction of its movement: draw the direction of the way then. */
  follows(id: number): boolean {
    return this.cells.follows(id);
  }

  /** Starts a new conversation. The old picture stays until the first keyframe replaces it. */
  handleWelcome(welcome: Welcome): void {
    this.parts = [];
    this.seat = welcome.seat;
    this.player = welcome.player;
    this.name = welcome.name;
    this.tick = welcome.tick;
    this.tickRateHz = welcome.tickRateHz;
    this.space = welcome.space;
    this.due = 0;
    // What still waits is older than what was taken; the first acknowledgement tells.
    this.inputAck = Math.max(0, welcome.taken - 0x8000);
    this.lead = null;
    this.keyed = false;
    this.exact.clear();
  }

  /** Takes one message of a frame; returns what the tick has brought once it is whole. */
  handleFrame(frame: Frame<G>): Applied<G> | null {
    const open = this.parts[0];
    if (open && open.tick !== frame.tick) throw new ViewError('a tick came before the rest of the last one');
    this.parts.push(frame);
    if (this.parts.length > PARTS_MAX) throw new ViewError(`a tick has more than ${PARTS_MAX} messages`);
    if (frame.more) return null;
    const { parts, applied } = this;
    this.parts = [];
    const due = fromLowHalf(frame.due, this.due);
    this.tick = fromLowHalf(frame.tick, this.tick);
    applied.tick = this.tick;
    applied.reset = false;
    applied.heartbeat = due === this.due && parts.length === 1 && isEmpty(frame);
    this.due = due;
    applied.events = [];
    applied.refused = [];
    applied.mismatches = [];
    this.lead = null;
    this.cells.begin(this.tick);
    let own: Update = [];
    for (const part of parts) {
      this.apply(part);
      if (part.own) own = [...own, ...part.own];
    }
    this.cells.end();
    this.applyOwn(own);
    return applied;
  }

  private apply(frame: Frame<G>): void {
    const { applied, cells, game } = this;
    if (frame.reset) this.reset();
    else if (!this.keyed && (frame.private || frame.shared || frame.look || frame.cells)) {
      throw new ViewError('state came before a keyframe');
    }
    if (frame.ack) {
      this.inputAck = fromLowHalf(frame.ack.seq, this.inputAck);
      this.lead = frame.ack.leadMs;
    }
    applied.refused.push(...frame.refused);
    applied.events.push(...frame.events);
    if (frame.seat) this.sit(frame.seat);
    if (frame.private) {
      if (this.private === null && !isWhole(game.private, frame.private)) throw new ViewError('private state came in part first');
      this.private = applyUpdate(game.private, this.private, frame.private);
    }
    if (frame.shared) {
      if (this.shared === null && !isWhole(game.shared, frame.shared)) throw new ViewError('shared state came in part first');
      this.shared = applyUpdate(game.shared, this.shared, frame.shared);
    }
    if (frame.look) cells.look(frame.look.x, frame.look.y, frame.look.maskLow, frame.look.maskHigh);
    if (frame.cells) readCells(frame.cells, cells, applied.mismatches);
  }

  private reset(): void {
    this.keyed = true;
    this.applied.reset = true;
    this.shared = null;
    this.private = null;
    this.exact.clear();
    this.cells.reset();
    this.cells.space = this.space;
  }

  private sit(seat: Seat): void {
    const before = this.avatar;
    this.seat = seat;
    if (this.avatar !== before) this.exact.clear();
  }

  /** Lays what is known exactly of the own entity over what its cell says. */
  private applyOwn(update: Update): void {
    const { avatar, cells, exact } = this;
    if (avatar === null) return;
    for (const [field, value] of update) if (cells.shape.fields[field]!.lossy) exact.set(field, value);
    cells.roster.lay(avatar, update, true);
    if (exact.size > 0) cells.roster.lay(avatar, [...exact], false);
  }
}

function isEmpty(frame: Frame<GameCodec>): boolean {
  return (
    !frame.reset && !frame.seat && !frame.private && !frame.shared && !frame.own && !frame.look && !frame.cells &&
    frame.refused.length + frame.events.length === 0
  );
}
