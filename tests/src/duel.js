import { connect } from '/downbeat/client.js';
import { duel } from '/downbeat/types/duel.js';

const page = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const client = connect({ game: duel, name: query.get('name') ?? '' });

client.on('state', (state) => { if (state.type !== 'open') page('status').textContent = state.reason ?? state.type; });
client.on('event', (won) => { page('question').textContent = won.value ? `${won.value} wins` : 'A draw'; });
client.on('frame', () => {
  const { shared, private: mine } = client.view;
  const { phase } = shared;
  page('status').textContent = phase.type === 'Waiting' ? `${client.view.name}, wait for another player` : `you are ${client.view.name}`;
  page('question').textContent = shared.question;
  page('scores').textContent = shared.scores.map(([name, points]) => `${name}: ${points}`).join(' · ');
  page('choices').replaceChildren(...shared.choices.map((text, number) => {
    const button = document.createElement('button');
    button.textContent = text; // never innerHTML: names and texts are other people's
    button.disabled = phase.type !== 'Asking' || mine.chosen !== null;
    button.onclick = () => client.input(number);
    if (mine.chosen === number) button.ariaPressed = 'true';
    if (phase.type === 'Revealed' && phase.value === number) button.className = 'right';
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
});
client.join(query.get('room') ?? 'main');
