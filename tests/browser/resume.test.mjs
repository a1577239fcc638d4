// The meadow over a line that breaks: whoever comes back is the same as before, in the same place,
// and the others have seen nothing but somebody who stood still.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { badLine } from './bad_line.mjs';
import { browser, freePort, serve, until } from './server.mjs';

let port, server, chromium, line;

before(async () => {
  port = await freePort();
  server = await serve(port);
  line = await badLine(port, { delayMs: 10, stallShare: 0 });
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  line?.close();
  await server?.stop();
});

async function join(name, by) {
  const context = await chromium.newContext({ viewport: { width: 800, height: 600 } });
  const page = await context.newPage();
  page.wrongs = [];
  page.on('pageerror', (error) => page.wrongs.push(error.message));
  await page.goto(`http://127.0.0.1:${by}/?debug`);
  await page.fill('#name', name);
  await page.click('#enter');
  await until('own avatar', () => me(page));
  return page;
}

const me = (page) => page.evaluate(() => window.__downbeat.me());
const state = (page) => page.evaluate(() => window.__downbeat.state());
const seen = (page, name) => page.evaluate((name) => window.__downbeat.entities().filter((e) => e.name === name), name);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Breaks the line and waits until the page plays on. */
async function cut(page) {
  line.cut();
  await until('the page notices', async () => (await state(page)).type !== 'open');
  await until('the page plays on', async () => (await state(page)).type === 'open' && (await me(page)));
}

test('row 26: a page whose connection is cut goes on with the same avatar in the same place', async () => {
  const page = await join('Ada', line.port);
  const witness = await join('Witness', port);
  await until('Ada is seen', async () => (await seen(witness, 'Ada')).length === 1);
  await page.keyboard.down('ArrowRight');
  await pause(400);
  await page.keyboard.up('ArrowRight');
  await pause(700);
  const [before] = await seen(witness, 'Ada');
  const { id } = await me(page);
  for (let i = 0; i < 3; i++) {
    await cut(page);
    assert.equal((await me(page)).id, id, 'the same avatar');
    const there = await seen(witness, 'Ada');
    assert.deepEqual(there.map((e) => e.id), [before.id], 'for the others, too');
    assert.ok(Math.hypot(there[0].x - before.x, there[0].y - before.y) < 0.1, 'in the same place');
  }
  // And it plays on.
  const [from] = await seen(witness, 'Ada');
  const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'];
  await until('it walks', async () => {
    const key = keys.shift() ?? 'ArrowLeft';
    await page.keyboard.down(key);
    await pause(400);
    await page.keyboard.up(key);
    const [now] = await seen(witness, 'Ada');
    return Math.hypot(now.x - from.x, now.y - from.y) > 0.3;
  });
  assert.deepEqual(page.wrongs, []);

  // A page that is closed says goodbye: nobody stands about for two minutes.
  await page.close({ runBeforeUnload: false });
  await until('Ada has left', async () => (await seen(witness, 'Ada')).length === 0, 10);
  await witness.context().close();
});
