// Makes golden steps small enough to be kept: from what `downbeat vectors` writes (stdin) to
// `tests/vectors/steps-{game}.json` (stdout), one step a line.
//
// A step names its input only if it is another than the step before had, and of the entity only the
// fields that changed; what it says of the shared and the private state are changes already. Numbers of the entity are `f32`, written with as few digits as tell them apart.
import { readFileSync } from 'node:fs';

const { steps, start, ...head } = JSON.parse(readFileSync(0, 'utf8'));

/** The shortest number with this `f32`. */
function short(value) {
  if (Number.isInteger(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return shorter;
  }
  return Number(value.toPrecision(9));
}

const written = (value) => JSON.stringify(value, (_, inner) => (typeof inner === 'number' ? short(inner) : inner));

let input = null;
let entity = start;
const lines = steps.map((step) => {
  const line = {};
  if (JSON.stringify(step.input) !== JSON.stringify(input)) line.input = step.input;
  if (step.entity === null || entity === null) line.entity = step.entity;
  else {
    const changed = Object.entries(step.entity).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(entity[name]));
    if (changed.length > 0) line.entity = Object.fromEntries(changed);
  }
  for (const key of ['shared', 'private']) if (step[key]) line[key] = step[key];
  ({ input, entity } = step);
  return written(line);
});
const { dt, shared, ...names } = head;
process.stdout.write(`${JSON.stringify({ ...names, dt, shared }).slice(0, -1)},"start":${written(start)},"steps":[\n${lines.join(',\n')}\n]}\n`);
