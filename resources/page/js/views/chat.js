// Try it: a conversation with a slot, or with two side by side.
import { addPane, askAll, clear, isRunning, removePane, session, stopAll } from "../chat/session.js";
import { Pane } from "../chat/pane.js";
import { Options } from "../chat/options.js";
import { Button, Empty, allPlaces, changed, html, modelOf, notify, useEffect, useRef, useState } from "../shared.js";

const LARGEST = 20e6; // bytes of an image

export function Chat({ snapshot, about, live }) {
  const targets = chatTargets(snapshot);
  useEffect(() => {
    const wanted = targets.slots.includes(about) ? about : null;
    if (!session.panes.length && targets.slots.length) addPane(wanted || targets.slots[0]);
    else if (wanted && !session.panes.some((pane) => pane.model === wanted)) setModel(session.panes[0], wanted);
  }, [about, targets.slots.join()]);
  if (!targets.slots.length) {
    return html`<h1>Try it</h1><${Empty} title="No chat slot">Add one under <code>slots:</code> in hal0.yaml.<//>`;
  }
  const running = isRunning();
  const empty = session.panes.every((pane) => !pane.turns.length);
  return html`<div class="heading"><h1>Try it</h1>
      <div class="actions">
        ${session.panes.length < 2 && html`<${Button} action=${() => addPane(other(targets, session.panes[0]?.model))}>Compare with another<//>`}
        <${Button} disabled=${empty} action=${() => clear()}>New chat<//>
      </div></div>
    <div class="panes ${session.panes.length > 1 ? "two" : ""}">
      ${session.panes.map((pane, index) => html`<${Pane} key=${pane.id} pane=${pane} index=${index} targets=${targets} snapshot=${snapshot}
        live=${live} choose=${(model) => setModel(pane, model)} close=${session.panes.length > 1 ? () => removePane(pane) : null} />`)}
    </div>
    <${Composer} snapshot=${snapshot} live=${live} running=${running} />
    <${Options} options=${session.options} />`;
}

function setModel(pane, model) {
  pane.model = model;
  changed();
}

/** {slots, models, elsewhere}: the names that a chat request may use. */
function chatTargets(snapshot) {
  const slots = allPlaces(snapshot).filter(({ slot }) => slot.kind === "chat").map(({ name }) => name);
  const offered = new Set(snapshot.slots.filter((slot) => slot.kind === "chat" && slot.switch !== "manual").flatMap((slot) => slot.choices));
  const models = snapshot.models.filter((model) => offered.has(model.id) && !model.problem).map((model) => model.id);
  const elsewhere = snapshot.local_only ? [] : snapshot.upstreams.filter((upstream) => upstream.kind !== "hal0")
    .flatMap((upstream) => upstream.models.map((model) => `${upstream.name}/${model}`));
  return { slots, models: models.filter((id) => !slots.includes(id)), elsewhere };
}

function other(targets, taken) {
  return [...targets.slots, ...targets.models].find((name) => name !== taken) || targets.slots[0];
}

/** Whether whatever answers for `model` now is known to see images. */
function sees(snapshot, model) {
  const place = allPlaces(snapshot).find(({ name }) => name === model);
  const capabilities = place ? place.slot.capabilities : modelOf(snapshot, model)?.capabilities;
  return Boolean(capabilities?.includes("vision"));
}

function Composer({ snapshot, live, running }) {
  const [text, setText] = useState("");
  const input = useRef();
  const files = useRef();
  const canSee = session.panes.length > 0 && session.panes.every((pane) => sees(snapshot, pane.model));
  const images = canSee ? session.images : [];
  const ready = live && !running && (text.trim() || images.length);
  const onSubmit = (event) => {
    event?.preventDefault();
    if (!ready) return;
    askAll(text, images);
    session.images = [];
    setText("");
    input.current.focus();
  };
  const onKey = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) onSubmit(event);
    if (event.key === "Escape" && running) stopAll();
  };
  const onFiles = async (event) => {
    const chosen = [...event.currentTarget.files];
    files.current.value = "";
    for (const file of chosen) {
      if (file.size > LARGEST) notify(`${file.name} is larger than 20 MB.`, true);
      else session.images = [...session.images, await asDataUrl(file)];
    }
    changed();
  };
  return html`<form class="composer card" onSubmit=${onSubmit}>
    ${images.length > 0 && html`<ul class="images" aria-label="Images">${images.map((url, index) => html`<li key=${index}>
      <img src=${url} alt=${`Image ${index + 1}`} />
      <button type="button" class="button plain" aria-label=${`Remove image ${index + 1}`}
        onClick=${() => { session.images = session.images.filter((_, at) => at !== index); changed(); }}>✕</button></li>`)}</ul>`}
    <label class="heard" for="message">Message</label>
    <textarea id="message" rows="3" ref=${input} placeholder="Ask something. Enter sends, Shift+Enter begins a line." value=${text}
      onInput=${(event) => setText(event.currentTarget.value)} onKeyDown=${onKey}></textarea>
    <div class="actions">
      ${canSee && html`<label class="button plain file">Add image<input class="heard" type="file" accept="image/*" multiple ref=${files} onChange=${onFiles} /></label>`}
      <span class="gap"></span>
      ${running && html`<button type="button" class="button" onClick=${stopAll}>Stop</button>`}
      <button type="submit" class="button main" disabled=${!ready}>Send</button>
    </div>
  </form>`;
}

function asDataUrl(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(file);
  });
}
