// The chat's page: people talk, hostile text stays text, moderators moderate.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { browser, freePort, serve, until } from './server.mjs';

const pictures = fileURLToPath(new URL('../output/', import.meta.url));
let port, server, chromium;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  port = await freePort();
  server = await serve(port);
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

async function join(name, room) {
  const page = await chromium.newPage({ viewport: { width: 1000, height: 640 } });
  page.wrongs = [];
  page.on('pageerror', (error) => page.wrongs.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.wrongs.push(message.text()));
  page.on('dialog', (dialog) => (page.wrongs.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.goto(`http://127.0.0.1:${port}/chat/?debug&room=${room}`);
  await page.fill('#name', name);
  await page.click('#start button');
  await until(`${name} is in`, () => page.locator('#people li .mark', { hasText: 'you' }).count());
  return page;
}

async function say(page, text) {
  await page.fill('#text', text);
  await page.click('#say button[type=submit]');
}

const lines = (page) => page.locator('#lines li.line .text').allTextContents();
const person = (page, name) => page.locator('#people li', { has: page.getByRole('button', { name, exact: true }) });

/** Markup that would run, load or break something if it were taken for such. */
const HOSTILE = [
  '<script>window.pwned = 1</script>',
  '<img src=x onerror="window.pwned = 1">',
  '"><svg onload=window.pwned=1>',
  '</li></ol><h1 id=broken>broken</h1>',
  "javascript:window.pwned=1 ${window.pwned=1} {{window.pwned=1}} %3Cscript%3E",
];

test('people talk, see who is here and who writes', async () => {
  const ada = await join('Ada', 'talk');
  const bob = await join('Bob', 'talk');
  await until('both are listed', async () => (await ada.locator('#people li').count()) === 2);
  assert.ok(await ada.locator('#silence').isVisible());
  await bob.locator('#text').pressSequentially('hel');
  await until('it is seen to write', async () => (await ada.textContent('#typing')) === 'Bob is writing…');
  await say(bob, 'hello Ada');
  await until('it is heard', async () => (await lines(ada)).includes('hello Ada'));
  await person(ada, 'Bob').locator('.person').click();
  await say(ada, 'just for you');
  await until('it is heard alone', async () => (await bob.locator('#lines li.direct .text').allTextContents()).includes('just for you'));
  assert.deepEqual(await lines(bob), ['hello Ada']);
  assert.ok(await ada.locator('#silence').isHidden());
  await ada.press('#text', 'Escape');
  assert.ok(await ada.locator('#to').isHidden(), 'for all again');
  await ada.screenshot({ path: `${pictures}chat.png` });
  await bob.close();
  await until('who closed the page is gone', async () => (await ada.locator('#people li').count()) === 1);
  assert.deepEqual([...ada.wrongs, ...bob.wrongs], []);
  assert.equal(await ada.evaluate(() => window.__downbeat.mismatches()), 0);
  await ada.close();
});

test('a server that is started anew is another room, and the page shows what is said there', async () => {
  const ada = await join('Ada', 'again');
  const bob = await join('Bob', 'again');
  for (const text of ['one', 'two']) await say(ada, text);
  await until('both are heard', async () => (await lines(bob)).length === 2);
  await person(ada, 'Bob').locator('.person').click();
  // She comes back when something has been said already.
  await ada.context().setOffline(true);
  await server.stop();
  await until('it is told', () => ada.locator('#status', { hasText: 'Not connected' }).count());
  await say(ada, 'while away');
  assert.equal(await ada.inputValue('#text'), 'while away', 'what cannot be said is kept');
  server = await serve(port);
  await until('Bob is back', async () => (await bob.locator('#people li').count()) === 1 && !(await bob.textContent('#status')));
  await say(bob, 'three');
  await until('it is said', async () => (await lines(bob)).join() === 'three');
  await ada.context().setOffline(false);
  await until('Ada is back', async () => (await bob.locator('#people li').count()) === 2 && !(await ada.textContent('#status')));
  // Whose number it was is not known any more: what was for Bob alone might reach anybody.
  assert.ok(await ada.locator('#to').isHidden());
  await until('only what is said here is there', async () => (await lines(ada)).join() === 'three');
  await ada.close();
  await bob.close();
});

test('hostile names and texts are shown as what they are', async () => {
  const evil = await join('<b onclick=x>Evil', 'hostile');
  const ada = await join('Ada', 'hostile');
  for (const text of HOSTILE) await say(evil, text);
  await until('all of it is there', async () => (await lines(ada)).length === HOSTILE.length);
  assert.deepEqual(await lines(ada), HOSTILE);
  assert.equal(await ada.evaluate(() => window.pwned), undefined);
  assert.equal(await ada.locator('#lines script, #lines img, #lines svg, #lines b, #people b, #broken').count(), 0);
  assert.equal(await ada.locator('#lines li.line .name').first().textContent(), '<b onclick=x>Evil');
  // Whoever comes later gets it from the room's memory, and it is text there too.
  const late = await join('Late', 'hostile');
  await until('the late one reads it', async () => (await lines(late)).length === HOSTILE.length);
  assert.equal(await late.evaluate(() => window.pwned), undefined);
  assert.deepEqual([...ada.wrongs, ...evil.wrongs, ...late.wrongs], []);
  for (const page of [evil, ada, late]) await page.close();
});

test('the eldest mutes and throws out', async () => {
  const ada = await join('Ada', 'order');
  const bob = await join('Bob', 'order');
  await person(ada, 'Bob').locator('.mute').click();
  await until('Bob is told', async () => (await person(bob, 'Bob').locator('.mark').textContent()).includes('muted'));
  await until('the button is in use still', () => ada.locator('#people .mute:focus', { hasText: 'Unmute' }).count());
  await say(bob, 'unheard');
  await until('Bob is told why', async () => (await bob.textContent('#note')).includes('muted'));
  assert.equal(await bob.inputValue('#text'), 'unheard', 'what was refused may be said later');
  assert.deepEqual(await lines(ada), []);
  await person(ada, 'Bob').locator('.kick').click();
  await until('Bob reads why', async () => (await bob.textContent('#start-note')).includes('thrown out'));
  assert.equal(await bob.locator('#people li .kick').count(), 0, 'Bob moderates nobody');
  await bob.reload();
  await bob.fill('#name', 'Robert');
  await bob.click('#start button');
  await until('he is known again', async () => (await bob.textContent('#start-note')).includes('come back later'));
  await ada.close();
  await bob.close();
});
