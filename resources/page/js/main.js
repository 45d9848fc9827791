// The page: which view is at which address, what is above every view, and what screen readers announce.
import { lookAtLogin } from "./api.js";
import { begin, follow } from "./events.js";
import { html, render, useEffect, useRef, useState } from "./html.js";
import { Button, Chip, Copy, styled } from "./parts.js";
import { allPlaces, isSwitching, nameOf } from "./places.js";
import { dismiss, store, useStore } from "./store.js";
import { Slots } from "./views/slots.js";
import { STATES, clock } from "./words.js";

async function loadChat() {
  const [view] = await Promise.all([import("/page/js/views/chat.js"), styled("/page/css/chat.css")]);
  return view.Chat;
}

// Views that are not seen first are fetched when they are needed.
const VIEWS = [
  { id: "slots", title: "Slots", load: async () => Slots },
  { id: "chat", title: "Try it", load: loadChat },
  { id: "models", title: "Models", load: async () => (await import("/page/js/views/models.js")).Models },
  { id: "activity", title: "Activity", load: async () => (await import("/page/js/views/activity.js")).Activity },
  { id: "logs", title: "Logs", load: async () => (await import("/page/js/views/logs.js")).Logs },
  { id: "settings", title: "Settings", load: async () => (await import("/page/js/views/settings.js")).Settings },
];
const loaded = { slots: Slots };

/** "#/chat/primary" -> {view: "chat", about: "primary"} */
function address() {
  const [, view, ...about] = location.hash.split("/");
  const known = VIEWS.find((item) => item.id === view) || VIEWS[0];
  return { view: known, about: decodeURIComponent(about.join("/")) };
}

function App() {
  const { snapshot, link, askKey, notices, refusal } = useStore();
  const [at, setAt] = useState(address());
  const [, again] = useState(0);
  const main = useRef();
  useEffect(() => {
    const onChange = () => {
      setAt(address());
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  useEffect(() => {
    document.title = `${at.view.title} – hal0`;
    document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { id, load } = at.view;
    if (!loaded[id]) load().then((view) => { loaded[id] = view; again((n) => n + 1); });
  }, [at]);
  useEffect(() => {
    if (askKey && !loaded.login) import("/page/js/login.js").then(({ Login }) => { loaded.login = Login; again((n) => n + 1); });
  }, [askKey]);
  const View = loaded[at.view.id];
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>Skip to content</a>
    <${Header} snapshot=${snapshot} link=${link} at=${at} />
    <main id="main" tabindex="-1" ref=${main}>
      <${Link} link=${link} snapshot=${snapshot} refusal=${refusal} />
      ${snapshot && View && html`<${View} about=${at.about} snapshot=${snapshot} live=${link === "live"} />`}
      ${!snapshot && link === "connecting" && html`<p class="waiting">Asking hal0…</p>`}
    </main>
    <div class="notices" role="status" aria-live="polite">
      ${notices.map((notice) => html`<div key=${notice.id} class="notice ${notice.bad ? "bad" : ""}">
        <span>${notice.text}</span>
        <button type="button" class="button plain" aria-label="Dismiss" onClick=${() => dismiss(notice.id)}>✕</button>
      </div>`)}
    </div>
    <${Announcer} snapshot=${snapshot} />
    ${askKey && loaded.login && html`<${loaded.login} asked=${askKey} />`}`;
}

function Header({ snapshot, link, at }) {
  const url = `${location.origin}/v1`;
  const server = snapshot?.server;
  const [tone, word] = link === "live" ? (server.state === "running" ? ["good", "Running"] : ["busy", server.state])
    : link === "lost" ? ["bad", "Offline"] : link === "refused" ? ["bad", "Key needed"] : ["busy", "Connecting"];
  return html`<header>
    <div class="bar">
      <a class="brand" href="#/slots"><img src="/page/icon.svg" alt="" width="28" height="28" />hal0</a>
      <${Chip} tone=${tone}>${word}<//>
      <span class="endpoint"><code>${url}</code><${Copy} text=${url} label="Copy the endpoint's URL" /></span>
    </div>
    <nav aria-label="Views"><ul>
      ${VIEWS.map((view) => html`<li key=${view.id}><a href=${`#/${view.id}`}
        aria-current=${view.id === at.view.id ? "page" : undefined}>${view.title}</a></li>`)}
    </ul></nav>
  </header>`;
}

function Link({ link, snapshot, refusal }) {
  const problem = snapshot?.server.config_error;
  return html`<div class="link" role="status">${link === "lost" && html`<p class="banner bad"><strong>No contact with hal0${store.lostAt ? ` since ${clock(store.lostAt)}` : ""}.</strong>
      ${" "}${snapshot ? "What stands below is from then. " : ""}It is being tried again.</p>`}${refusal && html`<div class="banner bad">
      ${snapshot ? html`<p><strong>Without another key nothing new is shown.</strong></p>` : html`<h1>Another key is needed</h1>`}
      <p>${refusal.message}</p><${Button} action=${refusal.again}>Enter a key<//></div>`}${problem && html`<p class="banner"><strong>hal0.yaml has an error, so its last changes are not in effect.</strong> ${problem}</p>`}</div>`;
}

/** Announces each slot's phase once, not every percent. */
function Announcer({ snapshot }) {
  const before = useRef(new Map());
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!snapshot) return;
    const now = new Map(allPlaces(snapshot).map((place) => [place.name, place]));
    const news = [...now.values()].filter(({ name, slot }) => before.current.has(name) && before.current.get(name) !== slot.state);
    if (news.length) setSaid(news.map(phaseWords).join(". "));
    before.current = new Map([...now.values()].map(({ name, slot }) => [name, slot.state]));
  }, [snapshot]);
  return html`<div class="heard" role="status" aria-live="polite">${said}</div>`;
}

function phaseWords({ name, slot, snapshot }) {
  const id = isSwitching(slot) ? slot.target : slot.model;
  return `${name}: ${STATES[slot.state]}${id ? ` ${nameOf(snapshot, id)}` : ""}`;
}

begin();
render(html`<${App} />`, document.getElementById("app"));
document.querySelector("noscript")?.remove();
follow();
lookAtLogin().catch(() => {}); // this only finds out whether there is somebody to sign out
