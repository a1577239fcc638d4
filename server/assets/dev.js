// Served by `downbeat dev` alone: reloads the page when another server has taken over.
const ask = () => fetch('/downbeat/dev').then((answer) => (answer.ok ? answer.text() : null), () => null);
const first = await ask();
setInterval(async () => {
  const now = await ask();
  if (now !== null && now !== first) location.reload();
}, 500);
