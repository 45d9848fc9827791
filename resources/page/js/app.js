// Made by packaging/page_bundle.py: sha256 411635a250ee3dbce4968cf86ac3ae1730f00d066d56ac6b530f3174273c99f8
// Preact and htm are in it; their licences: vendor/licenses.
(() => {
"use strict";
var __defProp = Object.defineProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// js/offered.js
var offered_exports = {};
__export(offered_exports, {
  Button: () => Button,
  Chip: () => Chip,
  Copy: () => Copy,
  Empty: () => Empty,
  Failed: () => Failed,
  PHASES: () => PHASES,
  Progress: () => Progress,
  STATES: () => STATES,
  SWITCHING: () => SWITCHING,
  ago: () => ago,
  allPlaces: () => allPlaces,
  ask: () => ask,
  begin: () => begin,
  changed: () => changed,
  clock: () => clock,
  copy: () => copy,
  dismiss: () => dismiss,
  duration: () => duration,
  events: () => events,
  fileSize: () => fileSize,
  fitWords: () => fitWords,
  follow: () => follow,
  gpus: () => gpus,
  holdsOf: () => holdsOf,
  html: () => html,
  isSwitching: () => isSwitching,
  isolated: () => isolated,
  lookAtLogin: () => lookAtLogin,
  marks: () => marks,
  memorySize: () => memorySize,
  modelOf: () => modelOf,
  moment: () => moment,
  nameOf: () => nameOf,
  notify: () => notify,
  overlaps: () => overlaps,
  percent: () => percent,
  read: () => read,
  render: () => Q,
  send: () => send,
  signOut: () => signOut,
  span: () => span,
  stateWords: () => stateWords,
  store: () => store,
  styled: () => styled,
  timeOfDay: () => timeOfDay,
  titleOf: () => titleOf,
  tokens: () => tokens,
  tone: () => tone,
  useEffect: () => A2,
  useLayoutEffect: () => F2,
  useRef: () => T2,
  useState: () => d2,
  useStore: () => useStore,
  wantFits: () => wantFits,
  watch: () => watch
});

// vendor/preact.js
var n;
var t;
var r;
var u;
var i;
var f;
var o;
var e;
var l;
var c;
var a;
var s;
var h = /* @__PURE__ */ Symbol.for("pv");
var p = {};
var y = [];
var v = /^m(i|n|o|s|text|space)$/;
var w = Array.isArray;
var d = y.slice;
var _ = Object.assign;
function g(n3) {
  n3 && n3.parentNode && n3.remove();
}
function k(n3, t4, r3) {
  var u3, i3, f3, o3 = {}, e3 = arguments.length;
  for (f3 in t4) "key" == f3 ? u3 = t4[f3] : "ref" == f3 && "function" != typeof n3 ? i3 = t4[f3] : o3[f3] = t4[f3];
  return e3 > 2 && (o3.children = e3 > 3 ? d.call(arguments, 2) : r3), m(n3, o3, u3, i3, null);
}
function m(r3, u3, i3, f3, o3) {
  var e3 = { type: r3, props: u3, key: i3, ref: f3, __k: null, __: null, __b: 0, __e: null, __c: null, constructor: h, __v: o3 || ++t, __i: -1, __u: 0 };
  return !o3 && n.vnode && n.vnode(e3), e3;
}
function $(n3) {
  return n3.children;
}
function x(n3, t4) {
  this.props = n3, this.context = t4, this.__g = 0;
}
function S(n3, t4) {
  if (null == t4) return n3.__ && S(n3.__, n3.__i + 1);
  for (var r3; t4 < n3.__k.length; t4++) if ((r3 = n3.__k[t4]) && r3.__e) return r3.__e;
  return "function" != typeof n3.type || n3.props.__P ? null : S(n3);
}
function C(t4) {
  var r3, u3 = t4.__v, i3 = u3.__e, f3 = [], o3 = [], e3 = t4.__P;
  e3 && ((r3 = _({ constructor: h }, u3)).__v = u3.__v + 1, n.vnode && n.vnode(r3), z(e3, r3, u3, t4.__n, e3.namespaceURI, 32 & u3.__u ? [i3] : null, f3, i3 || S(u3), 32 & u3.__u, o3), r3.__v = u3.__v, r3.__.__k[r3.__i] = r3, E(f3, r3, o3), u3.__ = u3.__e = null, r3.__e != i3 && j(r3));
}
function j(n3) {
  if ((n3 = n3.__) && n3.__c && !n3.props.__P) return n3.__e = null, n3.__k.some(function(t4) {
    return t4 && (n3.__e = t4.__e);
  }), j(n3);
}
function L(t4) {
  (8 & t4.__g || (t4.__g |= 8, u.push(t4), f++)) && i == n.debounceRendering || ((i = n.debounceRendering) || queueMicrotask)(H);
}
function H() {
  try {
    for (var n3, t4 = 1; u.length; ) u.length > t4 && u.sort(o), n3 = u.shift(), t4 = u.length, 8 & n3.__g && C(n3);
  } finally {
    (f = u.length) && (i || queueMicrotask)(H);
  }
}
function I(n3, t4, r3, u3, i3, f3, o3, e3, l3, c3, a3) {
  var s3, h3, v3, w3, d3, _3, g3 = u3.__k || y, k3 = t4.length;
  for (l3 = q(r3, t4, g3, l3, k3), s3 = 0; s3 < k3; s3++) null != (v3 = r3.__k[s3]) && (h3 = ~v3.__i && g3[v3.__i] || p, v3.__i = s3, _3 = z(n3, v3, h3, i3, f3, o3, e3, l3, c3, a3), w3 = v3.__e, (h3.ref != v3.ref || 8 & h3.__u) && (h3.ref && G(h3.ref, null, v3, h3), v3.ref && a3.push(v3.ref, v3.__c || w3, v3)), d3 = d3 || w3, 4 & v3.__u ? (l3 = A(v3, l3, n3, !h3.__v), h3.__e && (h3.__e = null)) : "function" == typeof v3.type && void 0 !== _3 ? l3 = _3 : w3 && (l3 = w3.nextSibling), v3.__u &= -21);
  return r3.__e = d3, l3;
}
function q(n3, t4, r3, u3, i3) {
  var f3, o3, e3, l3, c3, a3, s3, p3, y3, v3 = r3.length, d3 = v3, _3 = 0, g3 = 0, k3 = n3.__k = Array(i3);
  for (f3 = 0; f3 < i3; f3++) null != (o3 = t4[f3]) && "boolean" != typeof o3 && "function" != typeof o3 ? ("object" != typeof o3 || o3.constructor === String ? o3 = k3[f3] = m(null, o3) : w(o3) ? o3 = k3[f3] = m($, { children: o3 }) : o3.constructor === h && o3.__b ? o3 = k3[f3] = m(o3.type, o3.props, o3.key, o3.ref, o3.__v) : k3[f3] = o3, l3 = f3 + _3, o3.__ = n3, o3.__b = n3.__b + 1, e3 = null, ~(c3 = o3.__i = P(o3, r3, l3, d3)) && (d3--, (e3 = r3[c3]) && (e3.__u |= 2)), e3 && e3.__v ? (o3.__u |= 16, c3 == l3 - 1 ? _3-- : c3 == l3 + 1 ? _3++ : c3 != l3 && (c3 > l3 ? _3-- : _3++, g3 = 1)) : (~c3 || (i3 > v3 ? _3-- : i3 < v3 && _3++), "function" != typeof o3.type && (o3.__u |= 4))) : k3[f3] = null;
  if (g3) {
    for (a3 = [], s3 = [], f3 = 0; f3 < i3; f3++) if ((o3 = k3[f3]) && 16 & o3.__u) {
      for (_3 = 0, p3 = a3.length; _3 < p3; ) a3[y3 = _3 + p3 >> 1] < o3.__i ? _3 = y3 + 1 : p3 = y3;
      a3[_3] = o3.__i, s3[f3] = _3 + 1;
    }
    for (_3 = a3.length; f3--; ) s3[f3] && (s3[f3] == _3 ? _3-- : k3[f3].__u |= 4);
  }
  if (d3) for (f3 = 0; f3 < v3; f3++) !(e3 = r3[f3]) || 2 & e3.__u || (e3.__e == u3 && (u3 = S(e3)), J(e3, e3));
  return u3;
}
function A(n3, t4, r3, u3) {
  var i3, f3, o3, e3;
  if ("function" == typeof n3.type) {
    if (n3.props.__P) return t4;
    if (i3 = n3.__k) for (f3 = 0; f3 < i3.length; f3++) i3[f3] && (i3[f3].__ = n3, t4 = A(i3[f3], t4, r3, false));
    return t4;
  }
  for (t4 && !t4.parentNode && (t4 = S(n3)) && !t4.parentNode && (t4 = null), o3 = n3.__e, e3 = t4; e3 && 8 == e3.nodeType; ) e3 = e3.nextSibling;
  for (o3 != e3 && (!u3 && r3.moveBefore && o3.parentNode ? r3.moveBefore(o3, t4) : r3.insertBefore(o3, t4 || null)), t4 = o3; (t4 = t4 && t4.nextSibling) && 8 == t4.nodeType && !t4.data.startsWith("$s"); ) ;
  return t4;
}
function P(n3, t4, r3, u3) {
  var i3, f3 = n3.key, o3 = n3.type, e3 = t4[r3], l3 = e3 && !(2 & e3.__u);
  if (null === e3 && null == f3 || l3 && f3 == e3.key && o3 == e3.type) return r3;
  if (u3 > (l3 ? 1 : 0)) {
    for (i3 = r3 - 1; i3 >= 0; i3--) if ((e3 = t4[i3]) && !(2 & e3.__u) && f3 == e3.key && o3 == e3.type) return i3;
    for (i3 = r3 + 1; i3 < t4.length; i3++) if ((e3 = t4[i3]) && !(2 & e3.__u) && f3 == e3.key && o3 == e3.type) return i3;
  }
  return -1;
}
function T(n3, t4, r3) {
  null == r3 && (r3 = ""), "-" == t4[0] ? n3.setProperty(t4, r3) : n3[t4] = r3;
}
function N(n3, t4, r3, u3, i3) {
  var f3, o3;
  if ("style" == t4) if ("string" == typeof r3) n3.style.cssText = r3;
  else {
    if ("string" == typeof u3 && (n3.style.cssText = u3 = ""), u3) for (t4 in u3) r3 && t4 in r3 || T(n3.style, t4);
    if (r3) for (t4 in r3) u3 && r3[t4] == u3[t4] || T(n3.style, t4, r3[t4]);
  }
  else if ("o" == t4[0] && "n" == t4[1]) "function" != typeof r3 && (r3 = null), "function" != typeof u3 && (u3 = null), (n3.__e || (n3.__e = {}))[t4] = r3, r3 && u3 || (o3 = a[t4] || (a[t4] = V(t4)), (n3.__a || (n3.__a = {}))[t4] = c, f3 = t4 != (t4 = t4.replace(l, "$1")), (t4 = t4.slice(2))[0] < "a" && (t4 = t4.toLowerCase()), r3 ? n3.addEventListener(t4, o3, f3) : n3.removeEventListener(t4, o3, f3));
  else {
    if ("http://www.w3.org/2000/svg" == i3) t4 = t4.replace(/xlink(H|:h)/, "h").replace(/sName$/, "s");
    else if ("width" != t4 && "height" != t4 && "href" != t4 && "list" != t4 && "form" != t4 && "tabIndex" != t4 && "download" != t4 && "rowSpan" != t4 && "colSpan" != t4 && "role" != t4 && "popover" != t4 && t4 in n3) try {
      return void (n3[t4] = null == r3 ? "" : r3);
    } catch (n4) {
    }
    if ("function" == typeof r3) return;
    null == r3 || false === r3 && "-" != t4[4] ? n3.removeAttribute(t4) : n3.setAttribute(t4, "popover" == t4 && 1 == r3 ? "" : r3);
  }
}
function V(t4) {
  return function(r3) {
    var u3 = this.__e;
    if (u3) {
      if (u3 = u3[t4], null == r3[e]) r3[e] = c++;
      else if (r3[e] < this.__a[t4]) return;
      return u3(n.event ? n.event(r3) : r3);
    }
  };
}
function z(t4, r3, u3, i3, f3, o3, e3, l3, c3, a3) {
  var s3, p3, v3, d3, k3, b, m3, M, C3, j2, L2, H2, q2, A3, O, P2, T3, N2, V2 = r3.type;
  if (r3.constructor !== h) return null;
  128 & u3.__u && (c3 = 32 & u3.__u, s3 = u3.__c.__z) && (r3.__u |= c3, p3 = o3 = [], 8 == s3.nodeType ? l3 = B(s3, o3) : o3.push(s3), l3 = o3[0] || l3), (s3 = n.__b) && s3(r3);
  n: if ("function" == typeof V2) {
    v3 = e3.length;
    try {
      if (M = r3.props, C3 = (s3 = V2.prototype) && s3.render, j2 = (s3 = V2.contextType) && i3[s3.__c], L2 = s3 ? j2 ? j2.props.value : s3.__ : i3, (d3 = u3.__c) ? (r3.__c = d3, 2 & d3.__g && (d3.__g |= 1)) : (C3 ? r3.__c = d3 = new V2(M, L2) : (r3.__c = d3 = new x(M, L2), d3.constructor = V2, d3.render = K), j2 && j2.sub(d3), d3.state || (d3.state = {}), d3.__n = i3, d3.__g |= 8, d3.__h = [], d3.__k = []), C3 && (d3.__s || (d3.__s = d3.state), V2.getDerivedStateFromProps && (d3.__s == d3.state && (d3.__s = _({}, d3.__s)), _(d3.__s, V2.getDerivedStateFromProps(M, d3.__s)))), k3 = d3.props, b = d3.state, d3.__v = r3, u3.__c) {
        if (M !== k3 && C3 && !V2.getDerivedStateFromProps && d3.componentWillReceiveProps && d3.componentWillReceiveProps(M, L2), r3.__v == u3.__v && !(8 & d3.__g) || !(4 & d3.__g) && d3.shouldComponentUpdate && false === d3.shouldComponentUpdate(M, d3.__s, L2)) {
          r3.__v != u3.__v && (d3.props = M, d3.state = d3.__s, d3.__g &= -9), r3.__e = u3.__e, r3.__k = u3.__k, r3.__k.some(function(n3) {
            n3 && (n3.__ = r3);
          }), y.push.apply(d3.__h, d3.__k), d3.__k = [], d3.__h.length && e3.push(d3), l3 = S(u3);
          break n;
        }
        d3.componentWillUpdate && d3.componentWillUpdate(M, d3.__s, L2), C3 && d3.componentDidUpdate && d3.__h.push(function() {
          d3.componentDidUpdate(k3, b, m3);
        });
      } else C3 && !V2.getDerivedStateFromProps && d3.componentWillMount && d3.componentWillMount(), C3 && d3.componentDidMount && d3.__h.push(d3.componentDidMount);
      d3.context = L2, d3.props = M, d3.__P = t4, d3.__g &= -5, H2 = n.__r, q2 = C3 ? 25 : 0;
      do {
        d3.__g &= -9, H2 && H2(r3), s3 = d3.render(d3.props, d3.state = d3.__s, d3.context);
      } while (8 & d3.__g && ++q2 < 25);
      C3 && (y.push.apply(d3.__h, d3.__k), d3.__k = []), d3.state = d3.__s, d3.getChildContext && (i3 = _({}, i3, d3.getChildContext())), C3 && u3.__c && d3.getSnapshotBeforeUpdate && (m3 = d3.getSnapshotBeforeUpdate(k3, b)), A3 = s3 && s3.type === $ && null == s3.key ? s3.props.children : s3, M.__P && (s3 = l3, f3 = (t4 = M.__P).namespaceURI, c3 = o3 = null, u3.props && u3.props.__P != t4 && (u3.__k.some(function(n3) {
        n3 && J(n3, n3);
      }), u3.__k = null), l3 = u3.__k ? S(u3, 0) : null), l3 = I(t4, w(A3) ? A3 : [A3], r3, u3, i3, f3, o3, e3, l3, c3, a3), M.__P && (r3.__e = null, l3 = s3), r3.__u &= -161, p3 && p3.some(g), d3.__h.length && e3.push(d3), 1 & d3.__g && (d3.__g &= -4);
    } catch (t5) {
      if (e3.length = v3, r3.__v = null, c3 || o3) if (t5 && t5.then) {
        if (r3.__u |= 128 | c3, o3) {
          for (~(T3 = o3.indexOf(l3 || void 0)) || (T3 = o3.length); (N2 = o3[T3 - 1]) && 8 == N2.nodeType; ) T3--;
          for (; T3 < o3.length; T3++) if (N2 = o3[T3]) if (o3[T3] = null, O) {
            if (N2 == P2) break;
          } else {
            if (8 != N2.nodeType) break;
            N2.data.startsWith("$s") && (P2 = B(O = N2));
          }
        }
        if (!O) {
          for (; l3 && 8 == l3.nodeType && l3.nextSibling; ) l3 = l3.nextSibling;
          O = l3;
        }
        (s3 = B(O = r3.__c.__z || (r3.__c.__z = O))) ? (r3.__e = O, l3 = s3) : r3.__e = l3, l3 = l3 && l3.nextSibling;
      } else o3 && o3.some(g);
      else r3.__e = u3.__e;
      r3.__k || (r3.__k = u3.__k || []), t5 && t5.then || D(r3), n.__e(t5, r3, u3);
    }
  } else l3 = r3.__e = F(u3.__e, r3, u3, i3, f3, o3, e3, c3, a3, t4);
  return (s3 = n.diffed) && s3(r3), l3;
}
function B(n3, t4) {
  if (n3 && 8 == n3.nodeType && n3.data.startsWith("$s")) for (var r3 = 1; n3 = n3.nextSibling; ) {
    if (8 == n3.nodeType) {
      if (n3.data.startsWith("$s")) r3++;
      else if (n3.data.startsWith("/$s") && !--r3) return n3;
    }
    t4 && t4.push(n3);
  }
}
function D(n3) {
  n3 && (n3.__c && (n3.__c.__g |= 4), n3.__k && n3.__k.some(D));
}
function E(t4, r3, u3) {
  for (var i3 = 0; i3 < u3.length; ) G(u3[i3++], u3[i3++], u3[i3++]);
  n.__c && n.__c(r3, t4), t4.some(function(r4) {
    try {
      t4 = r4.__h, r4.__h = [], t4.some(function(n3) {
        n3.call(r4);
      });
    } catch (t5) {
      n.__e(t5, r4.__v);
    }
  });
}
function F(t4, r3, u3, i3, f3, o3, e3, l3, c3, a3) {
  var s3, h3, y3, _3, k3, b, m3, M, $2 = u3.props || p, x2 = r3.props, C3 = r3.type;
  if ("svg" == C3 ? f3 = "http://www.w3.org/2000/svg" : "math" == C3 ? f3 = "http://www.w3.org/1998/Math/MathML" : f3 || (f3 = "http://www.w3.org/1999/xhtml"), o3) {
    for (s3 = 0; s3 < o3.length; s3++) if ((k3 = o3[s3]) && (C3 ? k3.localName == C3 : 3 == k3.nodeType)) {
      t4 = k3, o3[s3] = null;
      break;
    }
  }
  if (!t4) {
    if (M = a3.ownerDocument || document, !C3) return M.createTextNode(x2);
    t4 = M.createElementNS(f3, C3, x2.is ? x2 : a3), l3 && (n.__m && n.__m(r3, o3), l3 = false), o3 = null;
  }
  if (C3) {
    if (a3 = "template" == C3 && t4.content || t4, o3 = "textarea" == C3 && null != x2.defaultValue ? null : o3 && d.call(a3.childNodes), !l3 && o3) for ($2 = {}, s3 = 0; s3 < t4.attributes.length; s3++) $2[(k3 = t4.attributes[s3]).name] = k3.value;
    for (s3 in $2) k3 = $2[s3], "dangerouslySetInnerHTML" == s3 ? y3 = k3 : "children" == s3 || s3 in x2 || "value" == s3 && "defaultValue" in x2 || "checked" == s3 && "defaultChecked" in x2 || N(t4, s3, null, k3, f3);
    for (s3 in x2) k3 = x2[s3], "children" == s3 ? _3 = k3 : "dangerouslySetInnerHTML" == s3 ? h3 = k3 : "value" == s3 ? b = k3 : "checked" == s3 ? m3 = k3 : l3 && "function" != typeof k3 || $2[s3] === k3 || N(t4, s3, k3, $2[s3], f3);
    h3 ? (l3 || y3 && (h3.__html == y3.__html || h3.__html == t4.innerHTML) || (t4.innerHTML = h3.__html), r3.__k = []) : (y3 && (t4.textContent = ""), ("foreignObject" == C3 || "http://www.w3.org/1998/Math/MathML" == f3 && v.test(C3)) && (f3 = "http://www.w3.org/1999/xhtml"), I(a3, w(_3) ? _3 : [_3], r3, u3, i3, f3, o3, e3, o3 ? o3[0] : u3.__k && S(u3, 0), l3, c3), o3 && o3.some(g)), l3 && "textarea" != C3 || (s3 = "value", "progress" == C3 && null == b ? t4.removeAttribute(s3) : null == b || b === t4[s3] && ("progress" != C3 || b) || N(t4, s3, b, $2[s3], f3), s3 = "checked", null != m3 && m3 != t4[s3] && N(t4, s3, m3, $2[s3], f3));
  } else $2 === x2 || l3 && t4.data == x2 || (t4.data = x2);
  return t4;
}
function G(t4, r3, u3, i3) {
  try {
    "function" == typeof t4 ? r3 ? r3.__x = t4(r3) || 1 : i3 && (i3 = i3.__c || i3.__e) && (r3 = i3.__x) && (i3.__x = null, "function" == typeof r3 ? r3() : t4(null)) : t4.current = r3;
  } catch (t5) {
    n.__e(t5, u3);
  }
}
function J(t4, r3, u3) {
  var i3, f3, o3, e3;
  if (n.unmount && n.unmount(t4), !(i3 = t4.ref) || i3.current && i3.current != t4.__e || G(i3, null, r3, t4), i3 = t4.__c) {
    if (i3.componentWillUnmount) try {
      i3.componentWillUnmount();
    } catch (t5) {
      n.__e(t5, r3);
    }
    i3.__P = i3.__n = null;
  }
  if (i3 = t4.__k) for (e3 = 0; e3 < i3.length; e3++) i3[e3] && J(i3[e3], r3, "function" != typeof t4.type || u3 && !t4.props.__P);
  !u3 && (i3 = t4.__c) && (i3 = i3.__z) && (f3 = B(i3, o3 = [])) && (i3 == t4.__e && o3.some(g), g(f3), g(i3)), u3 || g(t4.__e), t4.__e = t4.__c = t4.__ = null;
}
function K(n3, t4, r3) {
  return this.constructor(n3, r3);
}
function Q(t4, r3) {
  var u3, i3, f3, o3;
  n.__ && n.__(t4, r3), 9 == r3.nodeType && (r3 = r3.documentElement), i3 = (u3 = t4 && 32 & t4.__u) ? null : r3.__k, r3.__k = m($, { children: [t4] }), f3 = [], o3 = [], z(r3, r3.__k, i3 || p, p, r3.namespaceURI, i3 ? null : r3.firstChild ? d.call(r3.childNodes) : null, f3, i3 ? i3.__e : r3.firstChild, u3, o3), E(f3, r3.__k, o3), r3.__k.props.children = null;
}
n = { __e: function(n3, t4, r3, u3) {
  for (var i3, o3, e3; t4 = t4.__; ) if ((i3 = t4.__c) && !(1 & i3.__g)) {
    i3.__g |= 4;
    try {
      if ((e3 = (o3 = i3.constructor) && o3.getDerivedStateFromError) && i3.setState(o3.getDerivedStateFromError(n3)), i3.componentDidCatch && (i3.componentDidCatch(n3, u3 || {}), e3 = 1), e3 && 8 & i3.__g) return void (i3.__g |= 2);
    } catch (t5) {
      n3 = t5;
    }
  }
  throw f = 0, n3;
} }, t = 0, r = function(n3) {
  return null != n3 && n3.constructor === h;
}, x.prototype.setState = function(n3, t4) {
  var r3 = this.__s;
  r3 && r3 != this.state || (r3 = this.__s = _({}, this.state)), "function" == typeof n3 && (n3 = n3(_({}, r3), this.props)), n3 && (_(r3, n3), this.__v && (t4 && this.__k.push(t4), L(this)));
}, x.prototype.forceUpdate = function(n3) {
  this.__v && (this.__g |= 4, n3 && this.__h.push(n3), L(this));
}, x.prototype.render = $, u = [], f = 0, o = function(n3, t4) {
  return n3.__v.__b - t4.__v.__b;
}, e = /* @__PURE__ */ Symbol(), l = /(PointerCapture)$|Capture$/i, c = 0, a = {}, s = 0;

// vendor/htm.js
var n2 = function(t4, s3, r3, e3) {
  var u3;
  s3[0] = 0;
  for (var h3 = 1; h3 < s3.length; h3++) {
    var p3 = s3[h3++], a3 = s3[h3] ? (s3[0] |= p3 ? 1 : 2, r3[s3[h3++]]) : s3[++h3];
    3 === p3 ? e3[0] = a3 : 4 === p3 ? e3[1] = Object.assign(e3[1] || {}, a3) : 5 === p3 ? (e3[1] = e3[1] || {})[s3[++h3]] = a3 : 6 === p3 ? e3[1][s3[++h3]] += a3 + "" : p3 ? (u3 = t4.apply(a3, n2(t4, a3, r3, ["", null])), e3.push(u3), a3[0] ? s3[0] |= 2 : (s3[h3 - 2] = 0, s3[h3] = u3)) : e3.push(a3);
  }
  return e3;
};
var t2 = /* @__PURE__ */ new Map();
function htm_default(s3) {
  var r3 = t2.get(this);
  return r3 || (r3 = /* @__PURE__ */ new Map(), t2.set(this, r3)), (r3 = n2(this, r3.get(s3) || (r3.set(s3, r3 = (function(n3) {
    for (var t4, s4, r4 = 1, e3 = "", u3 = "", h3 = [0], p3 = function(n4) {
      1 === r4 && (n4 || (e3 = e3.replace(/^\s*\n\s*|\s*\n\s*$/g, ""))) ? h3.push(0, n4, e3) : 3 === r4 && (n4 || e3) ? (h3.push(3, n4, e3), r4 = 2) : 2 === r4 && "..." === e3 && n4 ? h3.push(4, n4, 0) : 2 === r4 && e3 && !n4 ? h3.push(5, 0, true, e3) : r4 >= 5 && ((e3 || !n4 && 5 === r4) && (h3.push(r4, 0, e3, s4), r4 = 6), n4 && (h3.push(r4, n4, 0, s4), r4 = 6)), e3 = "";
    }, a3 = 0; a3 < n3.length; a3++) {
      a3 && (1 === r4 && p3(), p3(a3));
      for (var l3 = 0; l3 < n3[a3].length; l3++) t4 = n3[a3][l3], 1 === r4 ? "<" === t4 ? (p3(), h3 = [h3], r4 = 3) : e3 += t4 : 4 === r4 ? "--" === e3 && ">" === t4 ? (r4 = 1, e3 = "") : e3 = t4 + e3[0] : u3 ? t4 === u3 ? u3 = "" : e3 += t4 : '"' === t4 || "'" === t4 ? u3 = t4 : ">" === t4 ? (p3(), r4 = 1) : r4 && ("=" === t4 ? (r4 = 5, s4 = e3, e3 = "") : "/" === t4 && (r4 < 5 || ">" === n3[a3][l3 + 1]) ? (p3(), 3 === r4 && (h3 = h3[0]), r4 = h3, (h3 = h3[0]).push(2, 0, r4), r4 = 0) : " " === t4 || "	" === t4 || "\n" === t4 || "\r" === t4 ? (p3(), r4 = 2) : e3 += t4), 3 === r4 && "!--" === e3 && (r4 = 4, h3 = h3[0]);
    }
    return p3(), h3;
  })(s3)), r3), arguments, [])).length > 1 ? r3 : r3[0];
}

// vendor/hooks.js
var t3;
var r2;
var u2;
var i2;
var o2 = Object.is;
var f2 = 0;
var c2 = [];
var e2 = [];
var a2 = n;
var v2 = a2.__b;
var l2 = a2.__r;
var m2 = a2.diffed;
var h2 = a2.__c;
var s2 = a2.unmount;
var p2 = a2.__;
function y2(n3, t4) {
  a2.__h && a2.__h(r2, n3, f2 || t4), f2 = 0;
  var u3 = r2.__H || (r2.__H = { __: [], __h: [] });
  return n3 >= u3.__.length && u3.__.push({}), u3.__[n3];
}
function d2(n3) {
  return f2 = 1, _2(G2, n3);
}
function _2(n3, u3, i3) {
  var f3 = y2(t3++, 2);
  if (f3.t = n3, !f3.__c && (f3.__ = [i3 ? i3(u3) : G2(void 0, u3), function(n4) {
    var t4 = (f3.__N || f3.__)[0], r3 = f3.t(t4, n4);
    o2(t4, r3) || (f3.__N = [r3, f3.__[1]], f3.__c.setState({}));
  }], f3.__c = r2, !r2.__f)) {
    r2.__f = true;
    var c3 = r2.shouldComponentUpdate;
    r2.shouldComponentUpdate = function(n4, t4, r3) {
      var u4 = this.__H;
      if (!u4) return true;
      var i4 = false, f4 = this.props != n4;
      if (u4.__.some(function(n5) {
        n5.__N && (i4 = true, o2(n5.__[0], n5.__N[0]) || (f4 = true));
      }), c3) {
        var e3 = c3.call(this, n4, t4, r3);
        return i4 ? e3 || f4 : e3;
      }
      return !i4 || f4;
    };
  }
  return f3.__;
}
function A2(n3, u3) {
  var i3 = y2(t3++, 3);
  !a2.__s && E2(i3.__H, u3) && (i3.__P = true, i3.__ = n3, i3.u = u3, r2.__H.__h.push(i3));
}
function F2(n3, u3) {
  var i3 = y2(t3++, 4);
  !a2.__s && E2(i3.__H, u3) && (i3.__P = false, i3.__ = n3, i3.u = u3, r2.__h.push(i3));
}
function T2(n3) {
  return f2 = 5, w2(function() {
    return { current: n3 };
  }, []);
}
function w2(n3, r3) {
  var u3 = y2(t3++, 7);
  return E2(u3.__H, r3) && (u3.__ = n3(), u3.__H = r3), u3.__;
}
function g2() {
  var n3;
  do {
    for (; n3 = e2.shift(); ) try {
      C2(n3);
    } catch (t5) {
      a2.__e(t5, { __: (n3 = n3.__P) && n3.__v });
    }
    for (; n3 = c2.shift(); ) {
      var t4 = n3.__H;
      if (n3.__P && t4) try {
        t4.__h.some(C2), t4.__h.some(D2), t4.__h = [];
      } catch (r3) {
        t4.__h = [], a2.__e(r3, n3.__v);
      }
    }
  } while (e2.length);
}
a2.__b = function(n3) {
  r2 = null, v2 && v2(n3);
}, a2.__ = function(n3, t4) {
  n3 && t4.__k && t4.__k.__m && (n3.__m = t4.__k.__m), p2 && p2(n3, t4);
}, a2.__r = function(n3) {
  l2 && l2(n3), t3 = 0;
  var i3 = (r2 = n3.__c).__H;
  i3 && (u2 == r2 ? r2.__h = [] : (i3.__h.some(C2), i3.__h.some(D2), t3 = 0), i3.__h = [], i3.__.some(function(n4) {
    n4.__N && (n4.__ = n4.__N), n4.u = n4.__N = void 0;
  })), u2 = r2;
}, a2.diffed = function(n3) {
  m2 && m2(n3);
  var t4 = n3.__c;
  t4 && t4.__H && (t4.__H.__h.length && B2(c2.push(t4)), t4.__H.__.some(function(n4) {
    n4.u && (n4.__H = n4.u);
  })), u2 = r2 = null;
}, a2.__c = function(n3, t4) {
  t4.some(function(n4) {
    try {
      n4.__h.some(C2), n4.__h = n4.__h.filter(function(n5) {
        return !n5.__ || D2(n5);
      });
    } catch (t5) {
      n4.__h = [function() {
        throw t5;
      }];
    }
  }), h2 && h2(n3, t4);
}, a2.unmount = function(n3) {
  s2 && s2(n3);
  var t4, r3, u3 = n3.__c;
  u3 && u3.__H && (u3.__H.__.some(function(u4) {
    try {
      if (u4.__P && u4.__c) {
        if (void 0 === r3) {
          for (r3 = n3.__; r3 && (!r3.__c || !r3.__c.__P); ) r3 = r3.__;
          r3 = r3 && r3.__c;
        }
        u4.__P = r3, B2(e2.push(u4));
      } else C2(u4);
    } catch (n4) {
      t4 = n4;
    }
  }), u3.__H = void 0, t4 && a2.__e(t4, u3.__v));
};
var k2 = "function" == typeof requestAnimationFrame;
function z2(n3) {
  var t4, r3 = function() {
    clearTimeout(u3), k2 && cancelAnimationFrame(t4), setTimeout(n3);
  }, u3 = setTimeout(r3, 35);
  k2 && (t4 = requestAnimationFrame(r3));
}
function B2(n3) {
  1 != n3 && i2 == a2.requestAnimationFrame || ((i2 = a2.requestAnimationFrame) || z2)(g2);
}
function C2(n3) {
  var t4 = r2, u3 = n3.__c;
  "function" == typeof u3 && (n3.__c = void 0, u3()), r2 = t4;
}
function D2(n3) {
  var t4 = r2;
  n3.__c = n3.__(), r2 = t4;
}
function E2(n3, t4) {
  return !n3 || n3.length != t4.length || t4.some(function(t5, r3) {
    return !o2(t5, n3[r3]);
  });
}
function G2(n3, t4) {
  return "function" == typeof t4 ? t4(n3) : t4;
}

// js/html.js
var html = htm_default.bind(k);

// js/store.js
var store = {
  snapshot: null,
  link: "connecting",
  // "live", "lost", "refused"
  refusal: null,
  // {message, again()} while hal0 lets nobody read without another key
  lostAt: 0,
  // Unix seconds
  login: null,
  // what /api/login says, once asked
  askKey: null,
  // {error, answer(key), cancel()} while a key is asked for
  fits: null,
  // what /api/models says, for `fitsOf` revisions
  notices: []
  // {id, text, bad}
};
var watchers = /* @__PURE__ */ new Set();
var due = false;
function changed() {
  if (due) return;
  due = true;
  const later = document.hidden ? (then) => setTimeout(then, 200) : requestAnimationFrame;
  later(() => {
    due = false;
    for (const watcher of [...watchers]) watcher();
  });
}
function watch(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
function useStore() {
  const [, again] = d2(0);
  F2(() => watch(() => again((n3) => n3 + 1)), []);
  return store;
}
var lastNotice = 0;
function notify(text, bad = false) {
  const id = ++lastNotice;
  store.notices = [...store.notices.slice(-2), { id, text, bad }];
  changed();
  setTimeout(() => dismiss(id), bad ? 15e3 : 5e3);
}
function dismiss(id) {
  store.notices = store.notices.filter((notice) => notice.id !== id);
  changed();
}

// js/api.js
var Failed = class extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
};
async function ask(path, options = {}) {
  for (; ; ) {
    let response;
    try {
      response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failed("hal0 cannot be reached.");
    }
    if (response.ok) return response;
    const failed = await failure(response);
    const otherKey = options.orOtherKey && failed.code === "auth.not_allowed";
    if (failed.status !== 401 && !otherKey || options.noLogin) throw failed;
    if (!await signIn(otherKey ? failed.message : "")) throw failed;
  }
}
async function failure(response) {
  let told2 = null;
  try {
    told2 = (await response.json()).error;
  } catch {
  }
  const message = told2?.message || (typeof told2 === "string" ? told2 : `${response.status} ${response.statusText}`);
  const failed = new Failed(message, response.status, told2?.code || "");
  failed.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return failed;
}
async function read(path, options) {
  return (await ask(path, options)).json();
}
async function send(path, body = {}, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body), ...options })).json();
}
async function lookAtLogin() {
  store.login = await read("/api/login");
  changed();
}
var asking = null;
function signIn(why) {
  asking ??= keyAsked(why).finally(() => {
    asking = null;
    store.askKey = null;
    changed();
  });
  return asking;
}
async function keyAsked(error) {
  for (; ; ) {
    const key = await new Promise((answer) => {
      store.askKey = { error, answer, cancel: () => answer(null) };
      changed();
    });
    if (key === null) return false;
    try {
      store.login = await send("/api/login", { key }, { noLogin: true });
      return true;
    } catch (failed) {
      error = failed.retryAfter ? `${failed.message} (${failed.retryAfter} s)` : failed.message;
    }
  }
}
async function signOut() {
  store.login = await send("/api/logout");
  changed();
}

// js/apply.js
function apply(snapshot, change) {
  const { slots, removed, order, upstreams, ...parts } = change;
  const next = { ...snapshot, ...parts };
  if (slots || removed || order) next.slots = appliedSlots(snapshot.slots, slots, removed, order);
  if (upstreams) {
    const known = new Map(snapshot.upstreams.map((upstream) => [upstream.name, upstream]));
    next.upstreams = upstreams.map((upstream) => appliedUpstream(known.get(upstream.name), upstream));
  }
  return next;
}
function appliedSlots(old, changedSlots = [], removed = [], order = []) {
  const slots = new Map(old.filter((slot) => !removed.includes(slot.name)).map((slot) => [slot.name, slot]));
  for (const slot of changedSlots) slots.set(slot.name, slot);
  const names = /* @__PURE__ */ new Set([...order.filter((name) => slots.has(name)), ...slots.keys()]);
  return [...names].map((name) => slots.get(name));
}
function appliedUpstream(old, upstream) {
  if (!upstream.remote_change) return upstream;
  const { remote_change: change, ...rest } = upstream;
  return { ...rest, remote: old?.remote ? apply(old.remote, change) : null };
}

// js/sse.js
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let event = "";
  let data = [];
  try {
    for (; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line === "") {
          if (data.length) yield { event: event || "message", data: data.join("\n") };
          event = "";
          data = [];
        } else if (line.startsWith(":")) {
          yield { comment: line.slice(1).trim() };
        } else if (line.startsWith("event:")) {
          event = line.slice(6).trim();
        } else if (line.startsWith("data:")) {
          data.push(line.slice(line[5] === " " ? 6 : 5));
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {
    });
  }
}

// js/events.js
var HEARTBEAT = 3;
var PAUSES = [300, 1e3, 2e3, 4e3];
function begin() {
  const told2 = document.getElementById("state");
  if (!told2) return;
  take(JSON.parse(told2.textContent));
  told2.remove();
}
async function follow() {
  for (let lost = 0; ; lost++) {
    try {
      await followOnce(() => lost = 0);
    } catch (error) {
      if (error.status === 401 || error.code === "auth.not_allowed") {
        await refused(error.message);
        continue;
      }
      if (!(error instanceof Failed) && error.name !== "AbortError" && error.name !== "TypeError") throw error;
    }
    if (store.link !== "lost") {
      store.link = "lost";
      store.lostAt = Date.now() / 1e3;
      changed();
    }
    await new Promise((then) => setTimeout(then, PAUSES[Math.min(lost, PAUSES.length - 1)]));
  }
}
async function refused(message) {
  await new Promise((again) => {
    store.link = "refused";
    store.refusal = { message, again };
    changed();
  });
  store.link = "connecting";
  store.refusal = null;
  changed();
}
async function followOnce(onLive) {
  const stopped = new AbortController();
  let silent = setTimeout(() => stopped.abort(), 15e3);
  try {
    const response = await ask(`/api/events?heartbeat=${HEARTBEAT}`, { signal: stopped.signal, orOtherKey: true });
    for await (const { event, data } of events(response)) {
      clearTimeout(silent);
      silent = setTimeout(() => stopped.abort(), HEARTBEAT * 2500);
      if (event === "snapshot") {
        take(JSON.parse(data));
        onLive();
      } else if (event === "change") {
        take(apply(store.snapshot, JSON.parse(data)));
      }
    }
  } finally {
    clearTimeout(silent);
    stopped.abort();
  }
}
function take(snapshot) {
  const at = Date.now() / 1e3;
  for (const slot of snapshot.slots) {
    if (slot.progress && slot.progress.seen === void 0) slot.progress.seen = at;
  }
  store.snapshot = snapshot;
  store.link = "live";
  changed();
  lookAtFits();
}
var fitsDue = false;
var fitsWanted = 0;
function wantFits() {
  fitsWanted++;
  lookAtFits();
  return () => fitsWanted--;
}
function lookAtFits() {
  if (fitsDue || !fitsWanted) return;
  fitsDue = true;
  setTimeout(async () => {
    fitsDue = false;
    const revision = store.snapshot?.revision;
    if (store.fits?.revision === revision) return;
    try {
      const told2 = await read("/api/models", { noLogin: true });
      store.fits = { revision, models: new Map(told2.models.map((model) => [model.id, model])) };
      changed();
      if (store.snapshot.revision !== revision) lookAtFits();
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
    }
  }, store.fits ? 700 : 0);
}

// js/parts.js
function styled(href) {
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}
function Chip({ tone: tone2, children }) {
  return html`<span class="chip ${tone2}"><span class="mark" aria-hidden="true"></span>${children}</span>`;
}
function Button({ action, kind = "", label, children, disabled, ...rest }) {
  const [busy, setBusy] = d2(false);
  const onClick = async () => {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      if (error.name !== "AbortError") notify(error.message, true);
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" class="button ${kind}" aria-label=${label} aria-busy=${busy || void 0}
    disabled=${busy || disabled} onClick=${onClick} ...${rest}>${children}</button>`;
}
async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notify("Copied.");
}
function Copy({ text, label, children }) {
  return html`<${Button} kind="plain" label=${label} action=${() => copy(typeof text === "function" ? text() : text)}>
    ${children || "Copy"}<//>`;
}
function Empty({ title, children }) {
  return html`<div class="empty"><p class="title">${title}</p>${children && html`<p>${children}</p>`}</div>`;
}
function Progress({ value, label }) {
  const known = value !== null && value !== void 0;
  return html`<progress aria-label=${label} max="100" value=${known ? value : void 0}>${known ? `${value}%` : ""}</progress>`;
}

// js/words.js
function memorySize(bytes) {
  return bytes > 0 ? told(bytes, 1024, ["bytes", "KiB", "MiB", "GiB"]) : "0 MiB";
}
function fileSize(bytes) {
  return told(bytes, 1e3, ["B", "KB", "MB", "GB", "TB"]);
}
function told(bytes, step, units) {
  let amount = Math.max(0, bytes);
  let index = 0;
  while (index < units.length - 1 && Math.round(amount) >= step) {
    amount /= step;
    index++;
  }
  const decimals = "GT".includes(units[index][0]) || index && amount < 9.95 ? 1 : 0;
  return `${amount.toFixed(decimals).replace(/\.0$/, "")} ${units[index]}`;
}
var TURNING = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
function isolated(name) {
  return TURNING.test(name) ? `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "")}\u2069` : name;
}
function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
function ago(seconds, now = Date.now() / 1e3) {
  return duration(Math.max(0, now - seconds));
}
function timeOfDay(seconds, options = {}) {
  return new Date(seconds * 1e3).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", ...options });
}
function clock(seconds) {
  const at = new Date(seconds * 1e3);
  const today = (/* @__PURE__ */ new Date()).toDateString() === at.toDateString();
  const time = timeOfDay(seconds);
  return today ? time : `${at.toLocaleDateString([], { day: "numeric", month: "short" })} ${time}`;
}
function span(seconds) {
  if (seconds === null || seconds === void 0) return "\u2013";
  if (seconds >= 0.9995) return `${seconds.toFixed(1)} s`;
  return `${(seconds * 1e3).toFixed(seconds < 995e-5 ? 1 : 0).replace(/\.0$/, "")} ms`;
}
function moment(seconds) {
  const at = new Date(seconds * 1e3);
  if ((/* @__PURE__ */ new Date()).toDateString() !== at.toDateString()) return clock(seconds);
  return timeOfDay(seconds, { second: "2-digit" });
}
function tokens(count) {
  return count >= 1e4 ? `${Math.round(count / 1024)}k` : `${count}`;
}
var STATES = {
  unloaded: "Unloaded",
  queued: "Queued",
  draining: "Draining",
  stopping: "Stopping",
  starting: "Starting",
  loading: "Loading",
  warming: "Warming up",
  ready: "Ready",
  failed: "Error"
};
function stateWords(slot, share) {
  const word = STATES[slot.state] || slot.state;
  if (slot.state === "ready" && slot.in_flight) return `Busy (${slot.in_flight})`;
  if (slot.state === "queued" && slot.queued) return `${word} (${slot.queued})`;
  if (slot.state === "draining" && slot.in_flight) return `${word} (${slot.in_flight})`;
  return share === null ? word : `${word} ${share}%`;
}
function tone(slot) {
  if (slot.state === "failed") return "bad";
  if (slot.state === "ready") return "good";
  return slot.state === "unloaded" ? "quiet" : "busy";
}
function gpus(numbers) {
  return `GPU ${numbers.join(" + ")}`;
}
function holdsOf(slot) {
  const held = slot.memory_by_device || [];
  const numbers = held.flatMap((size, number) => size > 0 ? [number] : []);
  return held.length > 1 && numbers.length ? ` of ${gpus(numbers)}` : "";
}
function fitWords(found, needs) {
  if (!found?.fit) return { words: "", short: false, evict: [] };
  const { fit, margin, evict = [] } = found;
  if (fit === "short") {
    const needed = needs ? `needs ${memorySize(needs)}, ` : "";
    return { words: `${needed}${memorySize(margin)} short`, short: true, evict };
  }
  const parts = [fit === "tight" ? "tight" : "fits"];
  if (evict.length) parts.push(`unloads ${evict.join(" and ")}`);
  if (found.gpus?.length) parts.push(gpus(found.gpus));
  return { words: parts.join(", "), short: false, evict };
}

// js/places.js
function allPlaces(snapshot) {
  const here = snapshot.slots.filter((slot) => !slot.name.includes("/")).map((slot) => place(slot, slot.name, snapshot, null));
  const there = snapshot.upstreams.filter((upstream) => upstream.remote).flatMap((upstream) => upstream.remote.slots.map((slot) => place(
    slot,
    slot.name.startsWith(`${upstream.name}/`) ? slot.name : `${upstream.name}/${slot.name}`,
    upstream.remote,
    upstream
  )));
  return [...here, ...there];
}
function place(slot, name, snapshot, remote) {
  return { slot, name, path: `/api/slots/${encodeURIComponent(name)}`, snapshot, remote };
}
function modelOf(snapshot, id) {
  return snapshot.models.find((model) => model.id === id) || snapshot.models.find((m3) => m3.aliases.includes(id));
}
function nameOf(snapshot, id) {
  return titleOf(modelOf(snapshot, id) || { id });
}
function titleOf(model) {
  return isolated(model.display_name || model.id);
}
var SWITCHING = /* @__PURE__ */ new Set(["queued", "draining", "stopping", "starting", "loading", "warming"]);
var PHASES = ["draining", "stopping", "starting", "loading", "warming"];
function isSwitching(slot) {
  return SWITCHING.has(slot.state);
}
function overlaps(slot) {
  return PHASES.indexOf(slot.state) >= 2 && slot.loaded.length > 0 && !slot.loaded.includes(slot.target);
}
function marks(slot) {
  const at = PHASES.indexOf(slot.state);
  const before = overlaps(slot) ? "skipped" : "done";
  return PHASES.map((_3, n3) => {
    if (at < 0) return "ahead";
    return n3 < Math.min(at, 2) ? before : n3 < at ? "done" : n3 === at ? "now" : "ahead";
  });
}
function percent(slot) {
  const fraction = slot.state === "loading" ? slot.progress?.fraction : null;
  return fraction === null || fraction === void 0 ? null : Math.round(Math.min(1, Math.max(0, fraction)) * 100);
}

// js/views/memory.js
var EVERY = 1e4;
var HEIGHT = 110;
function Memory({ snapshot, live }) {
  const [history, setHistory] = d2(null);
  A2(() => {
    if (!live) return void 0;
    const look2 = () => read("/api/memory/history", { noLogin: true }).then(setHistory, (error) => {
      if (!(error instanceof Failed)) throw error;
    });
    look2();
    const timer = setInterval(look2, EVERY);
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
  const name = several ? `${gpus([index])} \xB7 ${device.name}` : device.name;
  const ours = Math.min(device.used, device.used_by_slots);
  const others = device.used - ours;
  const free = Math.max(0, device.total - device.used);
  const holders = slots.filter((slot) => slot.memory_by_device[index] > 0).map((slot) => `${isolated(slot.name)} ${slot.memory_estimated ? "~" : ""}${memorySize(slot.memory_by_device[index])}`);
  const words = [...holders, `other programs ${memorySize(others)}`, `free ${memorySize(free)} of ${memorySize(device.total)}`];
  const share = (bytes) => `${100 * bytes / device.total}%`;
  return html`<article class="card memory" aria-label=${name}>
    <div class="head"><h3>${name}</h3>
      ${device.utilisation !== null && html`<span class="muted">busy ${device.utilisation}%</span>`}</div>
    <svg class="bar-of" role="img" aria-label=${`${memorySize(device.used)} of ${memorySize(device.total)} used`} preserveAspectRatio="none">
      <rect class="ours" width=${share(ours)} height="100%"></rect>
      <rect class="others" x=${share(ours)} width=${share(others)} height="100%"></rect>
    </svg>
    <p class="muted">${words.join(" \xB7 ")}</p>
    ${past && html`<${Hour} past=${past} device=${past.devices[index]} />`}
  </article>`;
}
function Hour({ past, device }) {
  const box = T2();
  const chart = T2(null);
  const [dark, setDark] = d2(matchMedia("(prefers-color-scheme: dark)").matches);
  A2(() => {
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const onChange = () => setDark(scheme.matches);
    scheme.addEventListener("change", onChange);
    return () => scheme.removeEventListener("change", onChange);
  }, []);
  A2(() => {
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
  A2(() => chart.current?.setData(series(past, device)), [past]);
  const most = Math.max(0, ...device.used);
  return html`<figure class="hour"><div ref=${box} role="img"
      aria-label=${`The last hour of ${device.name}: at most ${memorySize(most)} used`}></div>
    <figcaption class="muted"><span class="key ours"></span>slots <span class="key others"></span>all programs, last hour</figcaption></figure>`;
}
function series(past, device) {
  const now = Date.now() / 1e3;
  const begin2 = now - past.span;
  const at = past.at.map((time) => Math.max(begin2, time));
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
      x: { range: () => [Date.now() / 1e3 - 3600, Date.now() / 1e3] },
      y: { range: [0, total] }
    },
    axes: [
      { ...axis, size: 22, space: 90, values: (_chart, times) => times.map((time) => timeOfDay(time)) },
      {
        ...axis,
        size: 64,
        space: 30,
        values: (_chart, bytes) => bytes.map((value) => value ? memorySize(value) : "0"),
        splits: () => [0, total / 2, total]
      }
    ],
    series: [
      {},
      { stroke: color("--others"), fill: color("--others-fill"), width: 1.5, paths: steps, points: { show: false } },
      { stroke: color("--accent"), fill: color("--accent-fill"), width: 1.5, paths: steps, points: { show: false } }
    ]
  };
}

// js/views/slot_card.js
function SlotCard({ place: place2, live }) {
  const { slot, name, snapshot } = place2;
  const id = `slot-${name}`;
  const share = percent(slot);
  const serving = slot.target || slot.model;
  return html`<article class="card slot ${slot.state === "unloaded" ? "idle" : ""}" aria-labelledby=${id}>
    <div class="head">
      <h2 id=${id}>${slot.name.split("/").pop()}</h2><span class="muted">${slot.kind}</span>
      <${Chip} tone=${tone(slot)}>${stateWords(slot, share)}<//>
    </div>
    <p class="serving">${serving ? nameOf(snapshot, serving) : slot.upstream || html`<span class="muted">Nothing loaded</span>`}
      ${overlaps(slot) && html`<span class="muted"> · ${nameOf(snapshot, slot.model)} answers until then</span>`}</p>
    <p class="facts muted">${facts(slot).join(" \xB7 ")}</p>
    ${isSwitching(slot) && html`<${Phases} slot=${slot} share=${share} name=${name} />`}
    ${slot.evicting.some((name2) => !apart(slot).includes(name2)) && html`<p>Making room: unloading ${slot.evicting.filter((name2) => !apart(slot).includes(name2)).join(", ")}.</p>`}
    ${apart(slot).length > 0 && html`<p>${apartWords(slot)}</p>`}
    ${slot.draining > 0 && html`<p>${drainWords(slot)}</p>`}
    ${slot.last_error && !isSwitching(slot) && html`<${Problem} place=${place2} live=${live} />`}
    <${Choose} place=${place2} live=${live} />
    <${Actions} place=${place2} live=${live} />
  </article>`;
}
var apart = (slot) => slot.apart || [];
function apartWords(slot) {
  const waits = apart(slot).filter((name) => !slot.evicting.includes(name));
  const why = "hal0.yaml does not let both be loaded (together).";
  return waits.length ? `Waits until ${waits.join(", ")} is idle: ${why}` : `Unloading ${apart(slot).join(", ")}: ${why}`;
}
function facts(slot) {
  const found = [];
  if (slot.served_by) found.push(`answered by ${slot.served_by}`);
  if (slot.tokens_per_second && slot.model !== "hal0-demo") found.push(`${slot.tokens_per_second.toFixed(slot.tokens_per_second < 10 ? 1 : 0)} tokens/s`);
  if (slot.load_flags?.length) found.push(`with ${slot.load_flags.join(", ").replaceAll("=", " ")}, this time only`);
  if (slot.context_length) found.push(`${tokens(slot.context_length)} context`);
  if (slot.memory) found.push(`${slot.memory_estimated ? "~" : ""}${memorySize(slot.memory)}${holdsOf(slot)}`);
  if (slot.queued) found.push(`${slot.queued} waiting`);
  if (slot.state === "ready" && slot.idle_since) found.push(`idle ${ago(slot.idle_since)}`);
  if (slot.pinned) found.push("pinned");
  if (slot.switch === "manual") found.push("switched by hand only");
  return found;
}
function Phases({ slot, share, name }) {
  const elapsed = slot.progress ? slot.progress.elapsed_s + Date.now() / 1e3 - (slot.progress.seen || Date.now() / 1e3) : 0;
  const marked = marks(slot);
  return html`<div class="switch">
    <ol class="phases" aria-label=${`Switch of ${name}`}>
      ${PHASES.map((phase, n3) => html`<li key=${phase} class=${marked[n3]} aria-current=${marked[n3] === "now" ? "step" : void 0}>
        ${STATES[phase]}${marked[n3] === "skipped" ? html`<span class="heard"> skipped</span>` : ""}</li>`)}
    </ol>
    <${Progress} value=${share} label=${`Loading ${slot.target || ""}`} />
    <p class="muted">${share === null ? STATES[slot.state] : `Loading ${share}%`}${elapsed >= 1 ? ` \xB7 ${duration(elapsed)}` : ""}</p>
  </div>`;
}
function drainWords(slot) {
  const requests = slot.draining === 1 ? "1 request is" : `${slot.draining} requests are`;
  const left = slot.drain_deadline === null ? "in their own time" : `for ${duration(Math.max(0, slot.drain_deadline - Date.now() / 1e3))} at most`;
  return `${requests} still answered by ${slot.leaving.join(", ") || slot.model}, ${left}.`;
}
function Problem({ place: place2, live }) {
  const { slot, path, snapshot, name } = place2;
  const error = slot.last_error;
  const again = error.model && slot.choices.includes(error.model) ? error.model : null;
  const restore = slot.state === "failed" && slot.model && slot.model !== error.model ? slot.model : null;
  const load = (model, force) => () => send(`${path}/load`, { model, force, wait: false });
  if (error.past) {
    return html`<p class="problem past">Earlier, at ${clock(error.at)}: ${error.message}</p>`;
  }
  return html`<div class="problem">
    <p>${error.message}</p>
    <p class="muted">${clock(error.at)}${error.remedy.length ? ` \xB7 it would load with ${error.remedy.join(", ")}` : ""}</p>
    <div class="actions">
      ${restore && html`<${Button} disabled=${!live} action=${load(restore, false)}>Restore ${nameOf(snapshot, restore)}<//>`}
      ${again && html`<${Button} disabled=${!live} label=${`Try again to load ${again} in ${name}`} action=${load(again, false)}>Try again<//>`}
      ${again && error.remedy.length > 0 && html`<${Button} disabled=${!live} label=${`This load only: ${again} in ${name} with ${error.remedy.join(", ")}`} action=${() => send(`${path}/load`, { model: again, flags: error.remedy, wait: false })}>This load only<//>`}
      ${again && error.code === "memory.insufficient" && html`<${Button} disabled=${!live} action=${load(again, true)}>Load anyway<//>`}
    </div>
  </div>`;
}
function Choose({ place: place2, live }) {
  const { slot, name, path, snapshot, remote } = place2;
  const [picked, setPicked] = d2(null);
  const serving = slot.target || slot.model;
  A2(() => {
    if (picked === serving) setPicked(null);
  }, [picked, serving]);
  const wanted = picked !== null && slot.choices.includes(picked) ? picked : serving;
  if (!slot.choices.length) {
    return slot.upstream ? null : html`<p class="muted">No model of this kind yet.</p>`;
  }
  const fitOf = (model2) => fitWords(remote ? null : store.fits?.models.get(model2)?.slots[slot.name], modelOf(snapshot, model2)?.needs);
  const fit = wanted ? fitOf(wanted) : null;
  const model = wanted && modelOf(snapshot, wanted);
  const verb = fit?.short ? "Load anyway" : "Load";
  const differs = wanted && (wanted !== serving || slot.state === "unloaded" || slot.state === "failed");
  const load = async () => {
    await send(`${path}/load`, { model: wanted, force: Boolean(fit?.short), wait: false });
    setPicked(null);
  };
  return html`<div class="choose">
    <label for=${`model-${name}`}>Model</label>
    <select id=${`model-${name}`} value=${wanted || ""} disabled=${!live} aria-describedby=${`fit-${name}`}
      onChange=${(event) => setPicked(event.currentTarget.value)}>
      ${!slot.choices.includes(wanted) && html`<option value=${wanted || ""}>${wanted ? nameOf(snapshot, wanted) : "Choose a model\u2026"}</option>`}
      ${slot.choices.map((choice) => html`<option key=${choice} value=${choice} disabled=${Boolean(modelOf(snapshot, choice)?.problem)}>
        ${entry(snapshot, choice, slot.loaded.includes(choice) ? "loaded" : choice === wanted && differs ? "" : fitOf(choice).words)}</option>`)}
    </select>
    ${differs && html`<${Button} kind="main" disabled=${!live || Boolean(model?.problem)} action=${load}
      label=${`${verb} ${wanted} in ${name}`}>${verb}<//>`}
    <span id=${`fit-${name}`} class="fit ${fit?.short ? "bad" : "muted"}">${differs ? fit.words : ""}</span>
  </div>`;
}
function entry(snapshot, id, fit) {
  const model = modelOf(snapshot, id);
  const size = model?.size_bytes ? fileSize(model.size_bytes) : "";
  return [nameOf(snapshot, id), size, model?.problem ? "cannot be loaded" : fit].filter(Boolean).join(" \xB7 ");
}
function Actions({ place: place2, live }) {
  const { slot, path, name } = place2;
  const order = (what) => () => send(`${path}/${what}`, { wait: false });
  const switching = isSwitching(slot);
  const engine = slot.upstream === null && slot.pid !== null;
  return html`<div class="actions">
    ${switching && html`<${Button} disabled=${!live} label=${`Cancel the switch of ${name}`} action=${order("cancel")}>Cancel<//>`}
    ${slot.draining > 0 && html`<${Button} disabled=${!live} label=${`End them now: the requests that ${name} waits for`} action=${order("cut")}>End them now<//>`}
    ${slot.draining > 0 && slot.drain_deadline !== null && html`<${Button} disabled=${!live} action=${order("wait")}>Wait for them<//>`}
    ${engine && !switching && html`<${Button} disabled=${!live} label=${`Unload ${name}`} action=${order("unload")}>Unload<//>`}
    ${engine && slot.state === "ready" && html`<${Button} disabled=${!live} label=${`Restart ${name}`} action=${order("restart")}>Restart<//>`}
    ${slot.kind === "chat" && (slot.choices.length > 0 || slot.upstream) && html`<a class="button" href=${`#/chat/${encodeURIComponent(name)}`}
      aria-label=${`Try it with ${name}`}>Try it</a>`}
    ${slot.upstream === null && html`<a class="button plain" href=${`#/logs/${encodeURIComponent(name)}`} aria-label=${`Log of ${name}`}>Log</a>`}
  </div>`;
}

// js/views/slots.js
function Slots({ snapshot, live }) {
  A2(wantFits, []);
  const places = allPlaces(snapshot);
  const here = places.filter((place2) => !place2.remote);
  const others = snapshot.upstreams.filter((upstream) => upstream.kind === "hal0");
  const loaded2 = here.some(({ slot }) => slot.pid !== null);
  return html`
    <div class="heading"><h1>Slots</h1>
      ${here.length > 1 && html`<${Button} disabled=${!live || !loaded2} action=${() => send("/api/unload")}>Unload all<//>`}
    </div>
    ${snapshot.models.length === 0 && html`<${Empty} title="No model yet">
      Put GGUF files into a model folder, or <a href="#/models">fetch one from Hugging Face</a>.<//>`}
    ${here.length === 0 && html`<${Empty} title="No slots">Add one under <code>slots:</code> in hal0.yaml.<//>`}
    <ul class="cards" aria-label="Slots">
      ${here.map((place2) => html`<li key=${place2.name}><${SlotCard} place=${place2} live=${live} /></li>`)}
    </ul>
    ${others.map((upstream) => html`<section key=${upstream.name} aria-labelledby=${`hal0-${upstream.name}`}>
      <h2 id=${`hal0-${upstream.name}`}>${upstream.name}</h2>
      <p class="muted">${upstream.remote ? upstream.base_url : upstream.error || "No contact yet."}</p>
      <ul class="cards" aria-label=${`Slots of ${upstream.name}`}>
        ${places.filter((place2) => place2.remote === upstream).map((place2) => html`<li key=${place2.name}><${SlotCard} place=${place2} live=${live} /></li>`)}
      </ul>
    </section>`)}
    <${Memory} snapshot=${snapshot} live=${live} />`;
}

// js/main.js
async function loadChat() {
  const [view] = await Promise.all([import("/page/js/views/chat.js"), styled("/page/css/chat.css")]);
  return view.Chat;
}
var VIEWS = [
  { id: "slots", title: "Slots", load: async () => Slots },
  { id: "chat", title: "Try it", load: loadChat },
  { id: "models", title: "Models", load: async () => (await import("/page/js/views/models.js")).Models },
  { id: "activity", title: "Activity", load: async () => (await import("/page/js/views/activity.js")).Activity },
  { id: "logs", title: "Logs", load: async () => (await import("/page/js/views/logs.js")).Logs },
  { id: "settings", title: "Settings", load: async () => (await import("/page/js/views/settings.js")).Settings }
];
var loaded = { slots: Slots };
function address() {
  const [, view, ...about] = location.hash.split("/");
  const known = VIEWS.find((item) => item.id === view) || VIEWS[0];
  return { view: known, about: decodeURIComponent(about.join("/")) };
}
function App() {
  const { snapshot, link, askKey, notices, refusal } = useStore();
  const [at, setAt] = d2(address());
  const [, again] = d2(0);
  const main = T2();
  A2(() => {
    const onChange = () => {
      setAt(address());
      main.current?.focus({ preventScroll: true });
      scrollTo(0, 0);
    };
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  A2(() => {
    document.title = `${at.view.title} \u2013 hal0`;
    document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { id, load } = at.view;
    if (!loaded[id]) load().then((view) => {
      loaded[id] = view;
      again((n3) => n3 + 1);
    });
  }, [at]);
  A2(() => {
    if (askKey && !loaded.login) import("/page/js/login.js").then(({ Login }) => {
      loaded.login = Login;
      again((n3) => n3 + 1);
    });
  }, [askKey]);
  const View = loaded[at.view.id];
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
    event.preventDefault();
    main.current.focus();
  }}>Skip to content</a>
    <${Header} snapshot=${snapshot} link=${link} at=${at} />
    <main id="main" tabindex="-1" ref=${main}>
      <${Link} link=${link} snapshot=${snapshot} refusal=${refusal} />
      ${snapshot && View && html`<${View} about=${at.about} snapshot=${snapshot} live=${link === "live"} />`}
      ${!snapshot && link === "connecting" && html`<p class="waiting">Asking hal0…</p>`}
    </main>
    <div class="notices" role="status" aria-live="polite">
      ${notices.map((notice) => html`<div key=${notice.id} class="notice ${notice.bad ? "bad" : ""}">
        <span>${notice.text}</span>
        <button type="button" class="button plain" aria-label="Dismiss" onClick=${() => dismiss(notice.id)}>✕</button>
      </div>`)}
    </div>
    <${Announcer} snapshot=${snapshot} />
    ${askKey && loaded.login && html`<${loaded.login} asked=${askKey} />`}`;
}
function Header({ snapshot, link, at }) {
  const url = `${location.origin}/v1`;
  const server = snapshot?.server;
  const [tone2, word] = link === "live" ? server.state === "running" ? ["good", "Running"] : ["busy", server.state] : link === "lost" ? ["bad", "Offline"] : link === "refused" ? ["bad", "Key needed"] : ["busy", "Connecting"];
  return html`<header>
    <div class="bar">
      <a class="brand" href="#/slots"><img src="/page/icon.svg" alt="" width="28" height="28" />hal0</a>
      <${Chip} tone=${tone2}>${word}<//>
      <span class="endpoint"><code>${url}</code><${Copy} text=${url} label="Copy the endpoint's URL" /></span>
    </div>
    <nav aria-label="Views"><ul>
      ${VIEWS.map((view) => html`<li key=${view.id}><a href=${`#/${view.id}`}
        aria-current=${view.id === at.view.id ? "page" : void 0}>${view.title}</a></li>`)}
    </ul></nav>
  </header>`;
}
function Link({ link, snapshot, refusal }) {
  const problem = snapshot?.server.config_error;
  return html`<div class="link" role="status">${link === "lost" && html`<p class="banner bad"><strong>No contact with hal0${store.lostAt ? ` since ${clock(store.lostAt)}` : ""}.</strong>
      ${" "}${snapshot ? "What stands below is from then. " : ""}It is being tried again.</p>`}${refusal && html`<div class="banner bad">
      ${snapshot ? html`<p><strong>Without another key nothing new is shown.</strong></p>` : html`<h1>Another key is needed</h1>`}
      <p>${refusal.message}</p><${Button} action=${refusal.again}>Enter a key<//></div>`}${problem && html`<p class="banner"><strong>hal0.yaml has an error, so its last changes are not in effect.</strong> ${problem}</p>`}</div>`;
}
function Announcer({ snapshot }) {
  const before = T2(/* @__PURE__ */ new Map());
  const [said, setSaid] = d2("");
  A2(() => {
    if (!snapshot) return;
    const now = new Map(allPlaces(snapshot).map((place2) => [place2.name, place2]));
    const news = [...now.values()].filter(({ name, slot }) => before.current.has(name) && before.current.get(name) !== slot.state);
    if (news.length) setSaid(news.map(phaseWords).join(". "));
    before.current = new Map([...now.values()].map(({ name, slot }) => [name, slot.state]));
  }, [snapshot]);
  return html`<div class="heard" role="status" aria-live="polite">${said}</div>`;
}
function phaseWords({ name, slot, snapshot }) {
  const id = isSwitching(slot) ? slot.target : slot.model;
  return `${name}: ${STATES[slot.state]}${id ? ` ${nameOf(snapshot, id)}` : ""}`;
}
begin();
Q(html`<${App} />`, document.getElementById("app"));
document.querySelector("noscript")?.remove();
follow();
lookAtLogin().catch(() => {
});

// js/first_view.js
globalThis.hal0 = offered_exports;
})();
