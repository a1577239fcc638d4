// A line that is slow and stands still now and then, as a TCP proxy between a browser and a server.
import { connect, createServer } from 'node:net';

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Opens a line to `port`. Every byte takes `delayMs` either way; for a share of the time,
 * `stallMs` at once, nothing gets through either way, as after a lost packet. Nothing is lost and
 * the order is kept, as TCP has it.
 */
export async function badLine(port, { delayMs = 50, stallMs = 300, stallShare = 0.05, seed = 1 } = {}) {
  const next = random(seed);
  /** When the line stood still, in `Date.now()`'s milliseconds. */
  const stalls = [];
  let stalledUntil = 0;
  const dice = setInterval(() => {
    if (next() >= stallShare) return;
    const from = Date.now();
    stalledUntil = from + stallMs;
    stalls.push({ from, until: stalledUntil });
  }, stallMs);
  const sockets = new Set();

  const carry = (from, to) => {
    const waiting = [];
    let timer = null;
    const deliver = () => {
      timer = null;
      const now = Date.now();
      if (now < stalledUntil) return void (timer = setTimeout(deliver, stalledUntil - now));
      while (waiting.length > 0 && waiting[0].at <= now) {
        const { bytes } = waiting.shift();
        if (bytes) to.write(bytes);
        else to.end();
      }
      if (waiting.length > 0) timer = setTimeout(deliver, waiting[0].at - now);
    };
    const take = (bytes) => {
      waiting.push({ at: Date.now() + delayMs, bytes });
      timer ??= setTimeout(deliver, delayMs);
    };
    from.on('data', take);
    from.on('end', () => take(null));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      clearTimeout(timer);
      sockets.delete(from);
      to.destroy();
    });
  };

  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    sockets.add(near).add(far);
    carry(near, far);
    carry(far, near);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: server.address().port,
    stalls,
    /** Breaks all connections at once, without a word. */
    cut() {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close() {
      clearInterval(dice);
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
