import { beforeEach, describe, expect, it } from 'vitest';
import { DecodeError } from '../src/sdk/bytes.ts';
import { direction } from '../src/sdk/shape.ts';
import { View, ViewError } from '../src/sdk/view.ts';
import { hex, unhex } from './hex.ts';
import { added, feed, frame, i24, look, MORE, probe, type Probe, RESET, sum, welcome, written } from './wire.ts';

const SHARED = '06 03 01 026f6b';
/** Cell 24 is the anchor's, 25 the one to its right. */
const SEEN = look(0, 0, 24, 25);

let view: View<Probe>;
const say = (tick: number, ...sections: string[]) => feed(view, probe, frame(tick, 0, ...sections))!;
const refuse = (what: RegExp, ...sections: string[]) => {
  const saying = () => say(view.tick + 1, ...sections);
  expect(saying).toThrow(what);
};
const at = (id: number) => ({ ...view.entities.get(id)!.pos });
const ids = () => [...view.entities.keys()];
const bytes = (text: string) => unhex(text).length;

/** Entities 7 and 8 are in slots 0 and 3 of cell 24, at (1, 2) and (2, 2). */
function open(debug = false): void {
  view = new View(probe, debug);
  view.handleWelcome(welcome());
  feed(view, probe, frame(4, RESET, SHARED, SEEN, '08 18 02 02', added(0, 7, 64, 128, 9, 'Ada', 200), added(3, 8, 128, 128)));
}

beforeEach(() => open());

describe('a frame', () => {
  it('brings shared state by field, and leaves the old value alone', () => {
    const before = view.shared;
    say(5, '06 01 09');
    expect(view.shared).toEqual({ round: 9, title: 'ok' });
    expect(before).toEqual({ round: 1, title: 'ok' });
    expect(view.private).toBeNull();
  });

  it('shows nothing of a tick before it is whole', () => {
    expect(feed(view, probe, frame(5, MORE, '01 01 01', '08 18 01 01 03 ff'))).toBeNull();
    expect(ids()).toEqual([7, 8]);
    expect(view.tick).toBe(4);
    expect(say(5, '01 01 02', '08 18 02 01', added(3, 9, 0, 0))).toMatchObject({
      tick: 5, removed: [8], added: [9], refused: [1, 2], heartbeat: false, reset: false,
    });
    expect(ids()).toEqual([7, 9]);
  });

  it('replaces everything at a keyframe that comes in parts', () => {
    feed(view, probe, frame(9, RESET | MORE, SHARED, look(0, 0, 24)));
    expect(ids()).toEqual([7, 8]);
    expect(say(9, '08 18 02 01', added(5, 7, 0, 0))).toMatchObject({ reset: true, added: [7], removed: [] });
    expect(ids()).toEqual([7]);
  });

  it('knows a heartbeat from a frame that only acknowledges an input', () => {
    view.due = 20;
    expect(say(20).heartbeat).toBe(true);
    expect(view.lead).toBeNull();
    expect(view.handleFrame({ ...emptyFrame(21), ack: { seq: 1, leadMs: 30 } })!.heartbeat).toBe(false);
    expect(view).toMatchObject({ inputAck: 1, lead: 30 });
    expect(say(22).heartbeat).toBe(false);
    expect(view.lead).toBeNull();
  });

  it('counts on over 65,536 ticks', () => {
    open();
    for (const tick of [60_000, 65_535, 65_536, 130_000]) expect(say(tick).tick).toBe(tick);
  });

  it('refuses what does not fit together', () => {
    expect(() => feed(view, probe, frame(5, RESET, '06 01 09'))).toThrow(/shared state came in part/);
    open();
    feed(view, probe, frame(5, MORE));
    expect(() => say(6)).toThrow(/before the rest/);
    open();
    view.handleWelcome(welcome());
    refuse(/before a keyframe/, '06 03 01 00');
    refuse(/before a keyframe/, SEEN);
    refuse(/before a keyframe/, '08 18 00 0000');
    say(5, '01 01 01');
    open();
    for (let i = 0; i < 1024; i++) feed(view, probe, frame(5, MORE));
    expect(() => say(5)).toThrow(/more than 1024 messages/);
  });
});

function emptyFrame(tick: number) {
  return {
    type: 'Frame' as const, reset: false, more: false, tick, due: tick, ack: null, refused: [], seat: null, private: null, own: null,
    events: [], shared: null, look: null, cells: null,
  };
}

describe('a block', () => {
  it('adds: place, heading and the fields of the layer; what nobody may see is null', () => {
    expect(view.entities.get(7)).toEqual({ pos: { x: 1, y: 2 }, heading: 9, kind: 'Player', name: 'Ada', stamina: 100, health: null, ammo: null });
    say(5, '08 19 02 01', added(63, 9, -64, 2 ** 23 - 1));
    expect(at(9)).toEqual({ x: 31, y: (2 ** 23 - 1) / 64 });
  });

  it('moves, in place and without another object', () => {
    const before = view.entities.get(7)!;
    const { pos } = before;
    // 4 bits each: 7 by (7, −8), 8 by (−1, 0).
    expect(say(5, '08 18 04 18 09 87 0f')).toMatchObject({ changed: [7, 8], moved: [7, 8], added: [], removed: [] });
    expect(at(7)).toEqual({ x: 1 + 7 / 64, y: 2 - 8 / 64 });
    expect(at(8)).toEqual({ x: 2 - 1 / 64, y: 2 });
    expect(view.entities.get(7)).toBe(before);
    expect(before.pos).toBe(pos);
    // 16 bits each, the last slot of the page.
    say(6, '08 18 02 01', added(63, 9, 0, 0));
    say(7, `08 18 04 7f ${'00'.repeat(7)}80 0080 ff7f`);
    expect(at(9)).toEqual({ x: -512, y: 32767 / 64 });
  });

  it('jumps', () => {
    say(5, `08 18 08 01 03 ${written((out) => [-64, 6400].forEach((side) => i24(out, side)))}`);
    expect(at(8)).toEqual({ x: -1, y: 100 });
  });

  it('turns, and follows the movement', () => {
    const turn = (id: number) => view.entities.get(id)!.heading;
    expect(say(5, '08 18 10 00 09 02 c8')).toMatchObject({ moved: [8, 7] });
    expect([turn(7), turn(8)]).toEqual([200, 0]);
    expect([view.follows(7), view.follows(8)]).toEqual([false, true]);
    // Both go down; only 8 looks there.
    say(6, '08 18 04 08 09 44');
    expect([turn(7), turn(8)]).toEqual([200, 64]);
    // To follow means the last movement, also one in the same block.
    say(7, '08 18 14 08 01 03 00 01 01');
    expect(turn(7)).toBe(direction(-1, 0));
    say(8, '08 18 02 01', added(0x40 | 5, 9, 0, 0, 33));
    expect([turn(9), view.follows(9)]).toEqual([33, true]);
  });

  it('changes fields', () => {
    expect(say(5, '08 18 20 02 00 18 03426f62 01 03 04 01')).toMatchObject({ changed: [7, 8], moved: [] });
    expect(view.entities.get(7)).toMatchObject({ name: 'Bob', stamina: 0.5, kind: 'Player' });
    expect(view.entities.get(8)).toMatchObject({ kind: 'Sheep' });
  });

  it('removes, and lets an id be reused within one tick', () => {
    const before = view.entities.get(7);
    expect(say(5, '08 18 03 01 00 ff 01', added(1, 7, 0, 0, 0, 'New'))).toMatchObject({ removed: [7], added: [7], changed: [] });
    expect(view.entities.get(7)).toMatchObject({ name: 'New' });
    expect(view.entities.get(7)).not.toBe(before);
  });

  it('names nobody who came and went within one tick', () => {
    const applied = say(5, '08 18 82 01', added(1, 9, 0, 0), '01 01 01 ff');
    expect(applied).toMatchObject({ added: [], removed: [], changed: [] });
    expect(say(6, '08 18 82 01', added(1, 9, 0, 0), '03 01 01 ff 01', added(1, 9, 0, 0))).toMatchObject({ added: [9], removed: [] });
  });

  it('has pages, and goes on in further blocks', () => {
    say(5, '08 18 c2 fb2c01 01', added(0, 9, 0, 0), '42 02 01', added(0, 10, 64, 0));
    expect(ids()).toEqual([7, 8, 9, 10]);
    say(6, '08 18 44 02 00 01 03', '19 02 01', added(0, 11, 0, 0));
    expect([at(10).x, at(9).x, at(7).x]).toEqual([1 - 1 / 64, 0, 1]);
    say(7, '08 18 41 fb2c01 01 00 ff');
    expect(ids()).toEqual([7, 8, 10, 11]);
  });

  it('has all parts at once', () => {
    const jump = written((out) => [0, 64].forEach((side) => i24(out, side)));
    const applied = say(5, '08 18 3f 01 03 ff 01', added(1, 9, 0, 0), '00 01 03', `01 01 ${jump}`, '00 01 00 07', '01 00 10 00');
    expect(applied).toMatchObject({ removed: [8], added: [9], changed: [7], moved: [7] });
    expect(at(9)).toEqual({ x: 0, y: 1 });
    expect(view.entities.get(7)).toMatchObject({ heading: 7, stamina: 0 });
  });

  it('refuses what does not fit together', () => {
    refuse(/slot 1 of page 0 is empty/, '08 18 01 01 01 ff');
    refuse(/slot 64, a page has 64/, '08 18 01 01 40 ff');
    refuse(/is empty/, '08 18 04 00 02 00');
    refuse(/is empty/, '08 18 08 01 01 000000 000000');
    refuse(/is empty/, '08 18 10 00 02 00 00');
    refuse(/is empty/, '08 18 20 01 01 00');
    refuse(/is empty/, '08 18 41 01 01 00 ff');
    refuse(/slot 0 is taken/, '08 18 02 01', added(0, 9, 0, 0));
    refuse(/cell 23 is not in view/, '08 17 20 00');
    refuse(/cell 63 is not in view/, '08 3f 20 00');
    refuse(/no layer 3/, '08 d8 20 00');
    refuse(/went to cell 49/, '08 18 01 01 00 31');
    refuse(/unknown flags/, '08 18 04 80 01 00');
    refuse(/unknown flags/, '08 18 10 08 01 00');
    refuse(/padding/, '08 18 04 00 01 04');
    refuse(/layer 0 does not bring/, '08 18 20 01 00 20 01');
    refuse(/layer 0 does not bring/, '08 18 20 01 00 01 0000000000000000');
    refuse(/layer 0 does not bring/, '08 18 20 01 00 fd0000000000000080');
    refuse(/nothing that an overlay/, '08 18 02 01 81 07');
    refuse(/nothing that an overlay/, '08 58 02 01 81 63 01');
    refuse(/larger than 65535/, '08 18 42 fc00000100 00');
    refuse(/cell 49 is in view/, look(0, 0, 49));
    refuse(/cell 63 is in view/, look(0, 0, 63));
    expect(() => say(view.tick + 1, '08 18 04 00 02 00')).toThrow(ViewError);
    expect(() => say(view.tick + 1, '08 18 04 00')).toThrow(DecodeError);
  });

  it('refuses each beginning of itself', () => {
    const jump = written((out) => [0, 64].forEach((side) => i24(out, side)));
    const blocks = ['18 3f 01 03 ff 01', added(1, 9, 0, 0, 0, 'long'), '00 01 03', `01 01 ${jump}`, '00 01 00 07', '01 00 18 0141 00'].join('');
    const all = hex(unhex(blocks));
    for (let end = 2; end < all.length; end += 2) {
      open();
      expect(() => say(5, '08', all.slice(0, end)), `${end / 2} of ${bytes(all)} bytes`).toThrow(DecodeError);
    }
    open();
    say(5, '08', all);
  });
});

describe('a crossing', () => {
  it('keeps an entity as it is until the other cell brings it', () => {
    const before = view.entities.get(7);
    expect(say(5, '08 18 01 01 00 19')).toMatchObject({ removed: [], changed: [] });
    expect(at(7)).toEqual({ x: 1, y: 2 });
    expect(view.tierOf(7)).toBe(1);
    expect(say(6, '08 19 02 01', added(0, 7, 32, 64, 9, 'Ada', 199))).toMatchObject({ added: [], removed: [], changed: [7], moved: [7] });
    expect(view.entities.get(7)).toBe(before);
    expect(before).toMatchObject({ pos: { x: 32.5, y: 1 }, stamina: 99.5 });
    say(7, '08 19 04 00 01 03');
    expect(at(7).x).toBe(32.5 - 1 / 64);
    expect(say(8).removed).toEqual([]);
  });

  it('lets go of an entity that no cell has brought by the next tick of all tiers', () => {
    say(5, '08 18 01 01 00 19');
    expect(say(7).removed).toEqual([]);
    expect(ids()).toEqual([7, 8]);
    expect(say(8).removed).toEqual([7]);
    // At a tick of all tiers whoever brings it has spoken in the same frame.
    expect(say(12, '08 18 01 01 03 19').removed).toEqual([8]);
  });

  it('takes over what comes in the very tick that ends the wait', () => {
    say(5, '08 18 01 01 00 19');
    expect(say(8, '08 19 02 01', added(0, 7, 0, 0))).toMatchObject({ removed: [], changed: [7] });
  });

  it('keeps nobody who went out of view', () => {
    expect(say(5, '08 18 01 01 00 17').removed).toEqual([7]);
    say(6, '08 18 01 01 03 19');
    expect(say(7, look(0, 0, 24)).removed).toEqual([8]);
  });

  it('lets the newer copy of an id win, whichever cell speaks first', () => {
    say(5, '08 19 02 01', added(0, 7, 0, 64));
    expect(at(7)).toEqual({ x: 32, y: 1 });
    // The cell that it left is sent more rarely, and says so later.
    expect(say(8, '08 18 01 01 00 19')).toMatchObject({ removed: [], changed: [] });
    expect(at(7)).toEqual({ x: 32, y: 1 });
    // Back again, and both cells speak at once.
    say(9, '08 18 02 01', added(0, 7, 6, 6), '19 01 01 00 18');
    expect(at(7)).toEqual({ x: 6 / 64, y: 6 / 64 });
    expect(say(12).removed).toEqual([]);
  });
});

describe('an older copy', () => {
  it('is kept up, and not shown', () => {
    say(5, '08 19 02 01', added(0, 7, 0, 64, 9, 'Ada', 200));
    expect(say(6, '08 18 34 00 01 03 00 01 00 07 01 00 10 00')).toMatchObject({ changed: [], moved: [] });
    expect(view.entities.get(7)).toMatchObject({ pos: { x: 32, y: 1 }, heading: 9, stamina: 100 });
  });
});

describe('the window', () => {
  it('forgets what is no more in it, and keeps the rest where it is', () => {
    say(5, '08 19 02 01', added(0, 9, 64, 64));
    // The anchor is one cell to the right: what was 25 is 24 now.
    expect(say(8, look(1, 0, 24, 25))).toMatchObject({ removed: [7, 8], added: [] });
    say(9, '08 18 04 00 01 01');
    expect(at(9)).toEqual({ x: 33 - 1 / 64, y: 1 });
    say(12, look(0, 0, 24, 25), '08 18 02 01', added(0, 10, 0, 0));
    expect(ids()).toEqual([9, 10]);
    expect(at(10)).toEqual({ x: 0, y: 0 });
  });

  it('lets another cell bring who was in a forgotten one', () => {
    const before = view.entities.get(7);
    expect(say(8, look(0, 0, 25), '08 19 02 01', added(0, 7, 0, 0))).toMatchObject({ removed: [8], changed: [7], added: [] });
    expect(view.entities.get(7)).toBe(before);
  });

  it('moves by far, to corners of the world, and back', () => {
    expect(say(8, look(32767, -32768, 0, 48)).removed).toEqual([7, 8]);
    say(9, '08 30 02 01', added(0, 9, 0, 0));
    expect(at(9)).toEqual({ x: 32770 * 32, y: -32765 * 32 });
    say(12, SEEN);
    expect(ids()).toEqual([]);
  });

  it('tells how often a cell is sent', () => {
    const numbers = [24, 16, 32, 8, 26, 0, 45];
    say(8, look(0, 0, ...numbers));
    numbers.forEach((number, i) => say(9 + i, '08', number.toString(16).padStart(2, '0'), '02 01', added(9, 100 + i, 0, 0)));
    expect(numbers.map((_, i) => view.tierOf(100 + i))).toEqual([1, 1, 1, 2, 2, 4, 4]);
    expect(view.tierOf(999)).toBe(1);
    view.handleWelcome(welcome({ space: { type: 'Whole' } }));
    expect(() => say(1, SEEN)).toThrow(/before a keyframe/);
    feed(view, probe, frame(1, RESET, SHARED, look(0, 0, 24), '08 18 02 01', added(0, 7, 64, 64)));
    expect([view.tierOf(7), at(7).x]).toEqual([1, 1]);
  });
});

describe('layers', () => {
  /** Team: health 5 of entity 7. Own: health 5 and ammo 300. */
  const overlays = () => say(5, '08 58 02 01 80 07 05', '98 02 01 80 07 05 fb2c01');

  it('lay over an entity what others may not see, and take it away again', () => {
    expect(overlays()).toMatchObject({ added: [], changed: [7], moved: [] });
    expect(view.entities.get(7)).toMatchObject({ pos: { x: 1 }, name: 'Ada', health: 5, ammo: 300 });
    expect(say(6, '08 98 20 01 00 60 04 09')).toMatchObject({ changed: [7] });
    expect(view.entities.get(7)).toMatchObject({ health: 4, ammo: 9 });
    // The team's layer still shows the health.
    expect(say(7, '08 98 01 01 00 ff')).toMatchObject({ changed: [7], removed: [] });
    expect(view.entities.get(7)).toMatchObject({ health: 4, ammo: null });
    say(8, '08 58 01 01 00 ff');
    expect(view.entities.get(7)).toMatchObject({ health: null, ammo: null });
    expect(say(9, '08 18 01 01 00 ff').removed).toEqual([7]);
  });

  it('cross a border with their entity', () => {
    overlays();
    say(6, '08 18 01 01 00 19', '58 01 01 00 19', '98 01 01 00 19');
    expect(view.entities.get(7)).toMatchObject({ health: 5, ammo: 300 });
    say(7, '08 19 02 01', added(0, 7, 0, 0), '59 02 01 80 07 06');
    expect(view.entities.get(7)).toMatchObject({ health: 6, ammo: 300 });
    // The own layer's overlay has not come in time.
    expect(say(8)).toMatchObject({ changed: [7] });
    expect(view.entities.get(7)).toMatchObject({ health: 6, ammo: null });
  });

  it('bring entities of their own, with all that the layer may see', () => {
    const id = 2 ** 30 + 1;
    const hidden = added(2, id, 64, 64, 0, 'spy', 2);
    say(5, '08 58 02 01', hidden, '63', '98 02 01', added(1, id + 1, 0, 0), '07 fb0004');
    expect(view.entities.get(id)).toMatchObject({ pos: { x: 1, y: 1 }, name: 'spy', stamina: 1, health: 99, ammo: null });
    expect(view.entities.get(id + 1)).toMatchObject({ health: 7, ammo: 1024 });
    say(6, '08 58 04 00 04 03');
    expect(at(id).x).toBe(1 - 1 / 64);
    expect(say(7, '08 58 01 01 02 ff').removed).toEqual([id]);
  });

  it('refuse a place for an overlay, and fields that are not theirs', () => {
    overlays();
    refuse(/overlay and has no place/, '08 58 04 00 01 00');
    refuse(/overlay and has no place/, '08 58 10 00 01 00 00');
    refuse(/layer 1 does not bring/, '08 58 20 01 00 08 00');
    refuse(/layer 1 does not bring/, '08 58 20 01 00 40 00');
    refuse(/layer 2 does not bring/, '08 98 20 01 00 10 00');
  });

  it('go on being read when the entity is gone', () => {
    overlays();
    say(6, '08 18 01 01 00 ff', '58 20 01 00 20 07');
    expect(ids()).toEqual([8]);
    expect(say(7, '08 58 01 01 00 ff', '98 01 01 00 ff').removed).toEqual([]);
  });
});

describe('the own entity', () => {
  const exact = (mask: string, x: number, y: number, stamina?: number) =>
    `04 ${mask} ${written((out) => [x, y, ...(stamina === undefined ? [] : [stamina])].forEach((side) => out.f32(side)))}`;

  it('is exact, whatever its cell says', () => {
    expect(say(5, exact('11', 1.0078125, 2.25, 33.25))).toMatchObject({ changed: [7], moved: [7] });
    expect(view.entities.get(7)).toMatchObject({ pos: { x: 1.0078125, y: 2.25 }, stamina: 33.25 });
    say(6, '08 18 24 18 01 01 01 00 10 41');
    expect(view.entities.get(7)).toMatchObject({ pos: { x: 1.0078125, y: 2.25 }, stamina: 33.25 });
    expect(say(7)).toMatchObject({ changed: [] });
  });

  it('stays exact over a crossing, and over a removal', () => {
    say(5, exact('01', 31.5078125, 2.25));
    say(6, exact('01', 32.5078125, 2.25), '08 18 01 01 00 19', '19 02 01', added(0, 7, 32, 128));
    expect(at(7)).toEqual({ x: 32.5078125, y: 2.25 });
    say(7, '08 19 01 01 00 ff');
    say(8, '08 19 02 01', added(0, 7, 32, 128));
    expect(at(7)).toEqual({ x: 32.5078125, y: 2.25 });
  });

  it('is another with another seat, and with a keyframe', () => {
    say(5, exact('01', 5.0078125, 5));
    say(6, '02 00 08', exact('01', 6.0078125, 6));
    expect(view.avatar).toBe(8);
    expect([at(7).x, at(8).x]).toEqual([5.0078125, 6.0078125]);
    say(7, '08 18 04 18 09 10 10');
    expect([at(7).x, at(8).x]).toEqual([1, 6.0078125]);
    say(7, '02 00 07');
    expect(at(7).x).toBe(1);
    feed(view, probe, frame(8, RESET, SHARED, SEEN, '08 18 02 01', added(0, 8, 64, 64)));
    expect(at(8).x).toBe(1);
  });

  it('may be unseen, or nobody', () => {
    say(5, '02 00 63', exact('01', 5, 5));
    say(6, '02 01');
    expect(view.avatar).toBeNull();
    expect(ids()).toEqual([7, 8]);
  });
});

describe('checksums', () => {
  beforeEach(() => open(true));
  const of7 = (x: number, head: string) => `00 00 07000000 ${written((out) => [x, 128].forEach((side) => out.fixed32(side)))} ${head} 00 03416461 c8`;
  const of8 = '00 03 08000000 80000000 80000000 01 00 00 00 00';

  it('agree where nothing is lost', () => {
    expect(say(64, '08 18 00', sum(of7(64, '01 09'), of8)).mismatches).toEqual([]);
    // Another page, an overlay, and a heading that follows.
    say(65, '08 18 90 00 01 01 42 05 01', added(2, 9, 64, 128, 9, 'Ada', 200), '58 02 01 80 07 05');
    const of9 = '05 02 09000000 40000000 80000000 01 09 00 03416461 c8';
    expect(say(128, '08 18 00', sum(of7(64, '00 00'), of8, of9), '58 00', sum('00 00 07000000 05')).mismatches).toEqual([]);
  });

  it('are a mismatch where something is, and never more than that', () => {
    const wrong = sum(of7(65, '01 09'), of8);
    expect(say(64, '08 18 00', wrong, '19 40 05 0000', '98 00', sum()).mismatches).toEqual([
      { tick: 64, x: 0, y: 0, layer: 0 }, { tick: 64, x: 1, y: 0, layer: 0 },
    ]);
    expect(() => say(128, '08 18 80 0000 00 0000')).toThrow(/second checksum/);
    open();
    expect(say(64, '08 18 00', wrong).mismatches).toEqual([]);
  });

  it('reckon directions as the server does', () => {
    const ways = [[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1], [0, 0]] as const;
    expect(ways.map(([dx, dy]) => direction(dx, dy))).toEqual([0, 32, 64, 96, 128, 160, 192, 224, 0]);
    for (let i = 0; i < 1000; i++) {
      const angle = (i / 1000) * Math.PI * 2;
      const off = direction(Math.round(Math.cos(angle) * 3e4), Math.round(Math.sin(angle) * 3e4)) - (i * 256) / 1000;
      expect(Math.abs(((off + 384) % 256) - 128)).toBeLessThan(0.8);
    }
  });
});
