// Requests to hal0. If a key is needed, the person is asked for it once, and the request is sent again.
import { changed, store } from "./store.js";

export class Failed extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** fetch, with the login in between. Throws Failed; an AbortError is passed on as it is. */
export async function ask(path, options = {}) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failed("hal0 cannot be reached.");
    }
    if (response.ok) return response;
    const failed = await failure(response);
    const otherKey = options.orOtherKey && failed.code === "auth.not_allowed";
    if ((failed.status !== 401 && !otherKey) || options.noLogin) throw failed;
    if (!(await signIn(otherKey ? failed.message : ""))) throw failed;
  }
}

async function failure(response) {
  let told = null;
  try {
    told = (await response.json()).error;
  } catch {
    // Not from hal0 itself, but from a proxy in between, say.
  }
  const message = told?.message || (typeof told === "string" ? told : `${response.status} ${response.statusText}`);
  const failed = new Failed(message, response.status, told?.code || "");
  failed.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return failed;
}

export async function read(path, options) {
  return (await ask(path, options)).json();
}

export async function send(path, body = {}, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body), ...options })).json();
}

export async function lookAtLogin() {
  store.login = await read("/api/login");
  changed();
}

let asking = null;

/** Ask for a key until it is right, for `why` the one there is does not do; false if the person gives up. All callers wait for the same answer. */
function signIn(why) {
  asking ??= keyAsked(why).finally(() => {
    asking = null;
    store.askKey = null;
    changed();
  });
  return asking;
}

async function keyAsked(error) {
  for (;;) {
    const key = await new Promise((answer) => {
      store.askKey = { error, answer, cancel: () => answer(null) };
      changed();
    });
    if (key === null) return false;
    try {
      store.login = await send("/api/login", { key }, { noLogin: true });
      return true;
    } catch (failed) {
      error = failed.retryAfter ? `${failed.message} (${failed.retryAfter} s)` : failed.message;
    }
  }
}

export async function signOut() {
  store.login = await send("/api/logout");
  changed();
}
