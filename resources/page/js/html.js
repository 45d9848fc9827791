// Preact, with htm instead of a build step.
import { h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { render };
export { useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
export const html = htm.bind(h);
