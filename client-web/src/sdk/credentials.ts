/**
 * What a client shows to be let in: the token of a session that it goes on with, else a ticket, else
 * nothing.
 *
 * In: welcomes, and how handshakes ended. Out: one word for the next handshake. A token that the
 * server does not take is given up only when the server is there and has said so twice: a line that
 * is down refuses nobody.
 */

export interface CredentialOptions {
  /** Brings a one-use ticket; asked before each join, never before a session is resumed. */
  ticket?: () => Promise<string>;
  /** Fetches tickets from `/api/ticket` by itself: for pages whose users have a session there. */
  session?: boolean;
  /** `tab`: the session outlives a reload of the page, in the same tab and there alone. */
  keep?: 'tab';
}

/** A ticket was refused: to ask again would end the same way. */
export class NotAdmitted extends Error {}

/** Handshakes with a token that fail while the server is there, before the token is given up. */
const REFUSALS_MAX = 2;
/** What may stand in the header of a handshake. */
const WORD = /^[A-Za-z0-9._~-]{1,512}$/;

export class Credentials {
  /** What was shown last was the token of a session. */
  resuming = false;

  private readonly options: CredentialOptions;
  private readonly url: string;
  private path = '';
  private token = '';
  private refusals = 0;

  /** `url` is the server's, like `wss://example.com`. */
  constructor(options: CredentialOptions, url: string) {
    this.options = options;
    this.url = url;
  }

  /** Another room: what belonged to the one before is forgotten. */
  enter(game: string, room: string): void {
    this.path = `${game}/${room}`;
    this.token = this.options.keep === 'tab' ? takeKept(this.key) : '';
    this.refusals = 0;
  }

  /** What to show now; null to come as nobody. Rejects with `NotAdmitted`, or because of the line. */
  show(): string | null | Promise<string> {
    this.resuming = this.token !== '';
    if (this.resuming) return `resume.${this.token}`;
    const { ticket, session } = this.options;
    if (ticket) return asTicket(ticket());
    return session ? asTicket(this.fetchTicket()) : null;
  }

  handleWelcome(token: string): void {
    this.token = WORD.test(token) ? token : '';
    this.refusals = 0;
  }

  /** The handshake has failed; nobody tells a page why. */
  handleRefused(): void {
    if (!this.resuming) return;
    const { token } = this;
    const count = (isThere: boolean) => {
      if (!isThere || token !== this.token) return;
      this.refusals += 1;
      if (this.refusals >= REFUSALS_MAX) this.forget();
    };
    isServerThere(this.url).then(count, () => {});
  }

  /** The session is over. */
  forget(): void {
    this.token = '';
    this.refusals = 0;
  }

  /** The page goes: whether its session is kept for the next one. */
  handlePageGone(): boolean {
    return this.options.keep === 'tab' && this.token !== '' && keep(this.key, this.token);
  }

  private get key(): string {
    return `downbeat:resume:${this.url}/${this.path}`;
  }

  private async fetchTicket(): Promise<string> {
    const [game, room] = this.path.split('/');
    const response = await fetch(`${httpOf(this.url)}/api/ticket`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ game, room }),
      credentials: 'same-origin',
    });
    if (response.ok) return ((await response.json()) as { ticket: string }).ticket;
    if (response.status === 429 || response.status >= 500) throw new Error(`no ticket at the moment (${response.status})`);
    throw new NotAdmitted(response.status === 401 ? 'not signed in' : `no ticket (${response.status})`);
  }
}

async function asTicket(ticket: Promise<string>): Promise<string> {
  const word = await ticket;
  if (!WORD.test(word)) throw new NotAdmitted('the ticket is none');
  return `ticket.${word}`;
}

/** Whether a server answers at all, whatever it says. */
async function isServerThere(url: string): Promise<boolean> {
  await fetch(`${httpOf(url)}/healthz`, { mode: 'no-cors', cache: 'no-store' });
  return true;
}

function httpOf(url: string): string {
  return url.replace(/^ws/, 'http');
}

/** What an earlier page of this tab has kept. It is taken out: a copy of the tab finds nothing. */
function takeKept(key: string): string {
  try {
    const token = sessionStorage.getItem(key) ?? '';
    sessionStorage.removeItem(key);
    return WORD.test(token) ? token : '';
  } catch {
    return ''; // a page may be forbidden to store anything
  }
}

function keep(key: string, token: string): boolean {
  try {
    sessionStorage.setItem(key, token);
    return true;
  } catch {
    return false;
  }
}
