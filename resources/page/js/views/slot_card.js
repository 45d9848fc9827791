// One slot: what it serves, where a switch is, and what can be done about it.
import { send } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Button, Chip, Progress } from "../parts.js";
import { PHASES, isSwitching, marks, modelOf, nameOf, overlaps, percent } from "../places.js";
import { store } from "../store.js";
import { STATES, ago, clock, duration, fileSize, fitWords, holdsOf, memorySize, stateWords, tokens, tone } from "../words.js";

export function SlotCard({ place, live }) {
  const { slot, name, snapshot } = place;
  const id = `slot-${name}`;
  const share = percent(slot);
  const serving = slot.target || slot.model;
  return html`<article class="card slot ${slot.state === "unloaded" ? "idle" : ""}" aria-labelledby=${id}>
    <div class="head">
      <h2 id=${id}>${slot.name.split("/").pop()}</h2><span class="muted">${slot.kind}</span>
      <${Chip} tone=${tone(slot)}>${stateWords(slot, share)}<//>
    </div>
    <p class="serving">${serving ? nameOf(snapshot, serving) : slot.upstream || html`<span class="muted">Nothing loaded</span>`}
      ${overlaps(slot) && html`<span class="muted"> · ${nameOf(snapshot, slot.model)} answers until then</span>`}</p>
    <p class="facts muted">${facts(slot).join(" · ")}</p>
    ${isSwitching(slot) && html`<${Phases} slot=${slot} share=${share} name=${name} />`}
    ${slot.evicting.some((name) => !apart(slot).includes(name)) && html`<p>Making room: unloading ${slot.evicting.filter((name) => !apart(slot).includes(name)).join(", ")}.</p>`}
    ${apart(slot).length > 0 && html`<p>${apartWords(slot)}</p>`}
    ${slot.draining > 0 && html`<p>${drainWords(slot)}</p>`}
    ${slot.last_error && !isSwitching(slot) && html`<${Problem} place=${place} live=${live} />`}
    <${Choose} place=${place} live=${live} />
    <${Actions} place=${place} live=${live} />
  </article>`;
}

// A hal0 elsewhere may be an older one, which does not know of it.
const apart = (slot) => slot.apart || [];

function apartWords(slot) {
  const waits = apart(slot).filter((name) => !slot.evicting.includes(name));
  const why = "hal0.yaml does not let both be loaded (together).";
  return waits.length ? `Waits until ${waits.join(", ")} is idle: ${why}` : `Unloading ${apart(slot).join(", ")}: ${why}`;
}

function facts(slot) {
  const found = [];
  if (slot.served_by) found.push(`answered by ${slot.served_by}`);
  // The demo's speed is no measure of this computer.
  if (slot.tokens_per_second && slot.model !== "hal0-demo") found.push(`${slot.tokens_per_second.toFixed(slot.tokens_per_second < 10 ? 1 : 0)} tokens/s`);
  if (slot.load_flags?.length) found.push(`with ${slot.load_flags.join(", ").replaceAll("=", " ")}, this time only`);
  if (slot.context_length) found.push(`${tokens(slot.context_length)} context`);
  if (slot.memory) found.push(`${slot.memory_estimated ? "~" : ""}${memorySize(slot.memory)}${holdsOf(slot)}`);
  if (slot.queued) found.push(`${slot.queued} waiting`);
  if (slot.state === "ready" && slot.idle_since) found.push(`idle ${ago(slot.idle_since)}`);
  if (slot.pinned) found.push("pinned");
  if (slot.switch === "manual") found.push("switched by hand only");
  return found;
}

function Phases({ slot, share, name }) {
  const elapsed = slot.progress ? slot.progress.elapsed_s + Date.now() / 1000 - (slot.progress.seen || Date.now() / 1000) : 0;
  const marked = marks(slot);
  return html`<div class="switch">
    <ol class="phases" aria-label=${`Switch of ${name}`}>
      ${PHASES.map((phase, n) => html`<li key=${phase} class=${marked[n]} aria-current=${marked[n] === "now" ? "step" : undefined}>
        ${STATES[phase]}${marked[n] === "skipped" ? html`<span class="heard"> skipped</span>` : ""}</li>`)}
    </ol>
    <${Progress} value=${share} label=${`Loading ${slot.target || ""}`} />
    <p class="muted">${share === null ? STATES[slot.state] : `Loading ${share}%`}${elapsed >= 1 ? ` · ${duration(elapsed)}` : ""}</p>
  </div>`;
}

function drainWords(slot) {
  const requests = slot.draining === 1 ? "1 request is" : `${slot.draining} requests are`;
  const left = slot.drain_deadline === null ? "in their own time" : `for ${duration(Math.max(0, slot.drain_deadline - Date.now() / 1000))} at most`;
  return `${requests} still answered by ${slot.leaving.join(", ") || slot.model}, ${left}.`;
}

function Problem({ place, live }) {
  const { slot, path, snapshot, name } = place;
  const error = slot.last_error;
  const again = error.model && slot.choices.includes(error.model) ? error.model : null;
  const restore = slot.state === "failed" && slot.model && slot.model !== error.model ? slot.model : null;
  const load = (model, force) => () => send(`${path}/load`, { model, force, wait: false });
  if (error.past) {
    return html`<p class="problem past">Earlier, at ${clock(error.at)}: ${error.message}</p>`;
  }
  return html`<div class="problem">
    <p>${error.message}</p>
    <p class="muted">${clock(error.at)}${error.remedy.length ? ` · it would load with ${error.remedy.join(", ")}` : ""}</p>
    <div class="actions">
      ${restore && html`<${Button} disabled=${!live} action=${load(restore, false)}>Restore ${nameOf(snapshot, restore)}<//>`}
      ${again && html`<${Button} disabled=${!live} label=${`Try again to load ${again} in ${name}`} action=${load(again, false)}>Try again<//>`}
      ${again && error.remedy.length > 0 && html`<${Button} disabled=${!live} label=${`This load only: ${again} in ${name} with ${error.remedy.join(", ")}`} action=${() => send(`${path}/load`, { model: again, flags: error.remedy, wait: false })}>This load only<//>`}
      ${again && error.code === "memory.insufficient" && html`<${Button} disabled=${!live} action=${load(again, true)}>Load anyway<//>`}
    </div>
  </div>`;
}

function Choose({ place, live }) {
  const { slot, name, path, snapshot, remote } = place;
  const [picked, setPicked] = useState(null);
  const serving = slot.target || slot.model;
  useEffect(() => {
    if (picked === serving) setPicked(null); // or it would be kept when somebody else loads another
  }, [picked, serving]);
  const wanted = picked !== null && slot.choices.includes(picked) ? picked : serving;
  if (!slot.choices.length) {
    return slot.upstream ? null : html`<p class="muted">No model of this kind yet.</p>`;
  }
  const fitOf = (model) => fitWords(remote ? null : store.fits?.models.get(model)?.slots[slot.name], modelOf(snapshot, model)?.needs);
  const fit = wanted ? fitOf(wanted) : null;
  const model = wanted && modelOf(snapshot, wanted);
  const verb = fit?.short ? "Load anyway" : "Load";
  const differs = wanted && (wanted !== serving || slot.state === "unloaded" || slot.state === "failed");
  const load = async () => {
    await send(`${path}/load`, { model: wanted, force: Boolean(fit?.short), wait: false });
    setPicked(null);
  };
  return html`<div class="choose">
    <label for=${`model-${name}`}>Model</label>
    <select id=${`model-${name}`} value=${wanted || ""} disabled=${!live} aria-describedby=${`fit-${name}`}
      onChange=${(event) => setPicked(event.currentTarget.value)}>
      ${!slot.choices.includes(wanted) && html`<option value=${wanted || ""}>${wanted ? nameOf(snapshot, wanted) : "Choose a model…"}</option>`}
      ${slot.choices.map((choice) => html`<option key=${choice} value=${choice} disabled=${Boolean(modelOf(snapshot, choice)?.problem)}>
        ${entry(snapshot, choice, slot.loaded.includes(choice) ? "loaded" : choice === wanted && differs ? "" : fitOf(choice).words)}</option>`)}
    </select>
    ${differs && html`<${Button} kind="main" disabled=${!live || Boolean(model?.problem)} action=${load}
      label=${`${verb} ${wanted} in ${name}`}>${verb}<//>`}
    <span id=${`fit-${name}`} class="fit ${fit?.short ? "bad" : "muted"}">${differs ? fit.words : ""}</span>
  </div>`;
}

function entry(snapshot, id, fit) {
  const model = modelOf(snapshot, id);
  const size = model?.size_bytes ? fileSize(model.size_bytes) : "";
  return [nameOf(snapshot, id), size, model?.problem ? "cannot be loaded" : fit].filter(Boolean).join(" · ");
}

function Actions({ place, live }) {
  const { slot, path, name } = place;
  const order = (what) => () => send(`${path}/${what}`, { wait: false });
  const switching = isSwitching(slot);
  const engine = slot.upstream === null && slot.pid !== null;
  return html`<div class="actions">
    ${switching && html`<${Button} disabled=${!live} label=${`Cancel the switch of ${name}`} action=${order("cancel")}>Cancel<//>`}
    ${slot.draining > 0 && html`<${Button} disabled=${!live} label=${`End them now: the requests that ${name} waits for`} action=${order("cut")}>End them now<//>`}
    ${slot.draining > 0 && slot.drain_deadline !== null && html`<${Button} disabled=${!live} action=${order("wait")}>Wait for them<//>`}
    ${engine && !switching && html`<${Button} disabled=${!live} label=${`Unload ${name}`} action=${order("unload")}>Unload<//>`}
    ${engine && slot.state === "ready" && html`<${Button} disabled=${!live} label=${`Restart ${name}`} action=${order("restart")}>Restart<//>`}
    ${slot.kind === "chat" && (slot.choices.length > 0 || slot.upstream) && html`<a class="button" href=${`#/chat/${encodeURIComponent(name)}`}
      aria-label=${`Try it with ${name}`}>Try it</a>`}
    ${slot.upstream === null && html`<a class="button plain" href=${`#/logs/${encodeURIComponent(name)}`} aria-label=${`Log of ${name}`}>Log</a>`}
  </div>`;
}
