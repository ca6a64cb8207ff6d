// Small pieces of page. Text only ever enters as text, never as markup.
const byId = (id) => document.getElementById(id);
const count = (n) => n.toLocaleString("en-US");
const plural = (n, one, many = one + "s") => `${count(n)} ${n === 1 ? one : many}`;

function share(n, of) {
  if (!of) return "–";
  if (n === of) return "100 %";
  if (!n) return "0 %";
  // Never round a hole away: 99.999… % stays below 100 %, and a few minutes stay above 0 %.
  const percent = (100 * n) / of, digits = percent > 99.9 || percent < 0.1 ? 3 : percent > 99 || percent < 1 ? 2 : 1;
  const shown = Math.min(Math.max(percent, 10 ** -digits), 100 - 10 ** -digits);
  return shown.toFixed(digits) + " %";
}

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function table(caption, columns, rows) {
  const head = columns.map(([name, kind]) => element("th", { scope: "col", class: kind }, name));
  const body = rows.map((row) => element("tr", {}, ...row.map((cell, i) => element("td", { class: columns[i][1] }, cell))));
  const box = element("div", { class: "scroll" }, element("table", {},
    element("caption", { class: "quiet" }, caption),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
  // What scrolls has to be within the keyboard's reach; what does not is no stop on its way.
  new ResizeObserver(() => {
    if (box.scrollWidth > box.clientWidth) for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", `Table: ${caption}`]]) box.setAttribute(name, value);
    else for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
  }).observe(box);
  return box;
}

// A long table a page at a time. `slice(from, to)` gives rows; focus stays on the button that was pressed.
function paged(place, { caption, columns, total, slice, size = 50, empty }) {
  let from = 0;
  const show = () => {
    if (!total) return place.replaceChildren(element("p", { class: "empty" }, empty));
    const to = Math.min(from + size, total), held = document.activeElement?.dataset?.step;
    const step = (name, by, off) => element("button", { type: "button", "data-step": name, disabled: off,
      onclick: () => { from += by; show(); } }, name === "back" ? "Earlier rows" : "More rows");
    const pager = total > size && element("div", { class: "pager" }, step("back", -size, from === 0), step("on", size, to === total),
      element("span", { role: "status" }, `${count(from + 1)} to ${count(to)} of ${count(total)}`));
    place.replaceChildren(table(caption, columns, slice(from, to)), ...(pager ? [pager] : []));
    if (held) (place.querySelector(`[data-step="${held}"]:not([disabled])`) ?? place.querySelector("[data-step]:not([disabled])"))?.focus();
  };
  show();
}

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["paper", "card", "ink", "soft", "line", "mark", "focus", ...VERDICTS]
    .map((name) => [name, style.getPropertyValue("--" + name).trim()]));
};
