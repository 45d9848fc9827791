// What was asked of hal0, as it happens; for one request, what happened when.
import { MOST, PAGE, followActivity, kept, matches, merged } from "../activity.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Button, Empty } from "../parts.js";
import { RequestDetails } from "./request.js";

const DRAW_EVERY = 250; // ms: hundreds of records a second are drawn together
const NOTHING = { requests: [], loaded: false, missed: 0, problem: "", most: MOST, end: false };

export function Activity({ snapshot }) {
  const [filter, setFilter] = useState({ slot: "", failed: false, text: "" });
  const [paused, setPaused] = useState(false);
  const [open, setOpen] = useState(null);
  const [drawn, setDrawn] = useState(PAGE);
  const [shown, setShown] = useRequests(filter, paused);
  const requests = shown.requests.filter((record) => matches(record, filter));
  const change = (part) => setFilter({ ...filter, ...part });
  const older = async () => {
    if (requests.length <= drawn && !shown.end) {
      const told = await kept(filter, { before: shown.requests.at(-1).id });
      setShown((before) => ({ ...before, end: told.next === null, most: before.most + told.requests.length,
        requests: merged(told.requests, before.requests, before.most + told.requests.length) }));
    }
    setDrawn(drawn + PAGE);
  };
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
    ${shown.missed > 0 && html`<p class="muted">${shown.missed} requests came faster than they could be told.</p>`}
    ${shown.problem && html`<p class="bad">${shown.problem}</p>`}
    ${requests.length > 0 && html`<${Table} requests=${requests.slice(0, drawn)} open=${open} setOpen=${setOpen} />`}
    ${!requests.length && !shown.problem && html`<${Empty} title=${emptyWords(shown)}>${shown.loaded && !shown.requests.length && "Each request stands here when it ends."}<//>`}
    ${requests.length > 0 && (requests.length > drawn || !shown.end) && html`<p><${Button} action=${older}>Older<//></p>`}`;
}

function emptyWords(shown) {
  if (!shown.loaded) return "Reading…";
  return shown.requests.length ? "No request has that" : "Nothing was asked yet";
}

/** The records for `filter`, and how to change what is shown. While `paused`, new ones wait. */
function useRequests(filter, paused) {
  const [shown, setShown] = useState(NOTHING);
  const waiting = useRef();
  const isPaused = useRef();
  isPaused.current = paused;
  useEffect(() => {
    const stopped = new AbortController();
    waiting.current = [];
    setShown(NOTHING);
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
  }, [filter.slot, filter.failed]);
  return [shown, setShown];
}

function added(before, told) {
  return {
    ...before,
    loaded: true,
    missed: before.missed + (told.missed || 0),
    problem: told.problem === undefined ? before.problem : told.problem || "",
    end: told.next === undefined ? before.end : told.next === null,
    requests: merged(told.requests, before.requests, before.most),
  };
}

function Table({ requests, open, setOpen }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Requests"><table class="activity">
    <thead><tr><th scope="col">Time</th><th scope="col" class="wide">Slot</th><th scope="col">Model</th><th scope="col" class="wide">Client</th>
      <th scope="col">Status</th><th scope="col" class="number wide">Waited</th><th scope="col" class="number wide">First byte</th>
      <th scope="col" class="number">Total</th><th scope="col" class="number wide">Tokens</th><th scope="col" class="number wide">Tokens/s</th></tr></thead>
    <tbody>${requests.map((record) => html`<${Row} key=${record.id} record=${record} isOpen=${open === record.id} setOpen=${setOpen} />`)}</tbody>
  </table></div>`;
}

function Row({ record, isOpen, setOpen }) {
  const time = new Date(record.at * 1000).toLocaleTimeString([], { hour12: false });
  return html`<tr class=${record.failed ? "failed" : ""}>
      <td><button type="button" class="button plain" aria-expanded=${isOpen} aria-label=${`${time}, details`} onClick=${() => setOpen(isOpen ? null : record.id)}>${time}</button></td>
      <td class="wide">${record.slot || record.upstream || "–"}</td><td>${record.model || record.asked || "–"}</td>
      <td class="wide">${record.key || record.client || "–"}</td>
      <td class=${record.failed ? "bad" : ""}>${record.status}${record.outcome && record.outcome !== "answered" ? ` ${record.outcome}` : ""}</td>
      <td class="number wide">${seconds(record.waited_s)}</td><td class="number wide">${seconds(record.first_byte_s)}</td>
      <td class="number">${seconds(record.total_s)}</td>
      <td class="number wide">${record.tokens_completion ?? "–"}</td>
      <td class="number wide">${record.tokens_per_second?.toFixed(1) ?? "–"}</td></tr>
    ${isOpen && html`<tr class="details"><td colspan="10"><${RequestDetails} record=${record} /></td></tr>`}`;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
}
