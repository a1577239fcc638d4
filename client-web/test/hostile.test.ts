/** A server that lies: whatever it says, the answer is one of two errors, and soon. */
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../src/sdk/bytes.ts';
import { View, ViewError } from '../src/sdk/view.ts';
import { hex } from './hex.ts';
import { ProbeServer } from './probe_server.ts';
import { seeded } from './seeded.ts';
import { feed, frame, look, probe, type Probe, RESET, welcome, written } from './wire.ts';

/** Feeds messages until one is refused; fails if the refusal is anything but one of the two errors. */
function survives(view: View<Probe>, messages: Uint8Array[], what: string): void {
  for (const message of messages) {
    try {
      feed(view, probe, message);
    } catch (error) {
      if (error instanceof DecodeError || error instanceof ViewError) return;
      throw new Error(`${what}: ${hex(message)}`, { cause: error });
    }
  }
}

function greeted(debug = false): View<Probe> {
  const view = new View<Probe>(probe, debug);
  view.handleWelcome(welcome());
  return view;
}

/** What a byte of these messages costs. Units: µs of this process's time, which others do not take. */
function costOfByte(messages: Iterable<Uint8Array>, take: (message: Uint8Array) => void): number {
  let bytes = 0;
  const began = process.cpuUsage();
  for (const message of messages) {
    bytes += message.length;
    take(message);
  }
  const { user, system } = process.cpuUsage(began);
  return (user + system) / bytes;
}

describe('a hostile server', () => {
  it('cannot do more than be refused with random bytes', () => {
    const random = seeded(1);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: 5 + random.below(60) }, () => random.below(256));
      bytes[0] = 0x80 | random.below(8);
      // Half of them are blocks of a cell that is in view.
      const half = random.below(2) === 0 ? bytes.subarray(0, 40) : frame(1, RESET, look(0, 0, 24), '08 18', hex(bytes.subarray(1)));
      survives(greeted(), [half], `round ${round}`);
    }
  });

  it('cannot do more than be refused with what was valid before it was bent', () => {
    const random = seeded(2);
    const server = new ProbeServer(seeded(3), 24);
    const story = Array.from({ length: 12 }, () => server.tick()).flat();
    for (let round = 0; round < 20_000; round++) {
      const start = random.below(story.length);
      const bent = story[start]!.slice();
      for (let i = random.below(3); i >= 0; i--) bent[random.below(bent.length)] = random.below(256);
      const cut = random.below(4) === 0 ? bent.subarray(0, random.below(bent.length)) : bent;
      // The story up to there now and then; else its keyframe alone.
      const before = random.below(32) === 0 ? story.slice(0, start) : story.slice(0, Math.min(start, 2));
      survives(greeted(round % 2 === 0), [...before, cut, ...story.slice(start + 1, start + 2)], `round ${round}`);
    }
  });

  it('cannot make work out of little: blocks, pages, windows', () => {
    const long = (text: string) => written((out) => {
      while (out.length < 8100) text.split(' ').forEach((byte) => out.u8(parseInt(byte, 16)));
    });
    const server = new ProbeServer(seeded(3), 24);
    const story = Array.from({ length: 500 }, () => server.tick()).flat();
    const honest = greeted();
    const fair = costOfByte(story, (message) => feed(honest, probe, message));
    // Far more than chance, far less than work for each page or cell that a few bytes can name.
    const dear = 30 * fair;
    for (const text of ['82 00', '84 00 00', '90 00 00', '88 00', '80 00 00', 'c2 fb ff ff 00', 'a0 00']) {
      const view = greeted();
      const lies = Array.from({ length: 19 }, (_, i) => frame(i + 1, RESET, look(0, 0, 24), '08 18', long(text)));
      expect(costOfByte(lies, (lie) => survives(view, [lie], text)), text).toBeLessThan(dear);
    }
    const view = greeted();
    const looks = Array.from({ length: 2000 }, (_, i) => frame(i + 1, i === 0 ? RESET : 0, look(i % 9, 0, ...Array(49).keys())));
    expect(costOfByte(looks, (message) => survives(view, [message], 'windows')), 'windows').toBeLessThan(dear);
  });
});
