// What was asked of hal0, as it happens; for one request, what happened when.
import { MOST, PAGE, followActivity, forget, kept, merged, says, who } from "../activity.js";
import { Button, Empty, html, isolated, moment, notify, span, useEffect, useRef, useState } from "../shared.js";
import { RequestDetails } from "./request.js";

const DRAW_EVERY = 250; // ms: hundreds of records a second are drawn together
const NOTHING = { requests: [], loaded: false, missed: 0, problem: "", most: MOST, end: false };

export function Activity({ snapshot, live }) {
  const [filter, setFilter] = useState({ slot: "", failed: false, text: "" });
  const [paused, setPaused] = useState(false);
  const [open, setOpen] = useState(null);
  const [drawn, setDrawn] = useState(PAGE);
  const [shown, setShown] = useRequests(filter, paused, live);
  const requests = shown.requests.filter((record) => says(record, filter.text));
  const change = (part) => setFilter({ ...filter, ...part });
  const older = async () => {
    if (requests.length <= drawn && !shown.end) {
      const told = await kept(filter, { before: shown.requests.at(-1).id });
      setShown((before) => ({ ...before, end: told.next === null, most: before.most + told.requests.length,
        requests: merged(told.requests, before.requests, before.most + told.requests.length) }));
    }
    setDrawn(drawn + PAGE);
  };
  const forgetAll = async () => {
    if (!confirm("Forget every request that was recorded, and what is kept of its texts? This cannot be undone.")) return;
    await forget();
    setShown({ ...NOTHING, loaded: true, end: true });
    notify("All requests are forgotten.");
  };
  const hasOlder = requests.length > drawn || (shown.requests.length > 0 && !shown.end);
  return html`<div class="heading"><h1>Activity</h1>
      <div class="actions"><${Button} disabled=${!live || !shown.requests.length} action=${forgetAll}>Forget all<//>
        <button type="button" class="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>${paused ? "Go on" : "Pause"}</button></div></div>
    <div class="choose">
      <div class="pair"><label for="of-slot">Slot</label>
      <select id="of-slot" value=${filter.slot} onChange=${(event) => change({ slot: event.currentTarget.value })}>
        <option value="">all</option>
        ${snapshot.slots.map((slot) => html`<option key=${slot.name} value=${slot.name}>${slot.name}</option>`)}
      </select></div>
      <label class="tick"><input type="checkbox" checked=${filter.failed} onChange=${(event) => change({ failed: event.currentTarget.checked })} />Only failures</label>
      <div class="pair grow"><label for="with-text">Search</label>
      <input id="with-text" type="search" placeholder="model, client, error…" value=${filter.text} onInput=${(event) => change({ text: event.currentTarget.value })} /></div>
    </div>
    ${shown.missed > 0 && html`<p class="muted">${shown.missed} requests came faster than they could be told.</p>`}
    ${shown.problem && html`<p class="bad">${shown.problem}</p>`}
    ${requests.length > 0 && html`<${Table} requests=${requests.slice(0, drawn)} open=${open} setOpen=${setOpen} />`}
    ${!requests.length && !shown.problem && html`<${Nothing} shown=${shown} filter=${filter} hasOlder=${hasOlder} />`}
    ${hasOlder && html`<p><${Button} action=${older}>Older<//></p>`}`;
}

function Nothing({ shown, filter, hasOlder }) {
  if (!shown.loaded) return html`<${Empty} title="Reading…" />`;
  if (!filter.slot && !filter.failed && !shown.requests.length) return html`<${Empty} title="Nothing was asked yet">Each request appears here when it ends.<//>`;
  return html`<${Empty} title="No request matches">${hasOlder ? `The newest ${shown.requests.length} were searched; “Older” goes further back.`
    : "All that are kept were searched."}<//>`;
}

/** The records for `filter`, and how to change what is shown. While `paused` new ones wait. Without contact (`live`)
    what is shown stays; after it, what came meanwhile is added. */
function useRequests(filter, paused, live) {
  const [shown, setShown] = useState(NOTHING);
  const waiting = useRef();
  const isPaused = useRef();
  isPaused.current = paused;
  useEffect(() => setShown(NOTHING), [filter.slot, filter.failed]);
  useEffect(() => {
    if (!live) return undefined;
    const stopped = new AbortController();
    waiting.current = [];
    const draw = () => {
      if (isPaused.current || !waiting.current.length) return;
      const told = waiting.current;
      waiting.current = [];
      setShown((before) => told.reduce(added, before));
    };
    followActivity(filter, stopped.signal, (told) => {
      waiting.current = [...waiting.current.slice(-MOST), told];
    }).catch((error) => setShown((before) => ({ ...before, loaded: true, problem: error.message })));
    const timer = setInterval(draw, DRAW_EVERY);
    return () => {
      stopped.abort();
      clearInterval(timer);
    };
  }, [filter.slot, filter.failed, live]);
  return [shown, setShown];
}

function added(before, told) {
  const all = merged(told.requests, before.requests, Infinity);
  const requests = all.filter((record) => record.id > (told.forgotten || 0));
  const end = requests.length < all.length || (told.next === undefined ? before.end : told.next === null);
  return {
    ...before,
    loaded: true,
    missed: before.missed + (told.missed || 0),
    problem: told.problem === undefined ? before.problem : told.problem || "",
    end: end && requests.length <= before.most, // those that are dropped can be had again
    requests: requests.slice(0, before.most),
  };
}

function Table({ requests, open, setOpen }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests"><table class="activity">
    <thead><tr><th scope="col">Time</th><th scope="col" class="wide">Slot</th><th scope="col" class="most">Model</th><th scope="col" class="wide">Client</th>
      <th scope="col">Status</th><th scope="col" class="number wide">Waited</th><th scope="col" class="number wide">First byte</th>
      <th scope="col" class="number">Total</th><th scope="col" class="number wide">Tokens</th><th scope="col" class="number wide">Tokens/s</th></tr></thead>
    <tbody>${requests.map((record) => html`<${Row} key=${record.id} record=${record} isOpen=${open === record.id} setOpen=${setOpen} />`)}</tbody>
  </table></div>`;
}

function Row({ record, isOpen, setOpen }) {
  const time = moment(record.at);
  const speed = record.tokens_per_second;
  return html`<tr class=${record.failed ? "failed" : ""}>
      <td><button type="button" class="button plain" aria-expanded=${isOpen} aria-label=${`${time}, details`} onClick=${() => setOpen(isOpen ? null : record.id)}>${time}</button></td>
      <td class="wide">${record.slot || record.upstream || "–"}</td><td>${isolated(record.model || record.asked) || "–"}</td>
      <td class="wide">${who(record) || "–"}</td>
      <td class="status ${record.failed ? "bad" : ""}">${record.status}${record.outcome && record.outcome !== "answered" ? ` ${record.outcome}` : ""}</td>
      <td class="number wide">${span(record.waited_s)}</td><td class="number wide">${span(record.first_byte_s)}</td>
      <td class="number">${span(record.total_s)}</td>
      <td class="number wide">${record.tokens_completion ?? "–"}</td>
      <td class="number wide">${speed?.toFixed(speed < 100 ? 1 : 0) ?? "–"}</td></tr>
    ${isOpen && html`<tr class="details"><td colspan="10"><${RequestDetails} record=${record} /></td></tr>`}`;
}
