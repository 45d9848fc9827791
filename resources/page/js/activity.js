// The requests' records, newest first: what was kept, then each as it ends. The page holds the last ones only.
import { Failed, ask, read } from "./api.js";
import { events } from "./sse.js";

export const MOST = 500;
const PAUSE = 2000; // ms before a lost stream is asked for again

/** GET /api/activity's words for a filter {slot, failed, text}; the text is looked for here. */
export function query(filter, more = {}) {
  const words = new URLSearchParams();
  if (filter.slot) words.set("slot", filter.slot);
  if (filter.failed) words.set("failed", "true");
  for (const [name, value] of Object.entries(more)) words.set(name, value);
  return words;
}

/** `fresh` (newest first) before `old`, each record once, the newest MOST of them. Pure. */
export function merged(fresh, old, most = MOST) {
  const known = new Set(fresh.map((record) => record.id));
  return [...fresh, ...old.filter((record) => !known.has(record.id))].sort((a, b) => b.id - a.id).slice(0, most);
}

export function matches(record, filter) {
  if (filter.slot && record.slot !== filter.slot) return false;
  if (filter.failed && !record.failed) return false;
  const wanted = filter.text.trim().toLowerCase();
  const said = [record.model, record.asked, record.client, record.agent, record.key, record.path, record.code, record.status, record.request];
  return !wanted || said.some((value) => String(value ?? "").toLowerCase().includes(wanted));
}

/** Tell `onRecords(list, missed)` of each batch until `signal`; first what was kept. Throws Failed. */
export async function followActivity(filter, signal, onRecords) {
  for (;;) {
    try {
      const response = await ask(`/api/activity/events?${query(filter)}`, { signal });
      const { records } = await read(`/api/activity?${query(filter, { limit: 100 })}`, { signal });
      onRecords(records, 0);
      for await (const { event, data } of events(response)) {
        if (event !== "records") continue;
        const told = JSON.parse(data);
        onRecords(told.records, told.missed);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 404) throw error;
      if (!(error instanceof Failed) && error.name !== "TypeError" && error.name !== "AbortError") throw error;
    }
    if (signal.aborted) return;
    await new Promise((then) => setTimeout(then, PAUSE));
  }
}
