// What the page knows, in one place. `snapshot` is hal0's own state object, as the event stream sends it; nobody
// keeps a copy of it. Whoever draws something subscribes and is notified at most once a frame.
import { useLayoutEffect, useState } from "./html.js";

export const store = {
  snapshot: null,
  link: "connecting", // "live", "lost", "refused"
  refusal: null, // {message, again()} while hal0 lets nobody read without another key
  lostAt: 0, // Unix seconds
  login: null, // what /api/login says, once asked
  askKey: null, // {error, answer(key), cancel()} while a key is asked for
  fits: null, // what /api/models says, for `fitsOf` revisions
  notices: [], // {id, text, bad}
};

const watchers = new Set();
let due = false;

export function changed() {
  if (due) return;
  due = true;
  // A hidden tab draws no frames, but must not show anything stale when it comes back into view.
  const later = document.hidden ? (then) => setTimeout(then, 200) : requestAnimationFrame;
  later(() => {
    due = false;
    for (const watcher of [...watchers]) watcher();
  });
}

export function watch(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function useStore() {
  const [, again] = useState(0);
  useLayoutEffect(() => watch(() => again((n) => n + 1)), []); // at once: what changes before it is not seen
  return store;
}

let lastNotice = 0;

export function notify(text, bad = false) {
  const id = ++lastNotice;
  store.notices = [...store.notices.slice(-2), { id, text, bad }];
  changed();
  setTimeout(() => dismiss(id), bad ? 15000 : 5000);
}

export function dismiss(id) {
  store.notices = store.notices.filter((notice) => notice.id !== id);
  changed();
}
