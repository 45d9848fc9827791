// The slots of this hal0 and of those it follows, each with the snapshot it is in. Pure.
import { isolated } from "./words.js";

/** [{slot, name, path, snapshot, remote}]; `name` is what requests and orders call it here. */
export function allPlaces(snapshot) {
  const here = snapshot.slots
    .filter((slot) => !slot.name.includes("/"))
    .map((slot) => place(slot, slot.name, snapshot, null));
  const there = snapshot.upstreams
    .filter((upstream) => upstream.remote)
    .flatMap((upstream) =>
      upstream.remote.slots.map((slot) =>
        place(slot, slot.name.startsWith(`${upstream.name}/`) ? slot.name : `${upstream.name}/${slot.name}`,
          upstream.remote, upstream)));
  return [...here, ...there];
}

function place(slot, name, snapshot, remote) {
  return { slot, name, path: `/api/slots/${encodeURIComponent(name)}`, snapshot, remote };
}

export function modelOf(snapshot, id) {
  return snapshot.models.find((model) => model.id === id) || snapshot.models.find((m) => m.aliases.includes(id));
}

export function nameOf(snapshot, id) {
  return titleOf(modelOf(snapshot, id) || { id });
}

export function titleOf(model) {
  return isolated(model.display_name || model.id);
}

export const SWITCHING = new Set(["queued", "draining", "stopping", "starting", "loading", "warming"]);
export const PHASES = ["draining", "stopping", "starting", "loading", "warming"];

export function isSwitching(slot) {
  return SWITCHING.has(slot.state);
}

/** Whether the previous model goes on answering while the next one loads beside it. */
export function overlaps(slot) {
  return PHASES.indexOf(slot.state) >= 2 && slot.loaded.length > 0 && !slot.loaded.includes(slot.target);
}

/** "done", "now", "ahead" or "skipped" for each of PHASES. */
export function marks(slot) {
  const at = PHASES.indexOf(slot.state);
  const before = overlaps(slot) ? "skipped" : "done";
  return PHASES.map((_, n) => {
    if (at < 0) return "ahead";
    return n < Math.min(at, 2) ? before : n < at ? "done" : n === at ? "now" : "ahead";
  });
}

export function percent(slot) {
  const fraction = slot.state === "loading" ? slot.progress?.fraction : null;
  return fraction === null || fraction === undefined ? null : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
}
