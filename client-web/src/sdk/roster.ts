/**
 * The entities that the page sees, and which of them a tick has changed.
 *
 * In: who came, went and changed, as cells tell it. Out: one object for each entity, made when it is
 * added and changed in place afterwards, and lists of ids. Knows no cells.
 */
import type { Shape } from './shape.ts';
import type { Update } from './update.ts';

/** Instead of a row: no cell that is in view has it. */
export const NOWHERE = -1;

/** One entity that the page sees. */
export interface Known {
  readonly id: number;
  /** The object in `entities`, or the value itself where the type has no named fields. */
  entity: any;
  readonly pos: { x: number; y: number } | null;
  /** The row that is its newest copy. */
  home: number;
  /** By layer, the row that is its newest overlay there; layer 0 has none. */
  readonly overlays: [never: number, team: number, own: number];
  /** Until which tick the home, and the overlays, are kept without a row. */
  readonly keptUntil: [home: number, team: number, own: number];
  alive: boolean;
  /** Numbers of turns, so that each list of a turn names it once. */
  addedAt: number;
  listedAt: number;
  changedAt: number;
  movedAt: number;
}

/** What a tick has changed, by id. The lists are used again for the next tick. */
export interface Changes {
  readonly added: number[];
  readonly changed: number[];
  readonly moved: number[];
  readonly removed: number[];
}

export class Roster {
  readonly entities = new Map<number, any>();
  readonly changes: Changes = { added: [], changed: [], moved: [], removed: [] };

  private readonly shape: Shape;
  private readonly known = new Map<number, Known>();
  private turn = 0;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  /** Starts a tick: nothing has changed yet. */
  begin(): void {
    this.turn += 1;
    this.clearChanges();
  }

  /** Puts the lists in order: they may name who was added or changed and then removed or replaced. */
  end(): void {
    const { added, changed, moved } = this.changes;
    keep(added, (id) => this.isNewlyListed(id));
    keep(changed, (id) => this.known.get(id)?.changedAt === this.turn);
    keep(moved, (id) => this.known.get(id)?.movedAt === this.turn);
  }

  clear(): void {
    this.clearChanges();
    this.entities.clear();
    this.known.clear();
  }

  find(id: number): Known | undefined {
    return this.known.get(id);
  }

  /** A new entity; `show` brings it before the page once its fields have been read. */
  meet(id: number): Known {
    const { shape } = this;
    const pos = shape.position >= 0 ? { x: 0, y: 0 } : null;
    let entity: any = null;
    if (shape.named) {
      entity = {};
      shape.fields.forEach(({ name }, i) => (entity[name] = i === shape.position ? pos : i === shape.heading ? 0 : null));
    }
    const known: Known = {
      id, entity, pos, home: NOWHERE, overlays: [NOWHERE, NOWHERE, NOWHERE], keptUntil: [0, 0, 0], alive: true,
      addedAt: this.turn, listedAt: 0, changedAt: 0, movedAt: 0,
    };
    this.known.set(id, known);
    this.changes.added.push(id);
    return known;
  }

  show(known: Known): void {
    this.entities.set(known.id, known.entity);
  }

  lose(known: Known): void {
    known.alive = false;
    this.known.delete(known.id);
    this.entities.delete(known.id);
    // Who came and went within one tick was never there.
    if (known.addedAt !== this.turn) this.changes.removed.push(known.id);
  }

  /** Gives one field its value. */
  set(known: Known, field: number, value: any): void {
    if (!this.shape.named) {
      known.entity = value;
      if (known.alive) this.show(known);
    } else if (field === this.shape.position) {
      known.pos!.x = value.x;
      known.pos!.y = value.y;
    } else known.entity[this.shape.fields[field]!.name] = value;
  }

  /** Lays exact values over an entity's; `fresh`: it is a change that the page has to hear of. */
  lay(id: number, values: Update, fresh: boolean): void {
    const known = this.known.get(id);
    if (!known) return;
    for (const [field, value] of values) this.set(known, field, value);
    if (!fresh || values.length === 0) return;
    this.noteChanged(known);
    if (values.some(([field]) => field === this.shape.position || field === this.shape.heading)) this.noteMoved(known);
  }

  noteChanged(known: Known): void {
    if (known.changedAt === this.turn || known.addedAt === this.turn) return;
    known.changedAt = this.turn;
    this.changes.changed.push(known.id);
  }

  noteMoved(known: Known): void {
    if (known.movedAt === this.turn || known.addedAt === this.turn) return;
    known.movedAt = this.turn;
    this.changes.moved.push(known.id);
  }

  private clearChanges(): void {
    const { added, changed, moved, removed } = this.changes;
    added.length = changed.length = moved.length = removed.length = 0;
  }

  /** Whether the entity is there, was added in this tick and is not in the list yet. */
  private isNewlyListed(id: number): boolean {
    const known = this.known.get(id);
    if (known?.addedAt !== this.turn || known.listedAt === this.turn) return false;
    known.listedAt = this.turn;
    return true;
  }
}

/** Keeps those of a list that pass, in place. */
function keep(ids: number[], passes: (id: number) => boolean): void {
  let kept = 0;
  for (const id of ids) if (passes(id)) ids[kept++] = id;
  ids.length = kept;
}
