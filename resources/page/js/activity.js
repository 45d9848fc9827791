// The requests' records, newest first: what was kept, then each as it ends. The page holds only the latest.
import { Failed, ask, events, read } from "./shared.js";

export const MOST = 500;
export const PAGE = 100;
const PAUSE = 2000; // ms before a lost stream is asked for again

/** What was kept, newest first: {requests, next, problem, bodies, …}; `filter` is {slot, failed}. */
export function kept(filter, more = {}, options = {}) {
  const words = new URLSearchParams({ limit: PAGE, ...more });
  if (filter.slot) words.set("slot", filter.slot);
  if (filter.failed) words.set("failed", "true");
  return read(`/api/activity?${words}`, options);
}

/** Delete every record. */
export async function forget() {
  await ask("/api/activity", { method: "DELETE" });
}

/** `fresh` and `old` together, newest first, each record once, the newest `most` of them. Pure. */
export function merged(fresh, old, most) {
  const known = new Set(fresh.map((record) => record.id));
  return [...fresh, ...old.filter((record) => !known.has(record.id))].sort((a, b) => b.id - a.id).slice(0, most);
}

/** Whether a record is one that `filter` {slot, failed} asks for, as hal0 itself would say. Pure. */
export function isAskedFor(record, filter) {
  return (!filter.slot || record.slot === filter.slot) && (!filter.failed || record.failed);
}

/** Whether `text` stands in what is known of a record. Pure. */
export function says(record, text) {
  const wanted = text.trim().toLowerCase();
  const said = [record.model, record.asked, record.client, record.agent, record.key, record.path, record.code, record.error, record.status, record.request];
  return !wanted || said.some((value) => String(value ?? "").toLowerCase().includes(wanted));
}

/** Who asked, in a word: the key's name; of this computer's programs, which all have one address, the program. Pure. */
export function who(record) {
  const isHere = record.client === "127.0.0.1" || record.client === "::1";
  const [program] = (record.agent || "").split(/[/ ]/);
  return record.key || (isHere && program ? (program === "Mozilla" ? "browser" : program) : record.client);
}

/** [{what, s}]: what happened when, in seconds from the arrival; as hal0 itself says it of a record that is kept. Pure. */
export function timeline(record) {
  const { decided_s: decided, waited_s: waited } = record;
  const last = record.outcome === "answered" ? "last byte" : record.outcome;
  const steps = [["arrived", 0], ["read", record.read_s], ["queued", decided],
    [`switch ${record.switch}`, record.switch ? decided : null],
    ["taken", waited === null ? null : (decided ?? 0) + waited], ["first byte", record.first_byte_s], [last, record.total_s]];
  return steps.filter(([, at]) => at !== null).map(([what, s]) => ({ what, s }));
}

/** Tell `onTold({requests, missed, …})` of what was kept, then of each batch, until `signal`. Throws Failed where
    this hal0 keeps no records. */
export async function followActivity(filter, signal, onTold) {
  for (;;) {
    try {
      const response = await ask("/api/events?activity=true", { signal }); // first, so that nothing is missed
      onTold(await kept(filter, {}, { signal }));
      for await (const { event, data } of events(response)) {
        if (event === "activity") onTold(asked(JSON.parse(data), filter));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error.status) throw error;
      if (!(error instanceof Failed) && error.name !== "TypeError") throw error;
    }
    if (signal.aborted) return;
    await new Promise((then) => setTimeout(then, PAUSE));
  }
}

/** The stream tells of all. */
function asked(told, filter) {
  return { ...told, requests: told.requests.filter((record) => isAskedFor(record, filter)) };
}
