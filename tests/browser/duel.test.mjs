// The tutorial's page: two people play a duel to its end.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { binary, browser, freePort, serve, until } from './server.mjs';

const pictures = fileURLToPath(new URL('../output/', import.meta.url));
let port, server, chromium;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  port = await freePort();
  server = await serve(port, binary('duel'));
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

test('two players answer three questions, and one of them wins', async () => {
  const wrongs = [];
  const open = async (name) => {
    const page = await chromium.newPage({ viewport: { width: 640, height: 480 } });
    page.on('pageerror', (error) => wrongs.push(error.message));
    page.on('console', (message) => message.type() === 'error' && !/favicon/.test(message.location().url) && wrongs.push(message.text()));
    await page.goto(`http://127.0.0.1:${port}/?name=${name}&room=table`);
    return page;
  };
  const ada = await open('Ada');
  await until('Ada waits', async () => /wait for another/.test(await ada.textContent('#status')));
  const bob = await open('Bob');
  const right = ['the downbeat', 'deadlines', 'what it wants'];
  for (const answer of right) {
    await ada.getByRole('button', { name: answer, exact: true }).click({ timeout: 30_000 });
    await until('own choice is shown', () => ada.locator('button[aria-pressed=true]').count());
    assert.equal(await bob.locator('button[aria-pressed=true]').count(), 0, 'and to nobody else');
    await bob.locator('button.right').waitFor({ timeout: 30_000 });
    await ada.screenshot({ path: `${pictures}duel.png` });
  }
  await until('the end', async () => /Ada wins/.test(await bob.textContent('#question')));
  assert.match(await bob.textContent('#scores'), /Ada: 3 · Bob: 0/);
  assert.deepEqual(wrongs, []);
});
