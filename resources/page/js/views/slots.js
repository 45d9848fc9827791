// What every slot holds and does, and where the memory is.
import { wantFits } from "../events.js";
import { html, useEffect } from "../html.js";
import { send } from "../api.js";
import { Button, Empty } from "../parts.js";
import { allPlaces } from "../places.js";
import { Memory } from "./memory.js";
import { SlotCard } from "./slot_card.js";

export function Slots({ snapshot, live }) {
  useEffect(wantFits, []);
  const places = allPlaces(snapshot);
  const here = places.filter((place) => !place.remote);
  const others = snapshot.upstreams.filter((upstream) => upstream.kind === "hal0");
  const loaded = here.some(({ slot }) => slot.pid !== null);
  return html`
    <div class="heading"><h1>Slots</h1>
      ${here.length > 1 && html`<${Button} disabled=${!live || !loaded} action=${() => send("/api/unload")}>Unload all<//>`}
    </div>
    ${snapshot.models.length === 0 && html`<${Empty} title="No model yet">
      Put GGUF files into a model folder, or <a href="#/models">fetch one from Hugging Face</a>.<//>`}
    ${here.length === 0 && html`<${Empty} title="No slots">Add one under <code>slots:</code> in hal0.yaml.<//>`}
    <ul class="cards" aria-label="Slots">
      ${here.map((place) => html`<li key=${place.name}><${SlotCard} place=${place} live=${live} /></li>`)}
    </ul>
    ${others.map((upstream) => html`<section key=${upstream.name} aria-labelledby=${`hal0-${upstream.name}`}>
      <h2 id=${`hal0-${upstream.name}`}>${upstream.name}</h2>
      <p class="muted">${upstream.remote ? upstream.base_url : upstream.error || "No contact yet."}</p>
      <ul class="cards" aria-label=${`Slots of ${upstream.name}`}>
        ${places.filter((place) => place.remote === upstream).map((place) =>
          html`<li key=${place.name}><${SlotCard} place=${place} live=${live} /></li>`)}
      </ul>
    </section>`)}
    <${Memory} snapshot=${snapshot} live=${live} />`;
}
