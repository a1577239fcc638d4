// A page that was built for other types than the server's: it says so, and is loaded anew once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { browser, freePort, serve, until } from './server.mjs';

/** As the page has it: the bundler writes the number in decimal digits. */
const schema = Number(/schema: (0x[0-9a-f]{8})/.exec(readFileSync(new URL('../../client-web/src/games/meadow.ts', import.meta.url), 'utf8'))[1]);
let port, server, chromium;

before(async () => {
  port = await freePort();
  server = await serve(port);
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** A page in which the schema's hash may be another one. */
async function open(isStale) {
  const page = await chromium.newPage();
  page.loads = 0;
  page.changed = 0;
  page.on('load', () => (page.loads += 1));
  await page.route('**/assets/*.js', async (route) => {
    const response = await route.fetch();
    const source = await response.text();
    if (source.includes(`${schema}`)) page.changed += 1;
    await route.fulfill({ response, body: isStale() ? source.replaceAll(`${schema}`, `${(schema ^ 1) >>> 0}`) : source });
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  return page;
}

const enter = async (page) => {
  await page.fill('#name', 'Ada');
  await page.click('#enter');
};

test('a page of other types is reloaded once, and says then what is wrong', async () => {
  const page = await open(() => true);
  await enter(page);
  await until('it is loaded anew', () => page.loads === 2, 10);
  assert.ok(page.changed >= 2, 'the hash was found in the page');
  await enter(page);
  await page.getByRole('alertdialog').waitFor({ timeout: 10_000 });
  assert.match(await page.textContent('#notice'), /This page is out of date.*another version of the server.*Reload the page/s);
  assert.deepEqual(await page.evaluate(() => window.__downbeat.state().code), 4009);
  await page.waitForTimeout(1_000);
  assert.equal(page.loads, 2, 'no loop');
  await page.close();
});

test('a page that was only old is right after it was reloaded', async () => {
  let isStale = true;
  const page = await open(() => isStale);
  isStale = false;
  await enter(page);
  await until('it is loaded anew', () => page.loads === 2, 10);
  await enter(page);
  await until('it plays', () => page.evaluate(() => window.__downbeat.me()));
  assert.equal(page.loads, 2);
  await page.close();
});
