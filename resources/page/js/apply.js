// A `change` event applied to a snapshot. Pure; docs/api.md says what a change holds.

export function apply(snapshot, change) {
  const { slots, removed, order, upstreams, ...parts } = change;
  const next = { ...snapshot, ...parts };
  if (slots || removed || order) next.slots = appliedSlots(snapshot.slots, slots, removed, order);
  if (upstreams) {
    const known = new Map(snapshot.upstreams.map((upstream) => [upstream.name, upstream]));
    next.upstreams = upstreams.map((upstream) => appliedUpstream(known.get(upstream.name), upstream));
  }
  return next;
}

function appliedSlots(old, changedSlots = [], removed = [], order = []) {
  const slots = new Map(old.filter((slot) => !removed.includes(slot.name)).map((slot) => [slot.name, slot]));
  for (const slot of changedSlots) slots.set(slot.name, slot);
  const names = new Set([...order.filter((name) => slots.has(name)), ...slots.keys()]);
  return [...names].map((name) => slots.get(name));
}

function appliedUpstream(old, upstream) {
  if (!upstream.remote_change) return upstream;
  const { remote_change: change, ...rest } = upstream;
  return { ...rest, remote: old?.remote ? apply(old.remote, change) : null };
}
