// openai-node and the AI SDK, in the manner of scripts/relay.py: `ready`, then for each line on stdin
// {"round", "base", "model"} all cases at once, one JSON line per case, then `done`.
import { createInterface } from "node:readline";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const HELLO = [{ role: "user", content: "Hello?" }];
const HEADERS_MS = 5_000; // of streams; for other answers the timer runs until the body's last byte

function client(base, id, timeout = HEADERS_MS) {
  const defaultHeaders = { "X-Request-Id": id };
  return new OpenAI({ baseURL: base + "/v1", apiKey: "none", maxRetries: 0, timeout, defaultHeaders });
}

function sdk(base, model, id) {
  const headers = { "X-Request-Id": id };
  return createOpenAICompatible({ name: "hal0", baseURL: base + "/v1", headers })(model);
}

// An error in a body that began as 200 is not raised: callers find it where the choices should be.
function failed(answer) {
  throw new Error(answer.error.message);
}

const cases = {
  async openai_whole(base, model, id) {
    const answer = await client(base, id, 60_000).chat.completions.create({ model, messages: HELLO });
    return answer.choices ? answer.choices[0].message.content : failed(answer);
  },
  async openai_streamed(base, model, id) {
    const chunks = await client(base, id).chat.completions.create({ model, messages: HELLO, stream: true });
    let text = "";
    for await (const chunk of chunks) text += chunk.choices[0].delta.content ?? "";
    return text;
  },
  async openai_helper(base, model, id) {
    return await client(base, id).chat.completions.stream({ model, messages: HELLO }).finalContent();
  },
  async openai_response_streamed(base, model, id) {
    const events = await client(base, id).responses.create({ model, input: "Hello?", stream: true });
    let text = "";
    for await (const event of events) if (event.type === "response.output_text.delta") text += event.delta;
    return text;
  },
  async sdk_whole(base, model, id) {
    const answer = await generateText({ model: sdk(base, model, id), prompt: "Hello?", maxRetries: 0 });
    return answer.text;
  },
  async sdk_streamed(base, model, id) {
    let problem;
    const onError = ({ error }) => (problem = error);
    const result = streamText({ model: sdk(base, model, id), prompt: "Hello?", maxRetries: 0, onError });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    if (problem) throw problem;
    return text;
  },
};

async function run(name, { round, base, model }) {
  const began = performance.now();
  const seen = { case: name, text: null, error: null };
  try {
    seen.text = await cases[name](base, model, `${round}.${name}`);
  } catch (error) {
    // The AI SDK says "Invalid JSON response" of an error in a body that began as 200; the body is beside it.
    seen.error = `${error.name}: ${error.message} ${error.responseBody?.trim() ?? ""}`;
  }
  seen.seconds = (performance.now() - began) / 1000;
  console.log(JSON.stringify(seen));
}

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  await Promise.all(Object.keys(cases).map((name) => run(name, asked)));
  console.log("done");
}
