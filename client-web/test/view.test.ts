import { beforeEach, describe, expect, it } from 'vitest';
import { type Frame } from '../src/sdk/protocol.ts';
import { View, ViewError } from '../src/sdk/view.ts';
import { type Entity, meadow, type Meadow } from '../src/meadow/game.ts';

const sheep: Entity = { pos: { x: 1, y: 2 }, heading: 0, kind: 'Sheep', name: '', score: 0, hue: 0 };
const wholeShared = [[0, 4], [1, 4], [2, new Uint8Array()], [3, 0], [4, []]] as const;

function frame(tick: number, part: Partial<Frame<Meadow>>): Frame<Meadow> {
  return {
    type: 'Frame', reset: false, more: false, tick, due: tick, inputAck: 0, refused: [], seat: null, private: null,
    events: [], shared: null, removed: [], added: [], changed: [], ...part,
  };
}

describe('view', () => {
  let view: View<Meadow>;
  beforeEach(() => {
    view = new View(meadow);
    view.handleFrame(frame(1, { reset: true, shared: wholeShared, private: [[0, null]], added: [[7, sheep], [8, sheep]] }));
  });

  it('applies masked updates to the named fields only', () => {
    const before = view.entities.get(7);
    view.handleFrame(frame(2, { changed: [[7, [[0, { x: 5, y: 6 }], [4, 3]]]], shared: [[3, 9]] }));
    expect(view.entities.get(7)).toEqual({ ...sheep, pos: { x: 5, y: 6 }, score: 3 });
    expect(before).toEqual(sheep);
    expect(view.shared).toMatchObject({ width: 4, picked: 9 });
  });

  it('shows nothing of a tick before it is whole', () => {
    expect(view.handleFrame(frame(2, { more: true, removed: [8], refused: [1] }))).toBeNull();
    expect([...view.entities.keys()]).toEqual([7, 8]);
    expect(view.tick).toBe(1);
    const applied = view.handleFrame(frame(2, { added: [[9, sheep]], refused: [2] }));
    expect(applied).toMatchObject({ tick: 2, removed: [8], added: [9], refused: [1, 2], heartbeat: false });
    expect([...view.entities.keys()]).toEqual([7, 9]);
  });

  it('replaces everything at a reset that comes in parts', () => {
    view.handleFrame(frame(9, { reset: true, more: true, shared: wholeShared }));
    expect(view.entities.size).toBe(2);
    const applied = view.handleFrame(frame(9, { added: [[7, { ...sheep, hue: 9 }]] }));
    expect(applied).toMatchObject({ reset: true, added: [7] });
    expect([...view.entities]).toEqual([[7, { ...sheep, hue: 9 }]]);
  });

  it('lets an id be reused within one tick', () => {
    view.handleFrame(frame(2, { removed: [7], added: [[7, { ...sheep, kind: 'Duck' }]] }));
    expect(view.entities.get(7)?.kind).toBe('Duck');
  });

  it('knows a heartbeat from a frame that only acknowledges an input', () => {
    expect(view.handleFrame(frame(20, { due: 1 }))?.heartbeat).toBe(true);
    expect(view.handleFrame(frame(21, { due: 2, inputAck: 1 }))?.heartbeat).toBe(false);
    expect(view.inputAck).toBe(1);
  });

  it('follows the seat', () => {
    expect(view.avatar).toBeNull();
    view.handleFrame(frame(2, { seat: { type: 'Avatar', entity: 7 } }));
    expect(view.avatar).toBe(7);
  });

  it('refuses what does not fit together', () => {
    expect(() => view.handleFrame(frame(2, { changed: [[99, []]] }))).toThrow(ViewError);
    expect(() => view.handleFrame(frame(2, { removed: [99] }))).toThrow(ViewError);
    expect(() => view.handleFrame(frame(2, { reset: true, shared: [[3, 1]] }))).toThrow(/in part/);
    view.handleFrame(frame(3, { more: true }));
    expect(() => view.handleFrame(frame(4, {}))).toThrow(/before the rest of tick 3/);
  });
});
