// What packaging/page_bundle.py makes app.js of: the first view, and what those that come later share with it.
export * from "./api.js";
export * from "./events.js";
export * from "./html.js";
export * from "./parts.js";
export * from "./places.js";
export * from "./sse.js";
export * from "./store.js";
export * from "./words.js";
import "./main.js";
