/** Numbers that look random and are the same on every screen and in every picture. */

/** From 0 up to 1, by place and purpose. */
export function chance(x: number, y: number, purpose = 0): number {
  let h = Math.imul(x | 0, 374761393) ^ Math.imul(y | 0, 668265263) ^ Math.imul(purpose | 0, 974711);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  h = Math.imul(h ^ (h >>> 16), 2246822519);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}
