// Who stands at a door and waits for a yes: a card at the top of every screen until it is answered or over.
import { changes, state } from "../state.js";
import { elapsed, language, said, t } from "../words.js";
import { act, mayAct } from "./acts.js";
import { sender } from "./ask.js";
import { arrange, h } from "./dom.js";

const cards = new Map();
const place = () => document.getElementById("waiting");

function card(waiting) {
  const fault = h("p", { class: "fault", role: "alert" }), sending = sender();
  let busy = false;
  const answer = (allow) => async () => {
    if (busy) return;
    busy = true; fault.textContent = "";
    try { await sending(`/api/requests/${waiting.request}/answer`, { allow }); } catch (refused) { fault.textContent = refused.message; }
    busy = false;
  };
  return h("article", { class: "waiting", "data-request": waiting.request },
    waiting.camera && h("live-picture", { camera: waiting.camera }),
    h("div", { class: "who-waits" }, h("h2", {}, said(waiting.place)),
      h("p", {}, h("b", {}, said(waiting.card)), said(waiting.kind) && ` · ${said(waiting.kind)}`, ` · ${t("ui.waits_for_yes")}`),
      h("p", { class: "muted age", "data-at": waiting.at }, ""), fault),
    mayAct() && h("div", { class: "row" }, act({ class: "primary yes", onclick: answer(true) }, t("ui.yes")), act({ class: "no", onclick: answer(false) }, t("ui.no"))));
}
export function drawWaiting() {
  if (!place()) return;
  const asked = state.me ? state.waiting.filter((each) => each.wants === "confirmation") : [];
  const keys = new Set(asked.map((each) => `${each.request}/${language}`));
  for (const key of cards.keys()) if (!keys.has(key)) cards.delete(key);
  for (const each of asked) if (!cards.has(`${each.request}/${language}`)) cards.set(`${each.request}/${language}`, card(each));
  // The same card keeps its element: a picture that runs, a button under the finger.
  arrange(place(), [...keys].map((key) => cards.get(key)));
  tick();
}
function tick() { for (const age of document.querySelectorAll("#waiting [data-at]")) age.textContent = t("ui.waiting_since", { age: elapsed(age.dataset.at) }); }
changes.addEventListener("doors", drawWaiting);
changes.addEventListener("beat", tick);
