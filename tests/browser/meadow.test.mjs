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

/**
 * In the page: somewhere in view that one can walk to, but not straight, and the length of the way.
 * Null if there is nothing of the kind here; then a place from which to look again.
 */
function lookBehind() {
  const { blocked, me, toScreen, gates } = window.__downbeat;
  const at = me();
  const [x0, y0] = [Math.floor(at.x), Math.floor(at.y)];
  // A gate may swing while one is on the way.
  const inGate = (x, y) => gates().some((g) => x >= g.x && x < g.x + g.width && y >= g.y && y < g.y + g.height);
  const free = (x, y) => !blocked(x, y) && !inGate(x, y);
  const far = new Map([[`${x0},${y0}`, 0]]);
  const open = [[x0, y0]];
  for (const [x, y] of open) {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      const [nx, ny] = [x + dx, y + dy];
      if (far.has(`${nx},${ny}`) || !free(nx, ny) || Math.abs(nx - x0) > 14 || Math.abs(ny - y0) > 10) continue;
      far.set(`${nx},${ny}`, far.get(`${x},${y}`) + 1);
      open.push([nx, ny]);
    }
  }
  const straight = (x, y) => {
    for (let i = 0; i <= 200; i++) {
      const [px, py] = [at.x + ((x - at.x) * i) / 200, at.y + ((y - at.y) * i) / 200];
      if ([-0.3, 0.3].some((dx) => [-0.3, 0.3].some((dy) => blocked(px + dx, py + dy)))) return false;
    }
    return true;
  };
  const clickable = (x, y) => {
    // The picture may still move a little before the click.
    if (Math.abs(x - at.x) > 9 || Math.abs(y - at.y) > 5) return false;
    const point = toScreen(x, y);
    return document.elementFromPoint(point.x, point.y)?.id === 'world';
  };
  const spots = open.map(([x, y]) => ({ x: x + 0.5, y: y + 0.5, way: far.get(`${x},${y}`) }));
  const behind = spots.filter(({ x, y, way }) => way > 3 && way < 30 && clickable(x, y) && !straight(x, y));
  const elsewhere = spots.filter(({ x, y, way }) => way > 6 && clickable(x, y));
  const pick = (from) => from[Math.floor(Math.random() * from.length)] ?? null;
  // The farther around, the better.
  behind.sort((a, b) => b.way - Math.hypot(b.x - at.x, b.y - at.y) - a.way + Math.hypot(a.x - at.x, a.y - at.y));
  return { behind: behind[0] ?? null, elsewhere: pick(elsewhere) };
}

async function click(page, { x, y }) {
  const at = await page.evaluate(([x, y]) => window.__downbeat.toScreen(x, y), [x, y]);
  await page.mouse.click(at.x, at.y);
}

test('a click on the far side of an obstacle leads around it, as the page foretells', async () => {
  const page = await open();
  await join(page, 'Detour');
  let around = 0;
  for (let i = 0; i < 20 && around < 3; i++) {
    await until('it stands', async () => {
      const was = await me(page);
      await page.waitForTimeout(300);
      return distance(was, await me(page)) < 0.01;
    });
    const { behind, elsewhere } = await page.evaluate(lookBehind);
    const goal = behind ?? elsewhere;
    assert.ok(goal, 'there is somewhere to go');
    const before = await page.evaluate(() => window.__downbeat.counters());
    await click(page, goal);
    await until(`is at ${goal.x}, ${goal.y}`, async () => distance(await me(page), goal) < 0.75, 25);
    if (!behind) continue;
    around += 1;
    const after = await page.evaluate(() => window.__downbeat.counters());
    // That there is a path comes as a surprise, and so does a gate that swings.
    const [steps, wrong] = [after.confirmed - before.confirmed, after.corrected - before.corrected];
    assert.ok(wrong <= 4 + steps / 20, `${wrong} of ${steps} steps were corrected`);
  }
  assert.equal(around, 3, 'ways around something');
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

const overlay = (page) => page.evaluate(() => window.__downbeat.overlay());
const routes = (page) => page.evaluate(() => window.__downbeat.routes());

test('the overlay shows grid, routes and jobs while it is on, and nothing before or after', async () => {
  const page = await open();
  assert.equal(await page.isVisible('#overlay-toggle'), false, 'there is nothing to show yet');
  await join(page, 'Seer');
  const off = async () => {
    assert.deepEqual(await routes(page), []);
    const { on, own, blocked, asks } = await overlay(page);
    assert.deepEqual({ on, own, blocked, asks }, { on: false, own: [], blocked: 0, asks: 0 });
    assert.equal(await page.isVisible('#jobs'), false);
    assert.equal(await page.getAttribute('#overlay-toggle', 'aria-pressed'), 'false');
  };
  await off();
  await page.keyboard.press('g');
  assert.equal(await page.getAttribute('#overlay-toggle', 'aria-pressed'), 'true');
  await until('routes', async () => (await routes(page)).length > 0);
  const ids = await page.evaluate(() => window.__downbeat.entities().map(({ id }) => id));
  assert.ok((await routes(page)).every(({ entity, corners }) => corners.length > 1 && ids.includes(entity)), 'routes of somebody to somewhere');
  await until('jobs were done', async () => (await overlay(page)).jobs?.done > 0);
  await until('a job in flight is drawn', async () => (await overlay(page)).asks > 0);
  await until('the panel tells of them', async () => Number.parseInt(await page.textContent('#jobs-figures dd:nth-of-type(3)'), 10) > 0);
  // The own way, and squares where nobody walks.
  await until('an own way with corners', async () => {
    const { behind, elsewhere } = await page.evaluate(lookBehind);
    await click(page, behind ?? elsewhere);
    await page.waitForTimeout(400);
    const { own, blocked } = await overlay(page);
    return own.length > 2 && blocked > 0;
  });
  await page.screenshot({ path: `${pictures}meadow-overlay.png` });
  await page.click('#overlay-toggle');
  await until('it is gone', async () => (await routes(page)).length === 0);
  await off();
  await until('the server tells no more', async () => (await page.evaluate(() => window.__downbeat.told().routes)) === 0);
  // The button alone will do, too.
  await page.focus('#overlay-toggle');
  await page.keyboard.press('Enter');
  await until('routes again', async () => (await routes(page)).length > 0);
  await page.reload();
  await join(page, 'Seer');
  await off();
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('gates swing before one\'s eyes', async () => {
  const page = await open();
  await join(page, 'Gatekeeper');
  const gates = () => page.evaluate(() => window.__downbeat.gates());
  const before = await gates();
  assert.ok(before.length > 0, 'there are gates');
  const turned = await until('a gate turns', async () => (await gates()).findIndex((gate, i) => gate.open !== before[i].open) + 1, 90);
  const { open: isOpen, x, y } = before[turned - 1];
  await until('it is drawn so', async () => (await gates())[turned - 1].swing === Number(!isOpen), 5);
  assert.equal(await page.evaluate(([x, y]) => window.__downbeat.blocked(x, y), [x, y]), isOpen, 'shut, nobody walks there');
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test('wolves and herds of sheep are about, and stay in step with the server', async () => {
  const page = await open();
  await join(page, 'Shepherd');
  const count = (kind) => page.evaluate((kind) => window.__downbeat.entities().filter((e) => e.kind === kind).length, kind);
  await until('a hundred sheep', async () => (await count('Sheep')) >= 100);
  await until('a wolf', async () => (await count('Wolf')) > 0);
  const before = await page.evaluate(() => window.__downbeat.entities());
  await until('many walk', async () => {
    const now = new Map((await page.evaluate(() => window.__downbeat.entities())).map((e) => [e.id, e]));
    return before.filter((e) => e.kind === 'Sheep' && now.has(e.id) && distance(e, now.get(e.id)) > 1).length >= 10;
  });
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
