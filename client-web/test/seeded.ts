/** Random numbers that are the same in every run. */
export interface Random {
  /** A whole number from 0 up to `end`. */
  below(end: number): number;
}

export function seeded(seed: number): Random {
  let state = seed * 0x9e37_79b9;
  return {
    // Mulberry32, which is enough for tests.
    below(end) {
      state = (state + 0x6d2b_79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
    },
  };
}
