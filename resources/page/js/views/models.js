// The models, what fits, and what comes from Hugging Face.
import {
  Button, Empty, fileSize, fitWords, html, isolated, memorySize, notify, send, store, titleOf, tokens, useEffect,
  useState, wantFits,
} from "../shared.js";
import { Downloads } from "./downloads.js";

export function Models({ snapshot, live }) {
  useEffect(wantFits, []);
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLowerCase();
  const shown = snapshot.models.filter((model) => `${model.id} ${model.display_name}`.toLowerCase().includes(wanted));
  return html`
    <div class="heading"><h1>Models</h1>
      <${Button} disabled=${!live} action=${() => send("/api/reload")}>Look again<//></div>
    <${Downloads} snapshot=${snapshot} live=${live} />
    <section aria-labelledby="here"><h2 id="here">On this computer</h2>
      ${snapshot.models.length > 8 && html`<div class="choose"><label for="search">Search</label>
        <input id="search" type="search" value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} /></div>`}
      ${snapshot.models.length === 0 && html`<${Empty} title="No model yet">Fetch one above, or put GGUF files into a model folder.<//>`}
      <ul class="rows" aria-label="Models">${shown.map((model) => html`<li key=${model.id}>
        <${Row} model=${model} snapshot=${snapshot} live=${live} /></li>`)}</ul>
      ${wanted && !shown.length && html`<p class="muted">No model is called that.</p>`}
    </section>
    ${snapshot.left_out.length > 0 && html`<details class="card"><summary>${snapshot.left_out.length} files are no models</summary>
      <ul>${snapshot.left_out.map((file) => html`<li key=${file.file}><code>${file.file}</code>: ${file.reason}</li>`)}</ul></details>`}`;
}

function Row({ model, snapshot, live }) {
  const known = store.fits?.models.get(model.id);
  const slots = snapshot.slots.filter((slot) => slot.choices.includes(model.id));
  const [picked, setPicked] = useState(null);
  const slot = slots.find((item) => item.name === picked) || slots[0];
  const fit = fitWords(slot ? known?.slots[slot.name] : known, model.needs);
  const loadedIn = snapshot.slots.filter((item) => item.state === "ready" && item.loaded.includes(model.id)).map((item) => item.name);
  const details = [
    model.kind, model.quantisation, model.size_bytes && fileSize(model.size_bytes),
    model.context_length && `${tokens(model.context_length)} context${model.context_auto ? " (chosen to fit)" : ""}`,
    model.needs && `needs ${model.needs_source === "formula" ? "~" : ""}${memorySize(model.needs)}`,
    model.measured && `measured: reads ${Math.round(model.measured.reads)}, writes ${model.measured.writes.toFixed(1)} tokens/s`,
    ...model.capabilities.filter((word) => !["completion", "embedding", "rerank"].includes(word)),
  ].filter(Boolean);
  return html`<article aria-label=${titleOf(model)} class="model">
    <div><h3>${titleOf(model)}</h3>
      <p class="muted">${details.join(" · ")}</p>
      ${model.id !== model.display_name && html`<p class="muted"><code>${isolated(model.id)}</code></p>`}
      ${model.problem && html`<p class="bad">${model.problem}</p>`}
      ${model.note && html`<p class="muted">${model.note}</p>`}
      ${loadedIn.length > 0 && html`<p class="good">Loaded in ${loadedIn.join(", ")}</p>`}
    </div>
    ${(model.fetched || (slot && !model.problem)) && html`<div class="choose">
      ${slot && !model.problem && html`<${Load} model=${model} slot=${slot} slots=${slots} setPicked=${setPicked} isLoaded=${loadedIn.includes(slot.name)} fit=${fit} live=${live} />`}
      ${model.fetched && html`<${Button} kind="plain" disabled=${!live} label=${`Delete ${model.id}`} action=${() => deleteModel(model, snapshot)}>Delete<//>`}
    </div>`}
  </article>`;
}

function Load({ model, slot, slots, setPicked, isLoaded, fit, live }) {
  const verb = fit.short ? "Load anyway" : "Load";
  return html`
      <span class=${fit.short ? "bad" : "muted"}>${isLoaded ? "" : fit.words}</span>
      ${slots.length > 1 && html`<select aria-label=${`Slot for ${model.id}`} value=${slot.name} onChange=${(event) => setPicked(event.currentTarget.value)}>
        ${slots.map((item) => html`<option key=${item.name} value=${item.name}>${item.name}</option>`)}</select>`}
      <${Button} disabled=${!live || isLoaded} label=${`${verb} ${model.id} in ${slot.name}`}
        action=${() => send(`/api/slots/${encodeURIComponent(slot.name)}/load`, { model: model.id, force: fit.short, wait: false })}>
        ${verb}<//>`;
}

/** Only after the person has said so; hal0 refuses it while the model is in use. */
async function deleteModel(model, snapshot) {
  const others = snapshot.models.filter((other) => other.fetched === model.fetched && other.id !== model.id).map((other) => other.id);
  const also = others.length ? ` The same file is also offered as ${others.join(", ")}.` : "";
  const size = model.size_bytes ? ` (${fileSize(model.size_bytes)})` : "";
  if (!confirm(`Delete ${titleOf(model)}${size} from the computer that hal0 runs on? To have it again, fetch ${model.fetched}.${also}`)) return;
  const { deleted } = await send("/api/models/delete", { model: model.id });
  notify(`${deleted} is deleted.`);
}
