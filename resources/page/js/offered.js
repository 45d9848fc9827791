// What the first view shares with those that come later (shared.js).
export * from "./api.js";
export * from "./events.js";
export * from "./html.js";
export * from "./parts.js";
export * from "./places.js";
export * from "./sse.js";
export * from "./store.js";
export * from "./words.js";
