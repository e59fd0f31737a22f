// Elements from data; text is always text, never markup.
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// These children in this order; what stands right is not touched: a focus, a press, a picture that runs. A focus moves with its element.
export function arrange(place, wanted) {
  const focused = document.activeElement;
  for (const child of [...place.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, index) => { if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null); });
  if (place.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

// What was said about one screen or action means nothing on the next.
export function clearToasts() { document.getElementById("toasts").replaceChildren(); }
export function toast(text, kind = "") {
  const place = document.getElementById("toasts"), element = h("div", { class: `toast ${kind}` }, text);
  place.replaceChildren(...[...place.children].filter((old) => old.textContent !== text).slice(-1), element);
  setTimeout(() => element.remove(), 5000);
}

export function dialog(title, content, { wide = false } = {}) {
  clearToasts();
  const box = h("dialog", { class: wide ? "wide" : "" }, h("h2", {}, title), content);
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  document.body.append(box);
  box.showModal();
  return box;
}

// Shape, number and text beside the colour: a greyscale picture still tells priorities apart.
export function badge(priority, label) {
  const shapes = { 1: "M10 1 19 10 10 19 1 10Z", 2: "M10 2 19 18H1Z", 3: "M3 3H17V17H3Z", 4: "M10 3a7 7 0 1 0 .01 0Z" };
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", shapes[priority] ?? shapes[4]);
  svg.append(path);
  return h("span", { class: `badge p${priority}`, title: label }, svg, h("b", {}, String(priority)));
}

// One element for every page: drawn anew it would be fetched anew, also while the console is away.
const ICON = "/static/icon.svg";
const icon = h("img", { src: ICON, alt: "", onerror: () => setTimeout(() => { icon.src = `${ICON}?${Date.now()}`; }, 2000) });
export const logo = () => icon;
