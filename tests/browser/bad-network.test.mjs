// The meadow over a line of 100 ms there and back that stands still for 300 ms now and then: the own
// avatar answers at once all the same, others move evenly, and whoever stops ends in the right place.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { badLine } from './bad_line.mjs';
import { bots, browser, freePort, serve, until } from './server.mjs';

const pictures = fileURLToPath(new URL('../output/', import.meta.url));
const SEED = Number(process.env.DOWNBEAT_SEED ?? 1);
/** Another picture of the same walk; a jump is what nobody does. */
const JUMP_M = 0.5;
/** After a stall all may jump once. */
const STALL_FORGIVEN_MS = 400;
/** Where even a line without faults brings nothing for so long, or a page draws nothing, the machine
 * stood still. */
const STANDSTILL_MS = 100;
const LATE_PICTURE_MS = 50;
/** What the machine does is no fault of the page's, until it has been calm for so long. */
const CALM_AFTER_MS = 1000;
/** Positions travel in 1/64 m. */
const STEP_M = 1 / 64;
const WALKS = [['ArrowRight', 'ArrowLeft'], ['ArrowDown', 'ArrowUp']];

let port, server, chromium, stopBots, line;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  port = await freePort();
  server = await serve(port);
  line = await badLine(port, { delayMs: 50, stallMs: 300, stallShare: 0.05, seed: SEED });
  stopBots = bots(port, 'main', 12);
  chromium = await browser();
});

after(async () => {
  stopBots?.();
  await chromium?.close();
  line?.close();
  await server?.stop();
});

/** Opens the page through `by`, joins, and collects what goes wrong. */
async function join(name, by) {
  const context = await chromium.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.wrongs = [];
  page.on('pageerror', (error) => page.wrongs.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.wrongs.push(message.text()));
  page.heardAt = [];
  page.on('websocket', (socket) => socket.on('framereceived', () => page.heardAt.push(Date.now())));
  await page.goto(`http://127.0.0.1:${by}/?debug`);
  await page.fill('#name', name);
  await page.click('#enter');
  await until('own avatar', () => me(page));
  return page;
}

const me = (page) => page.evaluate(() => window.__downbeat.me());
const seen = (page, name) => page.evaluate((name) => window.__downbeat.entities().find((e) => e.name === name), name);
const answer = (page) => page.evaluate(() => window.__downbeat.answer());
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function standing(page) {
  return until('it stands still', async () => {
    const a = await me(page);
    await pause(500);
    const b = await me(page);
    return a && b && distance(a, b) === 0 && b;
  });
}

/** Holds a key for a while, from standing; answers how soon it was seen, null if the way is blocked. */
async function walk(page, key, ms) {
  const from = await standing(page);
  await page.keyboard.down(key);
  await pause(ms);
  await page.keyboard.up(key);
  const found = await answer(page);
  assert.equal(found.key, key);
  return distance(await me(page), from) > 0.2 ? found : null;
}

/** What must hold of a page at its end. */
async function assertClean(page) {
  const { counters, errors, at } = await page.evaluate(() => {
    const { counters, errors, me, toScreen } = window.__downbeat;
    return { counters: counters(), errors: errors(), at: toScreen(me().x, me().y) };
  });
  assert.ok(at.x > 0 && at.x < 1280 && at.y > 0 && at.y < 800, `the avatar is at ${at.x}, ${at.y} of the screen`);
  assert.deepEqual(page.wrongs, []);
  assert.deepEqual(errors, []);
  assert.equal(counters.mismatches, 0, 'cells whose checksum differs');
  return counters;
}

test('the own avatar answers a key within two pictures, and ends where the server has it', async (t) => {
  const page = await join('Ada', line.port);
  const direct = await join('Witness', port);
  const answers = [];
  for (let i = 0; answers.length < 10 && i < 40; i++) {
    const [there, back] = WALKS[i % WALKS.length];
    for (const key of [there, back]) {
      // At another time of the tick and of the picture each time.
      await pause((i * 17) % 50);
      const found = await walk(page, key, 300);
      if (found) answers.push(found);
    }
  }
  t.diagnostic(`answers: ${answers.map(({ pictures, ms }) => `${pictures} in ${Math.round(ms)} ms`).join(', ')}`);
  assert.ok(answers.length >= 10, 'no way is free');
  for (const { key, pictures } of answers) assert.ok(pictures !== null && pictures <= 2, `${key} was answered after ${pictures} pictures`);

  const own = await standing(page);
  await until('others see it where it sees itself', async () => {
    const there = await seen(direct, 'Ada');
    return there && distance(there, own) <= STEP_M;
  }, 5);
  assert.equal(distance(await me(page), own), 0, 'it does not drift');
  const { confirmed, corrected } = await assertClean(page);
  t.diagnostic(`${confirmed} steps confirmed, ${corrected} corrected, ${line.stalls.length} stalls, seed ${SEED}`);
  assert.ok(confirmed > 40, 'steps are confirmed');
  assert.ok(corrected <= confirmed / 6, `${corrected} of ${confirmed} steps were predicted wrongly`);
  await page.screenshot({ path: `${pictures}meadow-bad-network.png` });
  await page.context().close();
  await direct.context().close();
});

test('others move without jumps, and who stops is drawn exactly where the server has it', async (t) => {
  const page = await join('Watcher', line.port);
  const walker = await join('Walker', port);
  await until('bots', () => page.evaluate(() => window.__downbeat.entities().filter((e) => e.kind === 'Player').length >= 8));
  await pause(2_000);
  await page.evaluate(() => window.__downbeat.record());
  const stallsBefore = line.stalls.length;
  // Longer if the line has not stood still yet.
  const deadline = Date.now() + 40_000;
  do await pause(2_000); while (Date.now() < deadline - 20_000 || (line.stalls.length - stallsBefore < 2 && Date.now() < deadline));
  const drawn = await page.evaluate(() => window.__downbeat.pictures().map((picture) => ({ ...picture, at: performance.timeOrigin + picture.at })));
  const standstills = [
    ...gapsOf(walker.heardAt, STANDSTILL_MS),
    ...gapsOf(drawn.map(({ at }) => at), LATE_PICTURE_MS),
  ];
  const isExcused = ({ at }) =>
    line.stalls.some(({ until }) => at >= until && at <= until + STALL_FORGIVEN_MS) ||
    standstills.some((until) => at >= until - LATE_PICTURE_MS && at <= until + CALM_AFTER_MS);
  const judged = drawn.filter((picture) => !isExcused(picture)).length;
  const { moved, pairs } = walksOf(drawn);
  t.diagnostic(`${drawn.length} pictures, ${pairs} pairs of places, ${moved} walkers, ${line.stalls.length - stallsBefore} stalls, ${standstills.length} standstills, ${judged} pictures judged, seed ${SEED}`);
  assert.ok(drawn.length > 100 && moved >= 5, 'somebody moves in enough pictures');
  t.diagnostic(`longest steps: ${[...steps(drawn)].map(({ metres }) => metres).sort((a, b) => b - a).slice(0, 5).map((metres) => metres.toFixed(2)).join(', ')} m`);
  const unexcused = jumpsOf(drawn).filter((jump) => !isExcused(jump));
  assert.deepEqual(unexcused, [], 'jumps');

  for (const [there, back] of WALKS) {
    for (const key of [there, back]) {
      await walk(walker, key, 700);
      const own = await standing(walker);
      await until('drawn where it stands', async () => {
        const there = await seen(page, 'Walker');
        return there && distance(there, own) <= STEP_M;
      }, 5);
      const a = await seen(page, 'Walker');
      await pause(300);
      assert.deepEqual(await seen(page, 'Walker'), a, 'and stays there');
    }
  }
  await assertClean(page);
  await assertClean(walker);
  await page.context().close();
  await walker.context().close();
});

/** When something came again after at least `ms`. */
function gapsOf(times, ms) {
  return times.filter((at, i) => i > 0 && at - times[i - 1] >= ms);
}

/** Everyone's step from each picture to the next one. */
function* steps(drawn) {
  for (let i = 1; i < drawn.length; i++) {
    const before = new Map(drawn[i - 1].others.map((other) => [other.id, other]));
    for (const other of drawn[i].others) {
      const was = before.get(other.id);
      if (was) yield { id: other.id, at: drawn[i].at, ms: drawn[i].at - drawn[i - 1].at, metres: distance(was, other) };
    }
  }
}

/** Steps that are too long; where a picture came late, as much longer as one walks meanwhile. */
function jumpsOf(drawn) {
  const late = (ms) => Math.max(0, ms - 50) * 0.005;
  return [...steps(drawn)].filter(({ ms, metres }) => metres > JUMP_M + late(ms));
}

function walksOf(drawn) {
  const ways = new Map();
  let pairs = 0;
  for (const { id, metres } of steps(drawn)) {
    pairs += 1;
    ways.set(id, (ways.get(id) ?? 0) + metres);
  }
  return { pairs, moved: [...ways.values()].filter((metres) => metres > 2).length };
}
