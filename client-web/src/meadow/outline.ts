/**
 * The smooth outline of all tiles of a class.
 *
 * In: a test of tiles. Out: one `Path2D` in metres that can be filled (even-odd) and stroked. Edges
 * of tiles are chained to loops and drawn as curves through the middle of each edge, with the
 * corners, moved a little by chance, as control points: stairs become shores.
 */
import { chance } from './chance.ts';

/** Right, down, left, up. */
const DX = [1, 0, -1, 0] as const;
const DY = [0, 1, 0, -1] as const;
const WOBBLE_M = 0.36;
/** How far the picture goes on beyond the map, so that no shore closes at its edge. */
const MARGIN = 3;

export function outlineOf(width: number, height: number, has: (x: number, y: number) => boolean): Path2D {
  const inside = (x: number, y: number) =>
    x >= -MARGIN && y >= -MARGIN && x < width + MARGIN && y < height + MARGIN && has(x, y);
  const stride = width + 2 * MARGIN + 1;
  const keyOf = (x: number, y: number) => (y + MARGIN) * stride + x + MARGIN;
  // At most two edges leave a corner; the bits say in which directions.
  const leaving = new Map<number, number>();
  const add = (x: number, y: number, direction: number) =>
    leaving.set(keyOf(x, y), (leaving.get(keyOf(x, y)) ?? 0) | (1 << direction));
  for (let y = -MARGIN; y < height + MARGIN; y++) {
    for (let x = -MARGIN; x < width + MARGIN; x++) {
      if (!inside(x, y)) continue;
      if (!inside(x, y - 1)) add(x, y, 0);
      if (!inside(x + 1, y)) add(x + 1, y, 1);
      if (!inside(x, y + 1)) add(x + 1, y + 1, 2);
      if (!inside(x - 1, y)) add(x, y + 1, 3);
    }
  }
  const path = new Path2D();
  for (const start of leaving.keys()) {
    while (leaving.get(start)) addLoop(path, loopFrom(start, leaving, stride));
  }
  return path;
}

/** Follows edges until they come back to the start, and takes them away. */
function loopFrom(start: number, leaving: Map<number, number>, stride: number): [number, number][] {
  const corners: [number, number][] = [];
  let key = start;
  let direction = 0;
  do {
    const bits = leaving.get(key) ?? 0;
    // Where two tiles touch at a corner, turning left first keeps them one shape.
    const next = [3, 0, 1, 2].map((turn) => (direction + turn) % 4).find((d) => bits & (1 << d));
    if (next === undefined) break;
    direction = next;
    leaving.set(key, bits & ~(1 << direction));
    corners.push([(key % stride) - MARGIN, Math.floor(key / stride) - MARGIN]);
    key += DX[direction]! + DY[direction]! * stride;
  } while (key !== start);
  return corners;
}

function addLoop(path: Path2D, corners: [number, number][]): void {
  const count = corners.length;
  // Each corner is drawn halfway towards its neighbours, which takes the steps out of a slope.
  const points = corners.map(([x, y], i) => {
    const before = corners[(i + count - 1) % count]!;
    const after = corners[(i + 1) % count]!;
    return [
      (before[0] + 2 * x + after[0]) / 4 + (chance(x, y, 1) - 0.5) * WOBBLE_M,
      (before[1] + 2 * y + after[1]) / 4 + (chance(x, y, 2) - 0.5) * WOBBLE_M,
    ] as const;
  });
  const last = points.at(-1)!;
  const first = points[0]!;
  path.moveTo((last[0] + first[0]) / 2, (last[1] + first[1]) / 2);
  points.forEach((corner, i) => {
    const next = points[(i + 1) % points.length]!;
    path.quadraticCurveTo(corner[0], corner[1], (corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2);
  });
  path.closePath();
}
