/** The page around the canvas. Text of other players goes in as text only, never as markup. */
import type { ConnectionState } from '../sdk/index.ts';
import type { Shared } from '../games/meadow.ts';
import { EMOTE_NAMES, EMOTES } from './emotes.ts';
import { noticeOf, pillText, type Notice } from './words.ts';

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

const FEED_LINES_MAX = 4;
const FEED_MS = 5_000;

export class Hud {
  private readonly onAction: (action: Notice['action']) => void;
  private shown = '';
  private action: Notice['action'] = 'Try again';

  constructor(emote: (emote: number) => void, onAction: (action: Notice['action']) => void) {
    this.onAction = onAction;
    EMOTES.forEach((glyph, i) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.append(glyph);
      const key = document.createElement('kbd');
      key.append(String(i + 1));
      key.ariaHidden = 'true';
      button.append(key);
      button.ariaLabel = `${EMOTE_NAMES[i]} (key ${i + 1})`;
      button.onclick = () => emote(i);
      element('emotes').append(button);
    });
    const top = element('top-toggle');
    const unfold = (open: boolean) => top.setAttribute('aria-expanded', String(open));
    top.onclick = () => unfold(top.getAttribute('aria-expanded') !== 'true');
    unfold(innerWidth > 640);
    addEventListener('keydown', ({ key }) => key === 'Tab' && document.documentElement.classList.add('tabs'));
    addEventListener('pointerdown', () => document.documentElement.classList.remove('tabs'));
    element('notice-action').onclick = () => this.onAction(this.action);
  }

  showGame(playing: boolean): void {
    element('hud').hidden = !playing;
    element('start').hidden = playing;
  }

  showState(state: ConnectionState): void {
    const pill = element('status');
    const text = pillText(state);
    pill.dataset.state = state.type;
    element('status-row').hidden = state.type === 'idle';
    this.showStart(state);
    element('status-row').classList.toggle('quiet', state.type === 'open');
    if (element('status-text').textContent !== text) {
      element('status-text').textContent = text;
      if (state.type !== 'idle') this.announce(text);
    }
    if (state.type === 'closed') this.showNotice(noticeOf(state.code, state.reason));
    else element('notice').hidden = true;
  }

  /** What the start panel says while the first picture is still on its way. */
  private showStart(state: ConnectionState): void {
    const waits = state.type === 'connecting' || state.type === 'open' || state.type === 'reconnecting';
    element<HTMLButtonElement>('enter').disabled = waits;
    element('enter').textContent = waits ? 'Entering…' : 'Enter';
    element('start-note').textContent = state.type === 'reconnecting' ? 'The server cannot be reached yet; trying again…' : '';
  }

  showNotice(notice: Notice): void {
    this.action = notice.action;
    element('notice-title').textContent = notice.title;
    element('notice-text').textContent = notice.text;
    element('notice-action').textContent = notice.action;
    element('notice').hidden = false;
    element('notice-action').focus();
  }

  showScore(own: number, shared: Shared | null, ownName: string): void {
    const key = JSON.stringify([own, shared?.picked, shared?.top, ownName]);
    if (key === this.shown) return;
    this.shown = key;
    element('score-own').textContent = own.toLocaleString('en');
    element('score-label').textContent = own === 1 ? 'point' : 'points';
    element('score-all').textContent = (shared?.picked ?? 0).toLocaleString('en');
    element('top').hidden = !shared?.top.length;
    element('top-list').replaceChildren(
      ...(shared?.top ?? []).map(({ name, score }) => {
        const line = document.createElement('li');
        const who = document.createElement('span');
        who.textContent = name;
        const points = document.createElement('b');
        points.textContent = score.toLocaleString('en');
        line.append(who, points);
        line.classList.toggle('own', name === ownName);
        return line;
      }),
    );
  }

  /** The flower beside the score turns once. */
  cheer(): void {
    const petal = document.querySelector('.petal')!;
    petal.classList.remove('cheer');
    // Reading a size makes the browser notice that the class was gone.
    void petal.clientWidth;
    petal.classList.add('cheer');
  }

  feed(text: string): void {
    const line = document.createElement('p');
    line.textContent = text;
    const feed = element('feed');
    feed.append(line);
    while (feed.childElementCount > FEED_LINES_MAX) feed.firstElementChild!.remove();
    setTimeout(() => line.remove(), FEED_MS);
    this.announce(text);
  }

  announce(text: string): void {
    element('announcer').textContent = text;
  }

  stick(at: { x: number; y: number; dx: number; dy: number } | null): void {
    const stick = element('stick');
    stick.hidden = at === null;
    if (!at) return;
    stick.style.left = `${at.x}px`;
    stick.style.top = `${at.y}px`;
    (stick.firstElementChild as HTMLElement).style.transform = `translate(${at.dx}px, ${at.dy}px)`;
  }
}
