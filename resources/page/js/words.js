// Numbers and states in words, as the window says them. Pure.

/** Bytes of RAM or VRAM: "870 MiB", "1.5 GiB". */
export function memorySize(bytes) {
  return bytes > 0 ? told(bytes, 1024, ["bytes", "KiB", "MiB", "GiB"]) : "0 MiB";
}

/** Bytes of a file: "170 KB", "17.8 GB". */
export function fileSize(bytes) {
  return told(bytes, 1000, ["B", "KB", "MB", "GB", "TB"]);
}

function told(bytes, step, units) {
  let amount = Math.max(0, bytes);
  let index = 0;
  while (index < units.length - 1 && Math.round(amount) >= step) {
    amount /= step;
    index++;
  }
  const decimals = "GT".includes(units[index][0]) || (index && amount < 9.95) ? 1 : 0;
  return `${amount.toFixed(decimals).replace(/\.0$/, "")} ${units[index]}`;
}

const TURNING = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name that is written from right to left, or has signs that turn what follows, as it stands among other words: they
    stay where they are. Others are returned as they are. */
export function isolated(name) {
  return TURNING.test(name) ? `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069` : name;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

export function ago(seconds, now = Date.now() / 1000) {
  return duration(Math.max(0, now - seconds));
}

/** "14:02" or "02:02 PM", as is usual where the browser is. */
export function timeOfDay(seconds, options = {}) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...options });
}

export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const today = new Date().toDateString() === at.toDateString();
  const time = timeOfDay(seconds);
  return today ? time : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}

/** "0.3 ms", "310 ms", "2.5 s"; "–" where it is not known. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds >= 0.9995) return `${seconds.toFixed(1)} s`;
  return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0).replace(/\.0$/, "")} ms`;
}

/** "14:02:07" or "02:02:07 PM" of today, else "27 Nov 14:02". */
export function moment(seconds) {
  const at = new Date(seconds * 1000);
  if (new Date().toDateString() !== at.toDateString()) return clock(seconds);
  return timeOfDay(seconds, { second: "2-digit" });
}

export function tokens(count) {
  return count >= 10000 ? `${Math.round(count / 1024)}k` : `${count}`;
}

export const STATES = {
  unloaded: "Unloaded",
  queued: "Queued",
  draining: "Draining",
  stopping: "Stopping",
  starting: "Starting",
  loading: "Loading",
  warming: "Warming up",
  ready: "Ready",
  failed: "Error",
};

/** The chip: "Ready", "Busy (2)", "Loading 45%". */
export function stateWords(slot, share) {
  const word = STATES[slot.state] || slot.state;
  if (slot.state === "ready" && slot.in_flight) return `Busy (${slot.in_flight})`;
  if (slot.state === "queued" && slot.queued) return `${word} (${slot.queued})`;
  if (slot.state === "draining" && slot.in_flight) return `${word} (${slot.in_flight})`;
  return share === null ? word : `${word} ${share}%`;
}

export function tone(slot) {
  if (slot.state === "failed") return "bad";
  if (slot.state === "ready") return "good";
  return slot.state === "unloaded" ? "quiet" : "busy";
}

/** "GPU 1" or "GPU 0 + 1", as the driver counts them. */
export function gpus(numbers) {
  return `GPU ${numbers.join(" + ")}`;
}

/** Of which of several GPUs a slot holds memory: " of GPU 1"; "" where there is one. */
export function holdsOf(slot) {
  const held = slot.memory_by_device || [];
  const numbers = held.flatMap((size, number) => size > 0 ? [number] : []);
  return held.length > 1 && numbers.length ? ` of ${gpus(numbers)}` : "";
}

/** What /api/models says of a model in a slot: {words, short, evict}. */
export function fitWords(found, needs) {
  if (!found?.fit) return { words: "", short: false, evict: [] };
  const { fit, margin, evict = [] } = found; // without a particular slot, nothing is known to make room
  if (fit === "short") {
    const needed = needs ? `needs ${memorySize(needs)}, ` : "";
    return { words: `${needed}${memorySize(margin)} short`, short: true, evict };
  }
  const parts = [fit === "tight" ? "tight" : "fits"];
  if (evict.length) parts.push(`unloads ${evict.join(" and ")}`);
  if (found.gpus?.length) parts.push(gpus(found.gpus));
  return { words: parts.join(", "), short: false, evict };
}
