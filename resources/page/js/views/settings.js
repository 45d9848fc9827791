// The settings of hal0.yaml that a browser may change. Each is written and applied at once, or refused with the reason.
import { Button, html, notify, read, send, signOut, store, useEffect, useState } from "../shared.js";

// [key, label, what it is]; only those that the running hal0 knows are shown.
const GENERAL = [
  [["local_only"], "Local only", { kind: "flag", help: "Nothing that a client sends leaves this computer." }],
  [["keep_awake"], "Keep awake", { kind: "flag", help: "This computer does not fall asleep while requests are served or models load or download." }],
  [["memory", "headroom"], "Headroom", { kind: "size", help: "Memory that loading a model leaves free, such as 512MiB." }],
  [["limits", "queue"], "Requests that may wait for a slot", { kind: "number" }],
  [["limits", "wait"], "Seconds a request waits for its turn", { kind: "number" }],
  [["updates"], "Newer versions", { kind: "choice", of: { notify: "Say so", off: "Do not look" } }],
];
const SLOT = [
  ["switch", "Switched", { kind: "choice", of: { on_request: "by requests, too", manual: "by hand only" } }],
  ["pinned", "Pinned", { kind: "flag", help: "Never unloaded to make room." }],
  ["autoload", "Load when hal0 starts", { kind: "flag" }],
  ["priority", "Priority", { kind: "number", help: "Slots with a lower one make room first." }],
  ["idle_unload", "Unload after seconds of idleness", { kind: "number", help: "0: never." }],
];

export function Settings({ live }) {
  const [document, setDocument] = useState(null);
  const [error, setError] = useState("");
  useEffect(() => {
    if (!live) return;
    read("/api/config").then(setDocument, (failed) => setError(failed.message));
  }, [live]);
  const change = async (path, value) => {
    setDocument(await send("/api/config", { changes: [{ path, value }] }));
    notify("Written to hal0.yaml, and in effect.");
  };
  const config = document?.config;
  const valueAt = (path) => path.reduce((value, name) => value?.[name], config);
  const fields = (specs, base) => specs
    .map(([key, label, spec]) => [[...base, ...(Array.isArray(key) ? key : [key])], label, spec])
    .filter(([path]) => valueAt(path) !== undefined)
    .map(([path, label, spec]) => html`<${Field} key=${path.join(".")} path=${path} label=${label} spec=${spec}
      value=${valueAt(path)} live=${live} change=${change} />`);
  return html`<div class="heading"><h1>Settings</h1>
      ${store.login?.signed_in && html`<${Button} action=${signOut}>Sign this browser out<//>`}</div>
    ${error && html`<p class="bad">${error}</p>`}
    ${config && html`
      <section class="card" aria-labelledby="general"><h2 id="general">General</h2>${fields(GENERAL, [])}</section>
      ${Object.keys(config.slots).map((name) => html`<section class="card" key=${name} aria-labelledby=${`set-${name}`}>
        <h2 id=${`set-${name}`}>${name}</h2>${fields(SLOT, ["slots", name])}</section>`)}
      <details class="card"><summary>hal0.yaml as it is</summary>
        <p class="muted"><code>${document.file}</code>${document.exists ? "" : " (not written yet)"}; keys are hidden. All else is set there.</p>
        <pre class="log" tabindex="0" role="region" aria-label="hal0.yaml">${document.text}</pre></details>`}`;
}

function Field({ path, label, spec, value, live, change }) {
  const id = `set-${path.join("-")}`;
  const [draft, setDraft] = useState(null);
  const [problem, setProblem] = useState("");
  const shown = draft ?? (spec.kind === "size" ? `${Math.round(value / 1048576)}MiB` : value);
  const write = async (wanted) => {
    setProblem("");
    try {
      await change(path, wanted);
      setDraft(null);
    } catch (error) {
      setProblem(error.message);
    }
  };
  const common = { id, disabled: !live, "aria-describedby": `${id}-help` };
  const number = Number(draft);
  const typed = spec.kind === "number" ? number : draft;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="choose">
      ${spec.kind === "flag" && html`<input type="checkbox" ...${common} checked=${Boolean(value)} onChange=${(event) => write(event.currentTarget.checked)} />`}
      ${spec.kind === "choice" && html`<select ...${common} value=${value} onChange=${(event) => write(event.currentTarget.value)}>
        ${Object.entries(spec.of).map(([word, told]) => html`<option key=${word} value=${word}>${told}</option>`)}</select>`}
      ${(spec.kind === "number" || spec.kind === "size") && html`
        <input type="text" inputmode=${spec.kind === "number" ? "decimal" : "text"} ...${common} value=${shown} onInput=${(event) => setDraft(event.currentTarget.value)} />
        ${draft !== null && html`<${Button} kind="main" disabled=${!live || (spec.kind === "number" && !Number.isFinite(number))}
          label=${`Write ${label}`} action=${() => write(typed)}>Write<//>`}`}
    </div>
    <p id=${`${id}-help`} class=${problem ? "bad" : "muted"} role=${problem ? "alert" : undefined}>${problem || spec.help}</p>
  </div>`;
}
