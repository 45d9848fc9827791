// Models from Hugging Face: what a repository has, and what is on its way.
import { Button, Progress, duration, fileSize, html, memorySize, read, send, useState } from "../shared.js";

const STATES = { queued: "Waiting", running: "Fetching", paused: "Paused", failed: "Failed", done: "Here" };

export function Downloads({ snapshot, live }) {
  const [reference, setReference] = useState("");
  const [offer, setOffer] = useState(null);
  const look = async () => {
    setOffer(null);
    setOffer(await read(`/api/hub/plan?ref=${encodeURIComponent(reference.trim())}`));
  };
  return html`<section aria-labelledby="fetch"><h2 id="fetch">From Hugging Face</h2>
    <form class="choose" onSubmit=${(event) => event.preventDefault()}>
      <label for="reference">Repository</label>
      <input id="reference" type="text" placeholder="org/repo or its address" value=${reference} autocomplete="off" spellcheck="false"
        onInput=${(event) => setReference(event.currentTarget.value)} />
      <${Button} kind="main" disabled=${!live || !reference.trim()} action=${look}>Look<//>
    </form>
    ${offer && html`<${Offer} offer=${offer} live=${live} done=${() => setOffer(null)} />`}
    ${snapshot.downloads.length > 0 && html`<ul class="rows" aria-label="Downloads">${snapshot.downloads.map((download) =>
      html`<li key=${download.reference}><${Download} download=${download} live=${live} /></li>`)}</ul>`}
  </section>`;
}

function Offer({ offer, live, done }) {
  return html`<div class="card"><h3>${offer.repo}</h3>
    <p class="muted">${fileSize(offer.disk_free)} free in ${offer.folder}</p>
    ${offer.warning && html`<p class="bad">${offer.warning}</p>`}
    <ul class="rows" aria-label=${`Models of ${offer.repo}`}>${offer.models.map((model) => html`<li key=${model.reference}><div class="model">
      <div><strong>${model.label}</strong>${model.reference === offer.chosen ? " · recommended" : ""}
        <p class="muted">${[fileSize(model.total_bytes), model.has_projector && "with its projector", roomWords(model.room)].filter(Boolean).join(" · ")}</p></div>
      ${model.here ? html`<span class="good">Here</span>`
        : html`<${Button} disabled=${!live} label=${`Fetch ${model.reference}`}
            action=${async () => { await send("/api/downloads", { reference: model.reference }); done(); }}>Fetch<//>`}
    </div></li>`)}</ul></div>`;
}

function roomWords(room) {
  if (!room) return "";
  return room.fits ? "fits" : `needs ${memorySize(room.needs)}, ${memorySize(Math.abs(room.margin))} short`;
}

function Download({ download, live }) {
  const { reference, state } = download;
  const share = download.total_bytes ? Math.floor((100 * download.done_bytes) / download.total_bytes) : null;
  const step = (word) => () => send(`/api/downloads/${word}`, { reference });
  const facts = [
    STATES[state] || state,
    state !== "done" && download.total_bytes && `${fileSize(download.done_bytes)} of ${fileSize(download.total_bytes)}`,
    state === "running" && download.speed && `${fileSize(download.speed)}/s`,
    state === "running" && download.seconds_left && `${duration(download.seconds_left)} left`,
  ].filter(Boolean);
  return html`<div class="model"><div><strong>${reference}</strong>
      <p class="muted">${facts.join(" · ")}</p>
      ${state !== "done" && html`<${Progress} value=${share} label=${`Download of ${reference}`} />`}
      ${download.error && html`<p class="bad">${download.error}</p>`}</div>
    <div class="actions">
      ${(state === "running" || state === "queued") && html`<${Button} disabled=${!live} label=${`Pause ${reference}`} action=${step("pause")}>Pause<//>`}
      ${(state === "paused" || state === "failed") && html`<${Button} disabled=${!live} label=${`Go on with ${reference}`} action=${step("resume")}>Go on<//>`}
      ${html`<${Button} kind="plain" disabled=${!live} label=${state === "done" ? `Clear ${reference} from this list` : `Delete what came of ${reference}`}
        action=${step("remove")}>${state === "done" ? "Clear" : "Delete"}<//>`}
    </div></div>`;
}
