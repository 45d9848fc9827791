// Asks for one of hal0's API keys.
import { html, useEffect, useRef } from "./shared.js";

export function Login({ asked }) {
  const dialog = useRef();
  const input = useRef();
  useEffect(() => {
    if (!dialog.current.open) dialog.current.showModal();
    input.current.value = "";
    input.current.focus();
  }, [asked]);
  const onSubmit = (event) => {
    event.preventDefault();
    asked.answer(input.current.value);
  };
  const onCancel = (event) => {
    event.preventDefault();
    asked.cancel();
  };
  return html`<dialog class="login" ref=${dialog} aria-labelledby="login-title" onCancel=${onCancel}>
    <form onSubmit=${onSubmit}>
      <h2 id="login-title">An API key is needed</h2>
      <p id="login-help">One of <code>server.api_keys</code> in hal0.yaml. This browser is then let in for 30 days.</p>
      <label for="login-key">API key</label>
      <input id="login-key" type="password" autocomplete="current-password" required ref=${input}
        aria-describedby="login-help login-error" aria-invalid=${asked.error ? "true" : undefined} />
      <p id="login-error" class="bad" role="alert">${asked.error}</p>
      <div class="actions">
        <button type="button" class="button plain" onClick=${() => asked.cancel()}>Not now</button>
        <button type="submit" class="button main">Open</button>
      </div>
    </form>
  </dialog>`;
}
