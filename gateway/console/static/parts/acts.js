// Buttons that do something: only while the page is live, and only while nothing else speaks against it.
import { changes, isLive, state } from "../state.js";
import { t } from "../words.js";
import { h } from "./dom.js";

export const mayAct = () => state.me?.role !== "technician";

// `why` says in words what speaks against it just now, "" if nothing does.
export function act(props, label, why = () => "") {
  const button = h("button", { ...props, class: `act ${props.class ?? ""}` }, label);
  button.why = why;
  settle(button);
  return button;
}
function settle(button) {
  const reason = isLive() ? button.why() : t("ui.not_live_button");
  button.disabled = Boolean(reason);
  button.title = reason;
}
export function settleActs() { document.querySelectorAll("button.act").forEach(settle); }
for (const what of ["beat", "status", "doors"]) changes.addEventListener(what, settleActs);
