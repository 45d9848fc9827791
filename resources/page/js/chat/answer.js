// One answer as it arrives: its text, its thinking, and how fast it was.
import { ask, events } from "../shared.js";

/** Fills `turn` (its text, thinking, model, tokens, …) until the answer ends; `onChange` after each piece. */
export async function receive(body, turn, signal, onChange) {
  const began = performance.now();
  try {
    const headers = { "Content-Type": "application/json" };
    const options = { method: "POST", headers, body: JSON.stringify(body), signal };
    const response = await ask("/v1/chat/completions", options);
    turn.servedBy = response.headers.get("X-Hal0-Served-By");
    await read(response, turn, began, onChange);
    if (!turn.finish && !turn.error) turn.error = "The answer ended before its end.";
  } catch (error) {
    if (error.name === "AbortError") turn.stopped = true;
    else turn.error = error.message;
  }
  turn.waiting = "";
  turn.running = false;
  turn.seconds = (performance.now() - began) / 1000;
  onChange();
}

async function read(response, turn, began, onChange) {
  for await (const { data, comment } of events(response)) {
    if (comment !== undefined) {
      if (comment.startsWith("hal0 served-by ")) turn.servedBy = comment.slice(15);
      else if (comment.startsWith("hal0 ")) turn.waiting = comment.slice(5);
      onChange();
      continue;
    }
    if (data === "[DONE]") return;
    take(JSON.parse(data), turn, began);
    onChange();
  }
}

function take(chunk, turn, began) {
  if (chunk.error) {
    turn.error = chunk.error.message || String(chunk.error);
    return;
  }
  const choice = chunk.choices?.[0];
  const { content, reasoning_content: reasoning, reasoning: otherReasoning } = choice?.delta ?? {};
  const thought = reasoning || otherReasoning;
  if (content || thought) {
    turn.firstToken ??= (performance.now() - began) / 1000;
    turn.lastToken = (performance.now() - began) / 1000;
    turn.waiting = "";
    turn.pieces++;
  }
  if (thought) turn.thinking += thought;
  if (content) turn.text += content;
  if (choice?.finish_reason) turn.finish = choice.finish_reason;
  if (chunk.model) turn.model = chunk.model;
  if (chunk.usage) turn.tokens = chunk.usage.completion_tokens;
  if (chunk.timings?.predicted_per_second) turn.speed = chunk.timings.predicted_per_second;
}

/** "42 tokens/s · 128 tokens · first after 0.8 s · qwen3" */
export function answerWords(turn) {
  const count = turn.tokens ?? turn.pieces;
  const took = turn.lastToken - turn.firstToken;
  const speed = turn.speed ?? (count > 1 && took > 0.05 ? (count - 1) / took : null);
  return [
    speed && `${speed.toFixed(speed < 10 ? 1 : 0)} tokens/s`,
    count && `${count} tokens`,
    turn.firstToken !== undefined && `first after ${turn.firstToken.toFixed(1)} s`,
    turn.model,
    turn.servedBy && `by ${turn.servedBy}`,
    turn.stopped && "stopped",
    turn.finish === "length" && "cut at the token limit",
  ].filter(Boolean).join(" · ");
}
