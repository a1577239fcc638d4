// A server of the shipped games on ports of its own, and a browser to look at it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { chromium } = createRequire(`${root}/client-web/package.json`)('playwright-core');

/** A program that `cargo build` has made. */
export const binary = (name) => `${process.env.CARGO_TARGET_DIR ?? `${root}/target`}/debug/${name}`;

/** Waits until `look` answers something true, and answers that. */
export async function until(what, look, seconds = 30) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Starts a server and answers how to stop it. */
export async function serve(port, program = binary('downbeat')) {
  const child = spawn(program, ['serve', '--listen', `127.0.0.1:${port}`, '--admin', 'off'], { stdio: 'ignore' });
  const ended = new Promise((done) => child.once('exit', done));
  await until('the server is ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok);
  return {
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Bots in a room, until they are stopped. */
export function bots(port, room, clients, game = 'meadow') {
  const url = `ws://127.0.0.1:${port}`;
  const child = spawn(binary('downbeat'), ['load', '--url', url, '--game', game, '--room', room, '--clients', `${clients}`, '--duration', '10m', '--quiet'], { stdio: 'ignore' });
  return () => child.kill('SIGINT');
}

export function browser(flags = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', ...flags],
  });
}
