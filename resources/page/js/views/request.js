// One request: what is known of it, and what happened when.
import { timeline } from "../activity.js";
import { html, isolated, read, span, useEffect, useState } from "../shared.js";

export function RequestDetails({ record }) {
  const [whole, setWhole] = useState(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    // A record that is not kept has no texts either; all else is known.
    read(`/api/activity/${record.id}`).then(setWhole, (error) => error.code !== "activity.not_found" && setProblem(error.message));
  }, [record.id]);
  const facts = [
    ["Request", record.request], ["Asked for", isolated(record.asked)], ["Found by", record.resolution_path], ["Path", record.path],
    ["Client", [record.client, record.agent, record.key].filter(Boolean).join(" · ")],
    ["Answered by", [record.slot, record.upstream, record.model].filter(Boolean).map(isolated).join(" · ")],
    ["Switch", record.switch && `${record.switch}${record.switched_from ? `, ${record.switched_from} made room` : ""}`],
    ["Tokens", record.tokens_completion !== null && `${record.tokens_prompt ?? "?"} in (${record.tokens_cached ?? 0} cached), ${record.tokens_completion} out`],
    ["Bytes", `${record.bytes_in} in, ${record.bytes_out} out`],
  ].filter(([, value]) => value);
  return html`<div class="request">
    ${record.error && html`<div class="problem"><p>${record.error}</p><p class="muted">${record.code}</p></div>`}
    ${problem && html`<p class="bad">${problem}</p>`}
    <${Timeline} steps=${timeline(record)} total=${record.total_s} />
    ${whole?.body && html`<${Said} label="What was asked" text=${whole.body.request} /><${Said} label="What was answered" text=${whole.body.answer} />`}
    <dl>${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </div>`;
}

function Said({ label, text }) {
  return html`<details><summary>${label}</summary><pre class="log" tabindex="0" role="region" aria-label=${label}>${text}</pre></details>`;
}

function Timeline({ steps, total }) {
  const share = (at) => (total > 0 ? (100 * Math.min(at, total)) / total : 0);
  return html`<ol class="timeline" aria-label="What happened when">
    ${steps.map((step, index) => {
      const until = steps[index + 1]?.s ?? step.s;
      return html`<li key=${index}><span class="what">${step.what}</span><span class="number">${span(step.s)}</span>
        <svg aria-hidden="true" preserveAspectRatio="none"><rect x=${`${share(step.s)}%`} width=${`max(2px, ${share(until - step.s)}%)`} height="100%"></rect></svg></li>`;
    })}
  </ol>`;
}
