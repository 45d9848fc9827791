// A model's Markdown as elements. What a model says is untrusted: only what is listed here gets through, no
// names or styles of the page, nothing that loads or sends; and the page's policy runs no script but its own files.
import { Marked } from "../../vendor/marked.js";
import "../../vendor/purify.js";

const { DOMPurify } = globalThis;
const TAGS = [
  ...["a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p"],
  ...["pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"],
];
const RULES = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ["href", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: true,
};

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // HTML that a model writes is shown as text.
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  }
  if (node.tagName === "PRE") node.setAttribute("tabindex", "0"); // it may have to be scrolled with the keyboard
});

/** Markdown as a fragment of elements that are safe to put into the page. */
export function rendered(text) {
  return sanitized(marked.parse(text));
}

/** The same for HTML. */
export function sanitized(html) {
  return DOMPurify.sanitize(html, RULES);
}

function escaped(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
