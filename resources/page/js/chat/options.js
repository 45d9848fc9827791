// The system prompt, and how tokens are sampled. Empty: the model's own.
import { changed, html } from "../shared.js";
import { SAMPLING } from "./body.js";

export function Options({ options }) {
  const set = (name) => (event) => {
    options[name] = event.currentTarget.value;
    changed();
  };
  const given = SAMPLING.filter(([name]) => options[name]).map(([name]) => `${name} ${options[name]}`);
  if (options.system.trim()) given.unshift("system prompt");
  return html`<details class="card options"><summary>Options${given.length ? html` <span class="muted">· ${given.join(", ")}</span>` : ""}</summary>
    <label for="system">System prompt</label>
    <textarea id="system" rows="2" value=${options.system} onInput=${set("system")}></textarea>
    <div class="sampling">${SAMPLING.map(([name, label, hint]) => html`<div key=${name}>
      <label for=${`sampling-${name}`}>${label}</label>
      <input id=${`sampling-${name}`} type="text" inputmode="decimal" placeholder=${hint} value=${options[name] ?? ""} onInput=${set(name)}
        aria-invalid=${Number.isFinite(Number(options[name] || 0)) ? undefined : "true"} /></div>`)}</div>
  </details>`;
}
