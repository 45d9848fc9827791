// What packaging/page_bundle.py makes app.js of. That stands in the page itself, where no import finds it: views that
// come later take what they share with it from `hal0` (shared.js).
import * as offered from "./offered.js";
import "./main.js";

globalThis.hal0 = offered;
