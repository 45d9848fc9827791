// What was asked of hal0, as it happens; of one request, what happened when.
import { MOST, followActivity, matches, merged } from "../activity.js";
import { read } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Empty } from "../parts.js";
import { RequestDetails } from "./request.js";

const DRAW_EVERY = 250; // ms: hundreds of records a second are drawn together
const DRAWN = 100;

export function Activity({ snapshot }) {
  const [filter, setFilter] = useState({ slot: "", failed: false, text: "" });
  const [shown, setShown] = useState({ records: [], loaded: false, missed: 0, problem: "" });
  const [paused, setPaused] = useState(false);
  const [open, setOpen] = useState(null);
  const [drawn, setDrawn] = useState(DRAWN);
  const held = useRef({ fresh: [], missed: 0 });
  const pausedNow = useRef(false);
  pausedNow.current = paused;
  useEffect(() => {
    const stopped = new AbortController();
    held.current = { fresh: [], missed: 0 };
    setShown({ records: [], loaded: false, missed: 0, problem: "" });
    let due = null;
    const draw = () => {
      due = null;
      if (pausedNow.current) return;
      const { fresh, missed } = held.current;
      held.current = { fresh: [], missed: 0 };
      setShown((before) => ({ ...before, loaded: true, records: merged(fresh, before.records), missed: before.missed + missed }));
    };
    const onRecords = (records, missed) => {
      held.current.fresh = merged(records, held.current.fresh);
      held.current.missed += missed || 0;
      due ??= setTimeout(draw, DRAW_EVERY);
    };
    followActivity(filter, stopped.signal, onRecords).catch((error) =>
      setShown((before) => ({ ...before, loaded: true, problem: error.message })));
    const timer = setInterval(() => held.current.fresh.length && !due && draw(), DRAW_EVERY);
    return () => {
      stopped.abort();
      clearTimeout(due);
      clearInterval(timer);
    };
  }, [filter.slot, filter.failed]);
  const records = shown.records.filter((record) => matches(record, filter));
  const change = (part) => setFilter({ ...filter, ...part });
  return html`<div class="heading"><h1>Activity</h1>
      <button type="button" class="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>${paused ? "Go on" : "Pause"}</button></div>
    <div class="choose">
      <label for="of-slot">Slot</label>
      <select id="of-slot" value=${filter.slot} onChange=${(event) => change({ slot: event.currentTarget.value })}>
        <option value="">all</option>
        ${snapshot.slots.map((slot) => html`<option key=${slot.name} value=${slot.name}>${slot.name}</option>`)}
      </select>
      <label for="with-text">Search</label>
      <input id="with-text" type="search" value=${filter.text} onInput=${(event) => change({ text: event.currentTarget.value })} />
      <label class="tick"><input type="checkbox" checked=${filter.failed} onChange=${(event) => change({ failed: event.currentTarget.checked })} />Only failures</label>
    </div>
    ${shown.missed > 0 && html`<p class="muted">${shown.missed} requests came faster than they could be shown.</p>`}
    ${shown.problem && html`<p class="bad">${shown.problem}</p>`}
    ${records.length ? html`<${Table} records=${records.slice(0, drawn)} open=${open} setOpen=${setOpen} />`
      : !shown.problem && html`<${Empty} title=${shown.loaded ? "Nothing was asked yet" : "Reading…"}>${shown.loaded && "Each request stands here when it ends."}<//>`}
    ${records.length > drawn && html`<p><button type="button" class="button" onClick=${() => setDrawn(drawn + DRAWN)}>Show more</button></p>`}
    ${records.length >= MOST && html`<p class="muted">The last ${MOST} are shown.</p>`}`;
}

function Table({ records, open, setOpen }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests"><table class="activity">
    <thead><tr><th scope="col">Time</th><th scope="col">Slot</th><th scope="col">Model</th><th scope="col" class="wide">Client</th>
      <th scope="col">Status</th><th scope="col" class="number wide">Waited</th><th scope="col" class="number wide">First byte</th>
      <th scope="col" class="number">Total</th><th scope="col" class="number wide">Tokens</th><th scope="col" class="number wide">Tokens/s</th></tr></thead>
    <tbody>${records.map((record) => html`<${Row} key=${record.id} record=${record} isOpen=${open === record.id} setOpen=${setOpen} />`)}</tbody>
  </table></div>`;
}

function Row({ record, isOpen, setOpen }) {
  const time = new Date(record.at * 1000).toLocaleTimeString([], { hour12: false });
  return html`<tr class=${record.failed ? "failed" : ""}>
      <td><button type="button" class="button plain" aria-expanded=${isOpen} aria-label=${`${time}, details`} onClick=${() => setOpen(isOpen ? null : record.id)}>${time}</button></td>
      <td>${record.slot || record.upstream || "–"}</td><td>${record.model || record.asked || "–"}</td>
      <td class="wide">${record.key || record.client || "–"}</td>
      <td class=${record.failed ? "bad" : ""}>${record.status}${record.outcome && record.outcome !== "answered" ? ` ${record.outcome}` : ""}</td>
      <td class="number wide">${seconds(record.waited_s)}</td><td class="number wide">${seconds(record.first_byte_s)}</td>
      <td class="number">${seconds(record.total_s)}</td>
      <td class="number wide">${record.tokens_completion ?? "–"}</td>
      <td class="number wide">${record.tokens_per_second?.toFixed(1) ?? "–"}</td></tr>
    ${isOpen && html`<tr class="details"><td colspan="10"><${RequestDetails} record=${record} load=${() => read(`/api/activity/${record.id}`)} /></td></tr>`}`;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}
