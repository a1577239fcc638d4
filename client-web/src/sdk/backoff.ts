/**
 * Whether and when to connect again after a close.
 *
 * In: the close code and how many attempts have failed. Out: a delay, or the word that it is over.
 */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;
/** After a drain the new server is up at once; the spread keeps a crowd from coming as one. */
const AFTER_DRAIN_MS = 400;

/**
 * Closes after which the same attempt would end the same way: done, bytes the server cannot read,
 * fenced (to come back would fence the newer connection in turn), refused, game over, other types.
 */
const FINAL_CODES: ReadonlySet<number> = new Set([1000, 1007, 4001, 4003, 4004, 4009]);

export function isFinal(code: number): boolean {
  return FINAL_CODES.has(code);
}

/**
 * The delay before attempt number `attempt` (from 1) after a close with `code`.
 *
 * Shape: `random` is from 0 up to 1. Units: milliseconds.
 */
export function reconnectDelayMs(code: number, attempt: number, random: number): number {
  if (code === 1001 && attempt === 1) return Math.round(AFTER_DRAIN_MS * random);
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return Math.round(ceiling * (0.5 + 0.5 * random));
}
