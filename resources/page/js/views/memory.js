// The memory of each device: who holds it now, and the last hour.
import { Failed, read } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { styled } from "../parts.js";
import { gpus, isolated, memorySize, timeOfDay } from "../words.js";

const EVERY = 10000; // ms
const HEIGHT = 110;

export function Memory({ snapshot, live }) {
  const [history, setHistory] = useState(null);
  useEffect(() => {
    if (!live) return undefined;
    const look = () => read("/api/memory/history", { noLogin: true }).then(setHistory, (error) => {
      if (!(error instanceof Failed)) throw error; // the event stream says that the link is lost
    });
    look();
    const timer = setInterval(look, EVERY);
    return () => clearInterval(timer);
  }, [live]);
  if (!snapshot.memory.length) return null;
  const several = snapshot.memory.filter((device) => device.is_gpu).length > 1;
  return html`<section aria-labelledby="memory">
    <h2 id="memory">Memory</h2>
    <ul class="cards wide">${snapshot.memory.map((device, index) => html`<li key=${index}>
      <${Device} device=${device} past=${history?.devices[index]?.name === device.name ? history : null} index=${index}
        slots=${snapshot.slots} several=${several} /></li>`)}
    </ul>
  </section>`;
}

function Device({ device, past, index, slots, several }) {
  const name = several ? `${gpus([index])} · ${device.name}` : device.name;
  const ours = Math.min(device.used, device.used_by_slots);
  const others = device.used - ours;
  const free = Math.max(0, device.total - device.used);
  const holders = slots.filter((slot) => slot.memory_by_device[index] > 0)
    .map((slot) => `${isolated(slot.name)} ${slot.memory_estimated ? "~" : ""}${memorySize(slot.memory_by_device[index])}`);
  const words = [...holders, `other programs ${memorySize(others)}`, `free ${memorySize(free)} of ${memorySize(device.total)}`];
  const share = (bytes) => `${(100 * bytes) / device.total}%`;
  return html`<article class="card memory" aria-label=${name}>
    <div class="head"><h3>${name}</h3>
      ${device.utilisation !== null && html`<span class="muted">busy ${device.utilisation}%</span>`}</div>
    <svg class="bar-of" role="img" aria-label=${`${memorySize(device.used)} of ${memorySize(device.total)} used`} preserveAspectRatio="none">
      <rect class="ours" width=${share(ours)} height="100%"></rect>
      <rect class="others" x=${share(ours)} width=${share(others)} height="100%"></rect>
    </svg>
    <p class="muted">${words.join(" · ")}</p>
    ${past && html`<${Hour} past=${past} device=${past.devices[index]} />`}
  </article>`;
}

/** The last hour as a curve; `past` is what /api/memory/history returns. */
function Hour({ past, device }) {
  const box = useRef();
  const chart = useRef(null);
  const [dark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const onChange = () => setDark(scheme.matches);
    scheme.addEventListener("change", onChange);
    return () => scheme.removeEventListener("change", onChange);
  }, []);
  useEffect(() => {
    let gone = false;
    const around = box.current;
    const fit = new ResizeObserver(() => chart.current?.setSize({ width: around.clientWidth, height: HEIGHT }));
    Promise.all([import("/page/vendor/uplot.js"), styled("/page/vendor/uplot.css")]).then(([{ default: UPlot }]) => {
      if (gone) return;
      const steps = UPlot.paths.stepped({ align: 1 });
      chart.current = new UPlot(look(around, device.total, steps), series(past, device), around);
      fit.observe(around);
    });
    return () => {
      gone = true;
      fit.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [dark, device.total]);
  useEffect(() => chart.current?.setData(series(past, device)), [past]);
  const most = Math.max(0, ...device.used);
  return html`<figure class="hour"><div ref=${box} role="img"
      aria-label=${`The last hour of ${device.name}: at most ${memorySize(most)} used`}></div>
    <figcaption class="muted"><span class="key ours"></span>slots <span class="key others"></span>all programs, last hour</figcaption></figure>`;
}

/** Steps from an hour ago until now, since a sample holds until the next one. */
function series(past, device) {
  const now = Date.now() / 1000;
  const begin = now - past.span;
  const at = past.at.map((time) => Math.max(begin, time));
  const held = (values) => [...values, values[values.length - 1] ?? null];
  return [[...at, now], held(device.used), held(device.used_by_slots)];
}

function look(box, total, steps) {
  const style = getComputedStyle(box);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width: Math.max(200, box.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: () => [Date.now() / 1000 - 3600, Date.now() / 1000] },
      y: { range: [0, total] },
    },
    axes: [
      { ...axis, size: 22, space: 90, values: (_chart, times) => times.map((time) => timeOfDay(time)) },
      { ...axis, size: 64, space: 30, values: (_chart, bytes) => bytes.map((value) => (value ? memorySize(value) : "0")),
        splits: () => [0, total / 2, total] },
    ],
    series: [
      {},
      { stroke: color("--others"), fill: color("--others-fill"), width: 1.5, paths: steps, points: { show: false } },
      { stroke: color("--accent"), fill: color("--accent-fill"), width: 1.5, paths: steps, points: { show: false } },
    ],
  };
}
