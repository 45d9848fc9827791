// Follows /api/events: the snapshot, then its changes. Reconnects by itself when the link is lost. The first snapshot
// comes with the page, where whoever opens it may read that.
import { Failed, ask, read } from "./api.js";
import { apply } from "./apply.js";
import { events } from "./sse.js";
import { changed, store } from "./store.js";

const HEARTBEAT = 3; // seconds; two missed ones mean that the link is lost
const PAUSES = [300, 1000, 2000, 4000];

/** Take what came with the page. */
export function begin() {
  const told = document.getElementById("state");
  if (!told) return;
  take(JSON.parse(told.textContent));
  told.remove();
}

export async function follow() {
  for (let lost = 0; ; lost++) {
    try {
      await followOnce(() => (lost = 0));
    } catch (error) {
      if (error.status === 401 || error.code === "auth.not_allowed") {
        await refused(error.message);
        continue;
      }
      if (!(error instanceof Failed) && error.name !== "AbortError" && error.name !== "TypeError") throw error;
    }
    if (store.link !== "lost") {
      store.link = "lost";
      store.lostAt = Date.now() / 1000;
      changed();
    }
    await new Promise((then) => setTimeout(then, PAUSES[Math.min(lost, PAUSES.length - 1)]));
  }
}

/** Without a key that may read, hal0 is not asked again before the person wants it. */
async function refused(message) {
  await new Promise((again) => {
    store.link = "refused";
    store.refusal = { message, again };
    changed();
  });
  store.link = "connecting";
  store.refusal = null;
  changed();
}

async function followOnce(onLive) {
  const stopped = new AbortController();
  let silent = setTimeout(() => stopped.abort(), 15000);
  try {
    const response = await ask(`/api/events?heartbeat=${HEARTBEAT}`, { signal: stopped.signal, orOtherKey: true });
    for await (const { event, data } of events(response)) {
      clearTimeout(silent);
      silent = setTimeout(() => stopped.abort(), HEARTBEAT * 2500);
      if (event === "snapshot") {
        take(JSON.parse(data));
        onLive();
      } else if (event === "change") {
        take(apply(store.snapshot, JSON.parse(data)));
      }
    }
  } finally {
    clearTimeout(silent);
    stopped.abort();
  }
}

function take(snapshot) {
  const at = Date.now() / 1000;
  for (const slot of snapshot.slots) {
    if (slot.progress && slot.progress.seen === undefined) slot.progress.seen = at;
  }
  store.snapshot = snapshot;
  store.link = "live";
  changed();
  lookAtFits();
}

let fitsDue = false;
let fitsWanted = 0;

/** Views that show what fits call this while they are on screen; returns a function that stops it. */
export function wantFits() {
  fitsWanted++;
  lookAtFits();
  return () => fitsWanted--;
}

/** What fits depends on the whole snapshot, by hal0's own arithmetic: ask again, but not too often. */
function lookAtFits() {
  if (fitsDue || !fitsWanted) return;
  fitsDue = true;
  setTimeout(async () => {
    fitsDue = false;
    const revision = store.snapshot?.revision;
    if (store.fits?.revision === revision) return;
    try {
      const told = await read("/api/models", { noLogin: true });
      store.fits = { revision, models: new Map(told.models.map((model) => [model.id, model])) };
      changed();
      if (store.snapshot.revision !== revision) lookAtFits();
    } catch (error) {
      if (!(error instanceof Failed)) throw error; // the event stream will say that the link is lost
    }
  }, store.fits ? 700 : 0);
}
