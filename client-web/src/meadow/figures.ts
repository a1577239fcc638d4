/** The overlay of figures: what the line and the picture are doing. */
import type { Client } from '../sdk/index.ts';
import type { meadow } from '../games/meadow.ts';
import { element } from './hud.ts';

const EVERY_MS = 500;
/** Rates are taken over this long. */
const WINDOW_MS = 3_000;

export class Figures {
  private readonly client: Client<typeof meadow>;
  private readonly delayTicks: () => number;
  private pictures: number[] = [];
  private ticks: number[] = [];
  private bytes: { at: number; total: number }[] = [];

  constructor(client: Client<typeof meadow>, delayTicks: () => number) {
    this.client = client;
    this.delayTicks = delayTicks;
    client.on('frame', () => this.ticks.push(performance.now()));
    element('stats-toggle').onclick = () => this.toggle();
    addEventListener('keydown', (event) => {
      if (event.code !== 'F3') return;
      event.preventDefault();
      this.toggle();
    });
    setInterval(() => this.show(), EVERY_MS);
  }

  handlePicture(now: number): void {
    this.pictures.push(now);
    if (this.pictures.length > 240) this.pictures.shift();
  }

  /** Pictures per second over the last second. */
  fps(): number {
    const now = performance.now();
    return this.pictures.filter((at) => now - at <= 1_000).length;
  }

  /** Returns false if it was not open. */
  hide(): boolean {
    if (element('stats').hidden) return false;
    this.toggle();
    return true;
  }

  private toggle(): void {
    const stats = element('stats');
    stats.hidden = !stats.hidden;
    const button = element('stats-toggle');
    button.setAttribute('aria-expanded', String(!stats.hidden));
    button.ariaLabel = stats.hidden ? 'Show figures' : 'Hide figures';
    this.show();
  }

  private show(): void {
    const { client } = this;
    const now = performance.now();
    this.ticks = this.ticks.filter((at) => now - at <= WINDOW_MS);
    this.bytes.push({ at: now, total: client.bytesReceived });
    while (this.bytes.length > 2 && now - this.bytes[0]!.at > WINDOW_MS) this.bytes.shift();
    if (element('stats').hidden) return;
    const first = this.bytes[0]!;
    const seconds = (now - first.at) / 1000;
    const bytesPerSecond = seconds > 0 ? (client.bytesReceived - first.total) / seconds : 0;
    const rows: [string, string][] = [
      ['Ping', client.rtt === null ? '–' : `${client.rtt < 10 ? client.rtt.toFixed(1) : Math.round(client.rtt)} ms`],
      ['Frames', `${(this.ticks.length / (WINDOW_MS / 1000)).toFixed(1)} of ${client.view.tickRateHz} /s`],
      ['Delay', `${this.delayTicks().toFixed(1)} ticks`],
      ['Pictures', `${this.fps()} /s`],
      ['Entities', String(client.view.entities.size)],
      ['Received', bytesPerSecond < 1000 ? `${Math.round(bytesPerSecond)} B/s` : `${(bytesPerSecond / 1000).toFixed(1)} kB/s`],
    ];
    element('stats').replaceChildren(
      ...rows.flatMap(([name, value]) => {
        const term = document.createElement('dt');
        term.textContent = name;
        const figure = document.createElement('dd');
        figure.textContent = value;
        return [term, figure];
      }),
    );
  }
}
