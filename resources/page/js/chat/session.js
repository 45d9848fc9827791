// The conversations: one for each of the models asked side by side. They last while the page is open.
import { changed } from "../shared.js";
import { receive } from "./answer.js";
import { requestBody } from "./body.js";

export const session = {
  panes: [], // {id, model, turns, stop}
  options: { system: "" },
  images: [], // data: URLs that go with the next question
};

let lastId = 0;

export function addPane(model) {
  // A pane that joins starts without the questions asked before.
  session.panes = [...session.panes, { id: ++lastId, model, turns: [], stop: null }];
  changed();
}

export function removePane(pane) {
  pane.stop?.abort();
  session.panes = session.panes.filter((other) => other !== pane);
  changed();
}

export function clear() {
  for (const pane of session.panes) {
    pane.stop?.abort();
    pane.turns = [];
  }
  changed();
}

export function isRunning() {
  return session.panes.some((pane) => pane.stop);
}

/** Put the question to every pane. */
export function askAll(text, images) {
  for (const pane of session.panes) {
    pane.turns = [...pane.turns, { role: "user", text, images }];
    answer(pane);
  }
}

/** Ask for the last answer of a pane once more. */
export function retry(pane) {
  pane.stop?.abort();
  pane.turns = pane.turns.slice(0, pane.turns.findLastIndex((turn) => turn.role === "user") + 1);
  return answer(pane);
}

export function stopAll() {
  for (const pane of session.panes) pane.stop?.abort();
}

async function answer(pane) {
  const body = requestBody(pane.model, heard(pane.turns), session.options);
  const turn = { role: "assistant", text: "", thinking: "", pieces: 0, running: true, waiting: "", body };
  const stop = new AbortController();
  pane.turns = [...pane.turns, turn];
  pane.stop = stop;
  changed();
  await receive(body, turn, stop.signal, changed);
  if (pane.stop === stop) pane.stop = null;
  changed();
}

/** The turns that are sent again: neither failures, nor a question that was not answered. */
function heard(turns) {
  return turns.filter((turn, index) => {
    const reply = turn.role === "user" ? turns[index + 1] : turn;
    return !reply || reply.text !== "";
  });
}
