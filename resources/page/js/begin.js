// Asks for the state while the rest of the page is still on its way (events.js goes on from there).
{
  const stopped = new AbortController();
  const options = { credentials: "same-origin", cache: "no-store", signal: stopped.signal };
  const response = fetch("/api/events?heartbeat=3", options);
  response.catch(() => {}); // whoever takes it hears of it
  globalThis.hal0Begun = { stopped, response };
}
