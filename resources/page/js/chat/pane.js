// One conversation: who answers, what was said, and how to say it without this page.
import {
  Button, Chip, Copy, allPlaces, html, isolated, nameOf, percent, stateWords, store, tone, useEffect, useLayoutEffect,
  useRef, useState,
} from "../shared.js";
import { answerWords } from "./answer.js";
import { asCurl, asPython } from "./body.js";
import { rendered } from "./markdown.js";
import { retry } from "./session.js";

export function Pane({ pane, index, targets, snapshot, live, choose, close }) {
  const place = allPlaces(snapshot).find(({ name }) => name === pane.model);
  const log = useRef();
  const last = pane.turns.at(-1);
  useLayoutEffect(() => {
    const box = log.current;
    // Scroll along unless somebody has scrolled up to read.
    if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 120) box.scrollTop = box.scrollHeight;
  });
  const group = (label, names) => names.length > 0 && html`<optgroup label=${label}>${names.map((name) => html`<option key=${name} value=${name}>${isolated(name)}</option>`)}</optgroup>`;
  const isThere = Object.values(targets).some((names) => names.includes(pane.model));
  return html`<section class="card pane" aria-label=${`Conversation with ${pane.model}`}>
    <div class="head">
      <label class="heard" for=${`asked-${index}`}>Who answers</label>
      <select id=${`asked-${index}`} value=${pane.model} onChange=${(event) => choose(event.currentTarget.value)}>
        ${!isThere && html`<option value=${pane.model}>${isolated(pane.model)} · no longer offered</option>`}
        ${group("Slots", targets.slots)}${group("Models", targets.models)}${group("Elsewhere", targets.elsewhere)}
      </select>
      ${place && html`<${Chip} tone=${tone(place.slot)}>${stateWords(place.slot, percent(place.slot))}<//>`}
      ${close && html`<${Button} kind="plain" label=${`Close the conversation with ${pane.model}`} action=${close}>✕<//>`}
    </div>
    ${place && html`<p class="muted">${place.slot.target || place.slot.model ? nameOf(place.snapshot, place.slot.target || place.slot.model) : "Nothing is loaded; your first message loads it."}</p>`}
    <div class="said" role="log" aria-live="off" tabindex="0" aria-label=${`What was said with ${pane.model}`} ref=${log}>
      ${!pane.turns.length && html`<p class="muted hint">Say hello.</p>`}
      ${pane.turns.map((turn, at) => turn.role === "user" ? html`<${Question} key=${at} turn=${turn} />`
        : html`<${Answer} key=${at} turn=${turn} pane=${pane} live=${live} isLast=${turn === last} place=${place} />`)}
    </div>
    <div class="heard" role="status">${last?.role === "assistant" && !last.running ? (last.error ? `It failed: ${last.error}` : `Answer: ${last.text}`) : ""}</div>
  </section>`;
}

function Question({ turn }) {
  return html`<div class="turn question"><span class="heard">You: </span>
    ${turn.images?.map((url, index) => html`<img key=${index} src=${url} alt=${`Image ${index + 1}`} />`)}
    <p>${turn.text}</p></div>`;
}

function Answer({ turn, pane, live, isLast, place }) {
  const loading = turn.running && !turn.text && !turn.thinking;
  return html`<div class="turn answer">
    ${turn.thinking && html`<details class="thinking"><summary>${turn.running && !turn.text ? "Thinking…" : "Thinking"}</summary><p>${turn.thinking}</p></details>`}
    ${loading && html`<p class="muted">${place && place.slot.state !== "ready" ? `${stateWords(place.slot, percent(place.slot))}…` : turn.waiting ? `${turn.waiting}…` : "…"}</p>`}
    ${turn.text && html`<${Markdown} text=${turn.text} />`}
    ${turn.error && html`<p class="bad">${turn.error}</p>`}
    ${!turn.running && html`<p class="muted about">${answerWords(turn)}</p>`}
    ${!turn.running && html`<div class="actions">
      ${isLast && html`<${Button} kind="plain" disabled=${!live} action=${async () => { retry(pane); }}>Retry<//>`}
      ${turn.text && html`<${Copy} text=${turn.text} label="Copy the answer" />`}
      <${Code} body=${turn.body} />
    </div>`}
  </div>`;
}

function Markdown({ text }) {
  const box = useRef();
  useEffect(() => box.current.replaceChildren(rendered(text)), [text]);
  return html`<div class="markdown" ref=${box}></div>`;
}

/** The same request, for a terminal and for a program. */
function Code({ body }) {
  const [shown, setShown] = useState("");
  const box = useRef();
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [shown]);
  const make = { curl: asCurl, Python: asPython };
  const text = shown ? make[shown](location.origin, body, Boolean(store.login?.needed)) : "";
  return html`${Object.keys(make).map((name) => html`<button key=${name} type="button" class="button plain" aria-expanded=${shown === name}
      onClick=${() => setShown(shown === name ? "" : name)}>${name}</button>`)}
    ${shown && html`<div class="code" ref=${box}><${Copy} text=${text} label=${`Copy the ${shown} code`} />
      <pre class="log" tabindex="0" role="region" aria-label=${`The request as ${shown}`}>${text}</pre></div>`}`;
}
