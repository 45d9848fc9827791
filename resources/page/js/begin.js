// Asks for the state while the rest of the page is still loading (events.js takes over from there).
{
  const stopped = new AbortController();
  const options = { credentials: "same-origin", cache: "no-store", signal: stopped.signal };
  const response = fetch("/api/events?heartbeat=3", options);
  response.catch(() => {}); // whoever uses it handles the error
  globalThis.hal0Begun = { stopped, response };
}
