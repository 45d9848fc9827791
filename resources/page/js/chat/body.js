// What is sent for one question, and the same as a curl command and as Python. Pure.

export const SAMPLING = [
  ["temperature", "Temperature", "0–2"],
  ["top_p", "Top p", "0–1"],
  ["top_k", "Top k", "40"],
  ["min_p", "Min p", "0.05"],
  ["max_tokens", "Most tokens", "no limit"],
  ["seed", "Seed", "any"],
];
// OpenAI's own client has no names for these.
const EXTRA = ["top_k", "min_p"];

/** `turns`: [{role, text, images, failed}]; `options`: {system, temperature, …}, all of them text. */
export function requestBody(model, turns, options) {
  const messages = turns.filter((turn) => !turn.failed).map(message);
  if (options.system?.trim()) messages.unshift({ role: "system", content: options.system });
  const body = { model, messages };
  for (const [name] of SAMPLING) {
    const written = (options[name] ?? "").trim();
    if (written !== "" && Number.isFinite(Number(written))) body[name] = Number(written);
  }
  return { ...body, stream: true, stream_options: { include_usage: true } };
}

function message({ role, text, images }) {
  if (!images?.length) return { role, content: text };
  const seen = images.map((url) => ({ type: "image_url", image_url: { url } }));
  return { role, content: [...(text ? [{ type: "text", text }] : []), ...seen] };
}

export function asCurl(origin, body, needsKey) {
  const key = needsKey ? '  -H "Authorization: Bearer $HAL0_API_KEY" \\\n' : "";
  return `curl -N ${origin}/v1/chat/completions \\
  -H 'Content-Type: application/json' \\
${key}  --data-binary @- <<'JSON'
${JSON.stringify(body)}
JSON`;
}

export function asPython(origin, body, needsKey) {
  const named = Object.entries(body).filter(([name]) => !EXTRA.includes(name));
  const extra = Object.fromEntries(Object.entries(body).filter(([name]) => EXTRA.includes(name)));
  if (Object.keys(extra).length) named.push(["extra_body", extra]);
  const given = named.map(([name, value]) => `    ${name}=${literal(value)},`).join("\n");
  const key = needsKey ? 'os.environ["HAL0_API_KEY"]' : '"none"';
  return `${needsKey ? "import os\n\n" : ""}from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key=${key})
stream = client.chat.completions.create(
${given}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
`;
}

/** A Python literal; JSON's texts and numbers are Python's, too. */
function literal(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  if (value === null) return "None";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item)}`).join(", ")}}`;
  }
  return JSON.stringify(value);
}
