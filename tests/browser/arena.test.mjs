// The arena's page: one runs, aims and shoots, others see it, and bots fight among each other.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { bots, browser, freePort, serve, until } from './server.mjs';

const pictures = fileURLToPath(new URL('../output/', import.meta.url));
let port, server, chromium, stopBots;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  port = await freePort();
  server = await serve(port);
  stopBots = bots(port, 'fight', 10, 'arena');
  chromium = await browser();
});

after(async () => {
  stopBots?.();
  await chromium?.close();
  await server?.stop();
});

async function join(name, room) {
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 } });
  page.wrongs = [];
  page.on('pageerror', (error) => page.wrongs.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.wrongs.push(message.text()));
  await page.goto(`http://127.0.0.1:${port}/arena.html?debug&room=${room}`);
  await page.screenshot({ path: `${pictures}arena-start.png` });
  await page.fill('#name', name);
  await page.click('#start button');
  await until('own fighter', () => me(page));
  return page;
}

const me = (page) => page.evaluate(() => window.__downbeat.me());
const seen = (page, name) => page.evaluate((name) => window.__downbeat.entities().find(({ fighter }) => fighter.name === name), name);
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

async function assertClean(page) {
  assert.deepEqual(page.wrongs, []);
  const counters = await page.evaluate(() => window.__downbeat.counters());
  assert.equal(counters.mismatches, 0, 'cells whose checksum differs');
  return counters;
}

test('a person runs, aims and shoots, and another sees it', async (t) => {
  const ada = await join('Ada', 'calm');
  const bob = await join('Bob', 'calm');
  const from = await me(ada);
  // Away from the own border: there is always room.
  const key = from.x < 20 ? 'KeyD' : 'KeyA';
  await ada.keyboard.down(key);
  await until('it runs', async () => distance(await me(ada), from) > 1.5, 5);
  await ada.keyboard.up(key);
  // To and fro, so that there are steps enough to count.
  for (const other of ['KeyW', 'KeyS', 'KeyW', 'KeyS']) {
    await ada.keyboard.down(other);
    await ada.waitForTimeout(700);
    await ada.keyboard.up(other);
  }
  await until('others see it where it sees itself', async () => {
    const [own, there] = [await me(ada), await seen(bob, 'Ada')];
    return there && distance(there, own) <= 1 / 64;
  }, 5);

  for (const [x, y] of [[640, 20], [640, 780]]) {
    await ada.mouse.move(x, y);
    const own = await me(ada);
    await until('others see where it aims', async () => {
      const there = await seen(bob, 'Ada');
      // Towards +y is down: 64 of 256.
      return Math.abs(((there.turn - own.turn + 384) % 256) - 128) <= 2 && there.turn > 128 === y < 400;
    }, 5);
  }
  assert.equal(await ada.textContent('#ammo'), '12 shots');
  await ada.mouse.click(640, 780);
  await until('a shot is gone', async () => (await ada.textContent('#ammo')) === '11 shots', 5);
  const { confirmed, corrected } = await assertClean(ada);
  t.diagnostic(`${confirmed} steps confirmed, ${corrected} corrected`);
  assert.ok(confirmed > 60, 'steps are confirmed');
  assert.ok(corrected <= confirmed / 6, `${corrected} of ${confirmed} steps were predicted wrongly`);
  await assertClean(bob);
  await ada.close();
  await bob.close();
});

test('bots fight, and the own fighter stands among them', async () => {
  const page = await join('Watcher', 'fight');
  await until('bots', async () => (await page.evaluate(() => window.__downbeat.entities().length)) >= 8);
  await until('somebody falls', async () => (await page.textContent('#blue')) !== '0' || (await page.textContent('#orange')) !== '0', 60);
  await until('it is told', () => page.locator('#feed p').count());
  await page.screenshot({ path: `${pictures}arena.png` });
  await until('the own fighter is there, or will be', async () => (await me(page)) !== null || (await page.isVisible('#fallen')));
  await assertClean(page);
  await page.close();
});
