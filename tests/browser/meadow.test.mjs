// A person opens the page and walks among bots: in a real browser, on the real server.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { bots, browser, freePort, serve, until } from './server.mjs';

// What a person should look at now and then.
const pictures = fileURLToPath(new URL('../output/', import.meta.url));
let port, server, chromium, stopBots;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  port = await freePort();
  server = await serve(port);
  stopBots = bots(port, 'main', 12);
  chromium = await browser();
});

after(async () => {
  stopBots?.();
  await chromium?.close();
  await server?.stop();
});

/** Opens the page in its own window, and collects what goes wrong in it. */
async function open(options = {}) {
  const context = await chromium.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.wrongs = [];
  page.on('pageerror', (error) => page.wrongs.push(error.message));
  page.on('console', (message) => {
    // A browser says aloud that a socket could not be opened; that is what a restart looks like.
    if (message.type() === 'error' && !/WebSocket|ERR_CONNECTION_REFUSED/.test(message.text())) page.wrongs.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  return page;
}

async function join(page, name) {
  await page.fill('#name', name);
  await page.click('#enter');
  await until('own avatar', () => me(page));
}

const me = (page) => page.evaluate(() => window.__downbeat.me());
const others = (page) => page.evaluate(() => window.__downbeat.entities().filter((e) => e.kind === 'Player' && e.id !== window.__downbeat.me()?.id));
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** Holds a key in whichever direction is free. */
async function walkByKey(page) {
  for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp']) {
    const from = await me(page);
    await page.keyboard.down(key);
    try {
      await until(`moved by ${key}`, async () => distance(await me(page), from) > 1, 3);
      return;
    } catch {
      continue; // a tree stands there
    } finally {
      await page.keyboard.up(key);
    }
  }
  assert.fail('no key moves the avatar');
}

test('a person joins, walks with a key and with a click, and sees bots move', async () => {
  const page = await open();
  await join(page, 'Ada');
  assert.equal((await me(page)).name, 'Ada');
  await walkByKey(page);

  const stopped = await until('it stands still', async () => {
    const a = await me(page);
    await page.waitForTimeout(400);
    return distance(a, await me(page)) < 0.01 && a;
  });
  // Click three metres away, wherever the way is free.
  let walked = false;
  for (const [dx, dy] of [[3, 0], [-3, 0], [0, 3], [0, -3]]) {
    const at = await page.evaluate(([x, y]) => window.__downbeat.toScreen(x, y), [stopped.x + dx, stopped.y + dy]);
    const from = await me(page);
    await page.mouse.click(at.x, at.y);
    walked = await until('walked by click', async () => distance(await me(page), from) > 1, 4).catch(() => false);
    if (walked) break;
  }
  assert.ok(walked, 'no click moves the avatar');

  const before = await until('bots', async () => { const seen = await others(page); return seen.length >= 5 && seen; });
  await until('a bot moves', async () => (await others(page)).some((bot) => {
    const was = before.find((other) => other.id === bot.id);
    return was && distance(was, bot) > 0.5;
  }));
  await page.screenshot({ path: `${pictures}meadow-desktop.png` });
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('picking flowers raises the own score', async () => {
  const page = await open();
  await join(page, 'Flora');
  await until('own score', async () => {
    const self = await me(page);
    if (self.score > 0) return true;
    const flowers = await page.evaluate(() => window.__downbeat.entities().filter((e) => e.kind === 'Flower'));
    flowers.sort((a, b) => distance(a, self) - distance(b, self));
    // Clicks go where the flower is on the screen; one out of sight is approached step by step.
    const target = flowers[Math.floor(Math.random() * 3)];
    const far = distance(target, self);
    const part = Math.min(1, 5 / far);
    const way = [self.x + (target.x - self.x) * part, self.y + (target.y - self.y) * part];
    const at = await page.evaluate(([x, y]) => window.__downbeat.toScreen(x, y), way);
    await page.mouse.click(at.x, at.y);
    await page.waitForTimeout(800);
    return false;
  }, 90);
  const shown = await page.textContent('#score-own');
  assert.ok(Number.parseInt(shown, 10) > 0, `shown: ${shown}`);
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('on a phone a tap walks, and everything fits', async () => {
  const page = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  await page.screenshot({ path: `${pictures}meadow-phone-start.png` });
  await join(page, 'Pocket');
  const from = await me(page);
  let walked = false;
  for (const [dx, dy] of [[0, -2.5], [0, 2.5], [2, 0], [-2, 0]]) {
    const at = await page.evaluate(([x, y]) => window.__downbeat.toScreen(x, y), [from.x + dx, from.y + dy]);
    await page.touchscreen.tap(at.x, at.y);
    walked = await until('walked by tap', async () => distance(await me(page), from) > 1, 4).catch(() => false);
    if (walked) break;
  }
  assert.ok(walked, 'no tap moves the avatar');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, 'nothing sticks out');
  await page.screenshot({ path: `${pictures}meadow-phone.png` });
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('a restart of the server is survived under the same name', async () => {
  const page = await open();
  await join(page, 'Phoenix');
  assert.equal(await server.stop(), 0, 'a clean end');
  await until('it notices', () => page.evaluate(() => window.__downbeat.state().type !== 'open'));
  await page.screenshot({ path: `${pictures}meadow-reconnecting.png` });
  server = await serve(port);
  await until('it is back', () => page.evaluate(() => window.__downbeat.state().type === 'open' && window.__downbeat.me() !== null), 60);
  assert.equal((await me(page)).name, 'Phoenix');
  await walkByKey(page);
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('the keyboard alone is enough to join', async () => {
  const page = await open();
  await page.focus('#name');
  await page.keyboard.type('Keys');
  await page.keyboard.press('Enter');
  await until('own avatar', () => me(page));
  await walkByKey(page);
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});
