// A page of another site, in a browser that is signed in here: nothing that it tries gets in.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, freePort, serve, until } from './server.mjs';

const evil = 'http://evil.example';
let port, server, chromium, context;

before(async () => {
  port = await freePort();
  server = await serve(port);
  // The browser's own wall before private addresses is taken down: the server must do without it.
  chromium = await browser(['--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights']);
  context = await chromium.newContext();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** Tries, in a page, to open a WebSocket; whether it opened. */
const opens = (page, protocols) =>
  page.evaluate(
    ([url, protocols]) =>
      new Promise((done) => {
        const socket = new WebSocket(url, protocols);
        socket.onopen = () => (socket.close(), done(true));
        socket.onerror = () => done(false);
      }),
    [`ws://127.0.0.1:${port}/ws/meadow/vault`, protocols],
  );

/** Asks in a page, as it may; what came of it that the page can read. */
const asks = (page, path, options) =>
  page.evaluate(
    ([url, options]) =>
      fetch(url, { credentials: 'include', ...options }).then(
        async (answer) => ({ status: answer.status, type: answer.type, text: await answer.text() }),
        (error) => ({ error: error.message }),
      ),
    [`http://127.0.0.1:${port}${path}`, options],
  );

const json = { 'Content-Type': 'application/json' };
const vault = JSON.stringify({ game: 'meadow', room: 'vault' });

test('a page of another site gets neither in, nor a ticket, nor a word', async () => {
  // Whom it wants to rob: signed in, and sure that it works from the own page.
  const own = await context.newPage();
  await own.goto(`http://127.0.0.1:${port}/healthz`);
  const guest = await asks(own, '/api/guest', { method: 'POST', headers: json, body: '{}' });
  assert.equal(guest.status, 200, guest.text);
  const me = JSON.parse(guest.text).user.id;
  const cookies = await context.cookies();
  const cookie = cookies.find(({ name }) => name === 'downbeat_session');
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, 'Strict']);
  const ticket = await asks(own, '/api/ticket', { method: 'POST', headers: json, body: vault });
  assert.equal(ticket.status, 200, ticket.text);
  assert.equal(await own.evaluate(() => document.cookie), '', 'no script reads the cookie');

  const page = await context.newPage();
  await page.route(`${evil}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<h1>You have won</h1><iframe name=hidden></iframe>' }));
  const answers = [];
  page.on('response', (answer) => answer.url().includes(`:${port}/`) && answers.push(answer));
  await page.goto(`${evil}/`);

  assert.equal(await opens(page, ['downbeat.v1']), false, 'a socket');
  const stolen = `ticket.${JSON.parse(ticket.text).ticket}`;
  assert.equal(await opens(page, ['downbeat.v1', stolen]), false, 'a socket with a stolen ticket');
  assert.equal(await opens(page, ['downbeat.v1.json']), false, 'a socket in JSON');

  for (const [path, options] of [
    ['/api/session', {}],
    ['/api/ticket', { method: 'POST', headers: json, body: vault }],
    ['/api/ticket', { method: 'POST', headers: { ...json, Authorization: 'Bearer x' }, body: vault }],
    ['/api/ticket', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: vault }],
    ['/api/guest', { method: 'POST', headers: json, body: '{}' }],
    ['/api/logout', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '{"everywhere":true}' }],
    ['/api/rooms', {}],
  ]) {
    const got = await asks(page, path, options);
    assert.ok(got.error, `${path} told ${JSON.stringify(got)}`);
  }
  for (const [path, body] of [['/api/ticket', vault], ['/api/logout', '{"everywhere":true}'], ['/api/guest', '{}']]) {
    const got = await asks(page, path, { method: 'POST', mode: 'no-cors', body });
    assert.equal(got.text ?? '', '', `${path} without permission`);
  }
  // Forms may be sent anywhere; this one looks like JSON.
  for (const path of ['/api/logout', '/api/guest', '/api/ticket', '/api/login']) {
    await page.evaluate(
      ([action]) => {
        const form = document.createElement('form');
        Object.assign(form, { action, method: 'POST', enctype: 'text/plain', target: 'hidden' });
        const field = document.createElement('input');
        Object.assign(field, { name: '{"everywhere":true,"x":"', value: '"}' });
        form.append(field);
        document.body.append(form);
        form.submit();
      },
      [`http://127.0.0.1:${port}${path}`],
    );
    await until(`an answer of ${path}`, () => answers.some((answer) => answer.url().endsWith(path) && answer.request().isNavigationRequest()));
  }
  for (const answer of answers) {
    const headers = answer.headers();
    assert.equal(headers['set-cookie'], undefined, answer.url());
    assert.equal(headers['access-control-allow-origin'], undefined, answer.url());
    if (answer.url().includes('/api/') && !answer.url().endsWith('/api/rooms')) assert.ok(answer.status() >= 400, `${answer.url()}: ${answer.status()}`);
  }

  // The one who was to be robbed is still signed in, as the same one, and gets in.
  const session = await asks(own, '/api/session', {});
  assert.equal(session.status, 200, session.text);
  assert.equal(JSON.parse(session.text).user.id, me);
  assert.doesNotMatch((await asks(own, '/api/rooms', {})).text, /vault/);
  const fresh = JSON.parse((await asks(own, '/api/ticket', { method: 'POST', headers: json, body: vault })).text).ticket;
  assert.equal(await opens(own, ['downbeat.v1', `ticket.${fresh}`]), true, 'its own page gets in');
});
