// P1 and P2 come forward, stacked; they never take the focus from whoever is typing.
import { changes, state } from "../state.js";
import { elapsed, language, said, t, word } from "../words.js";
import { acknowledge, mayAct, openDoor } from "./actions.js";
import { badge, h } from "./dom.js";

const shown = new Map();
let minimised = false;

export function startPopups(show) {
  changes.addEventListener("raised", (event) => {
    for (const alarm of event.detail) if (alarm.priority <= 2) { shown.set(alarm.id, true); minimised = minimised && alarm.priority > 1; }
    draw(show);
  });
  changes.addEventListener("alarms", () => draw(show));
}
export function redrawPopups(show) { draw(show); }
function draw(show) {
  const place = document.getElementById("popups");
  // What the pane of the alarm screen shows already needs no popup over it.
  const inPane = document.querySelector("alarms-screen") ? state.selected : null;
  const waiting = [...shown.keys()].map((id) => state.alarms.get(id)).filter((alarm) => alarm?.state === "open")
    .sort((a, b) => a.priority - b.priority || b.raised_row - a.raised_row);
  for (const id of shown.keys()) if (!waiting.some((alarm) => alarm.id === id)) shown.delete(id);
  const rest = waiting.filter((alarm) => alarm.id !== inPane);
  if (!rest.length || !state.me) { place.replaceChildren(); return; }
  if (minimised) {
    place.replaceChildren(h("button", { class: "popups-small", onclick: () => { minimised = false; draw(show); } },
      badge(rest[0].priority, ""), `${t("ui.new_alarms")} ${rest.length}`));
    return;
  }
  // The same alarm keeps its element: a button under the finger or in focus must not be replaced.
  const wanted = rest.slice(0, 3).map((alarm) => popup(alarm, show));
  const all = [place.querySelector(".minimise") ?? h("button", { class: "quiet minimise", onclick: () => { minimised = true; draw(show); } }), ...wanted];
  all[0].textContent = t("ui.minimise");
  if (all.length !== place.children.length || all.some((element, index) => element !== place.children[index])) place.replaceChildren(...all);
}

const elements = new Map();
function popup(alarm, show) {
  const key = `${alarm.id}/${language}`;
  for (const known of elements.keys()) if (!shown.has(known.split("/")[0])) elements.delete(known);
  if (!elements.has(key)) elements.set(key, h("article", { class: `popup p${alarm.priority}` },
    badge(alarm.priority, ""),
    h("div", {}, h("b", {}, word("alarm", alarm.kind)), h("span", {}, `${said(alarm.place)} · `, h("span", { "data-since": alarm.raised_at }, elapsed(alarm.raised_at)))),
    h("div", { class: "row" },
      mayAct() && h("button", { class: "primary", onclick: () => acknowledge(alarm) }, t("ui.acknowledge")),
      mayAct() && alarm.door && h("button", { onclick: () => openDoor(alarm.door) }, t("ui.open_door")),
      h("button", { onclick: () => show(alarm) }, t("ui.show")))));
  return elements.get(key);
}
setInterval(() => { for (const age of document.querySelectorAll("#popups [data-since]")) age.textContent = elapsed(age.dataset.since); }, 1000);
