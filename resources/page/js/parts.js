// Components that several views share.
import { html, useState } from "./html.js";
import { notify } from "./store.js";

/** Load a style sheet that only some views need; resolves when it has loaded. */
export function styled(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

export function Chip({ tone, children }) {
  return html`<span class="chip ${tone}"><span class="mark" aria-hidden="true"></span>${children}</span>`;
}

/** Runs `action`; it cannot be pressed meanwhile, and errors are shown. */
export function Button({ action, kind = "", label, children, disabled, ...rest }) {
  const [busy, setBusy] = useState(false);
  const onClick = async () => {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      if (error.name !== "AbortError") notify(error.message, true);
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" class="button ${kind}" aria-label=${label} aria-busy=${busy || undefined}
    disabled=${busy || disabled} onClick=${onClick} ...${rest}>${children}</button>`;
}

export async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    // Pages served over plain http from another computer have no access to the clipboard API.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notify("Copied.");
}

export function Copy({ text, label, children }) {
  return html`<${Button} kind="plain" label=${label} action=${() => copy(typeof text === "function" ? text() : text)}>
    ${children || "Copy"}<//>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><p class="title">${title}</p>${children && html`<p>${children}</p>`}</div>`;
}

export function Progress({ value, label }) {
  const known = value !== null && value !== undefined;
  return html`<progress aria-label=${label} max="100" value=${known ? value : undefined}>${known ? `${value}%` : ""}</progress>`;
}
