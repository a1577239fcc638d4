/** The view of one member over hundreds of ticks in which everything happens. */
import { describe, expect, it } from 'vitest';
import { View } from '../src/sdk/view.ts';
import { ProbeServer, shown } from './probe_server.ts';
import { seeded } from './seeded.ts';
import { feed, probe, type Probe, welcome } from './wire.ts';

describe('a view over time', () => {
  it.each([1, 2, 3, 4])('is what the server has, at every tick of all tiers (seed %i)', (seed) => {
    const server = new ProbeServer(seeded(seed));
    const view = new View<Probe>(probe, true);
    view.handleWelcome(welcome());
    const alive = new Set<number>();
    let followed = 0;
    const check = (tick: number, messages: Uint8Array[]) => {
      const results = messages.map((message) => feed(view, probe, message));
      const applied = results.at(-1)!;
      expect(results.slice(0, -1).every((result) => result === null)).toBe(true);
      expect(applied.mismatches).toEqual([]);
      // The lists alone must be enough to keep up.
      for (const id of applied.removed) expect(alive.delete(id)).toBe(true);
      for (const id of applied.added) {
        expect(alive.has(id)).toBe(false);
        alive.add(id);
      }
      expect([...alive].sort()).toEqual([...view.entities.keys()].sort());
      for (const id of applied.changed) expect(alive.has(id) && !applied.added.includes(id)).toBe(true);
      expect(new Set(applied.changed).size).toBe(applied.changed.length);
      expect(applied.moved.every((id) => applied.changed.includes(id))).toBe(true);
      // It may have jumped out of view, until the window follows.
      const own = view.entities.get(7);
      if (own) expect(own.pos).toEqual(server.avatarAt);
      if (tick % 4 !== 0) return;
      const expected = server.expected();
      expect([...view.entities].sort(([a], [b]) => a - b)).toEqual([...expected].sort(([a], [b]) => a - b));
      followed += [...expected.keys()].filter((id) => view.follows(id)).length;
    };
    for (let tick = 1; tick <= 200; tick++) {
      const messages = server.tick();
      try {
        check(tick, messages);
      } catch (error) {
        throw new Error(`tick ${tick}: ${error}\n${shown(messages)}`, { cause: error });
      }
    }
    expect(followed).toBeGreaterThan(100);
  });
});
