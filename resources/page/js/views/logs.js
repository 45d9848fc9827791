// hal0's own log, and each engine's: the last lines, refreshed.
import { Copy, Empty, Failed, allPlaces, html, read, useEffect, useLayoutEffect, useRef, useState } from "../shared.js";

const EVERY = 2000;

export function Logs({ snapshot, about, live }) {
  const places = allPlaces(snapshot).filter(({ slot }) => slot.upstream === null);
  const place = places.find(({ name }) => name === about);
  const path = place ? `${place.path}/logs` : "/api/log";
  const [log, setLog] = useState({ path, lines: null });
  const [search, setSearch] = useState("");
  const [following, setFollowing] = useState(true);
  const box = useRef();
  useEffect(() => {
    if (!live) return undefined;
    let gone = false;
    const look = async () => {
      try {
        const { lines } = await read(path);
        if (!gone) setLog({ path, lines });
      } catch (error) {
        if (!(error instanceof Failed)) throw error;
      }
    };
    look();
    const timer = setInterval(look, EVERY);
    return () => { gone = true; clearInterval(timer); };
  }, [path, live]);
  const wanted = search.toLowerCase();
  const lines = log.path === path ? log.lines?.filter((line) => line.toLowerCase().includes(wanted)) : null;
  useLayoutEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines?.length, lines?.at(-1), following]);
  return html`<div class="heading"><h1>Logs</h1>${lines && html`<${Copy} text=${() => lines.join("\n")} label="Copy the log" />`}</div>
    <div class="choose">
      <div class="pair"><label for="log-of">Of</label>
      <select id="log-of" value=${place ? place.name : ""} onChange=${(event) => { location.hash = `#/logs/${encodeURIComponent(event.currentTarget.value)}`; }}>
        <option value="">hal0</option>
        ${places.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></div>
      <label class="tick"><input type="checkbox" checked=${following} onChange=${(event) => setFollowing(event.currentTarget.checked)} />Follow</label>
      <div class="pair grow"><label for="log-search">Only lines with</label>
      <input id="log-search" type="search" value=${search} onInput=${(event) => setSearch(event.currentTarget.value)} /></div>
    </div>
    ${lines?.length ? html`<pre class="log" ref=${box} tabindex="0" role="region" aria-label="Log">${lines.join("\n")}</pre>`
      : html`<${Empty} title=${lines ? (search ? "No line has that" : "Nothing yet") : "Reading…"} />`}`;
}
