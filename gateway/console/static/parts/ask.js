// A dialog that asks for what an action needs, sends it, and says inside itself what the server answers.
import { post, requestId } from "../api.js";
import { t } from "../words.js";
import { dialog, h, toast } from "./dom.js";

// The same thing asked again has the same request id, so that it is done once; what was refused is asked anew.
export function sender() {
  const ids = new Map();
  return async (path, body = {}) => {
    const key = path + JSON.stringify(body);
    if (!ids.has(key)) ids.set(key, requestId());
    try { return await post(path, { ...body, request_id: ids.get(key) }); } catch (refused) {
      if (refused.status >= 400 && refused.status < 500) ids.delete(key);
      throw refused;
    }
  };
}

// `parts`: {name, element, value()}; `value` gives undefined where something is missing, and says so in `missing`.
export function askDialog({ title, text, parts, yes, danger = false, send, done }) {
  const fault = h("p", { class: "fault", role: "alert" }), sending = sender();
  const button = h("button", { class: danger ? "danger" : "primary", type: "submit" }, yes);
  const form = h("form", { class: "ask", onsubmit: async (event) => {
    event.preventDefault();
    fault.textContent = "";
    const missing = parts.find((part) => part.value() === undefined);
    if (missing) { fault.textContent = missing.missing; missing.element.querySelector("input, button")?.focus(); return; }
    button.disabled = true;
    try {
      await send(sending, Object.fromEntries(parts.map((part) => [part.name, part.value()])));
      box.close();
      if (done) toast(done, "good");
    } catch (refused) { fault.textContent = refused.message; button.disabled = false; }
  } }, text && h("p", { class: "muted" }, text), parts.map((part) => part.element), fault,
    h("div", { class: "row end" }, h("button", { type: "button", class: "quiet", onclick: () => box.close() }, t("ui.cancel")), button));
  const box = dialog(title, form);
  (form.querySelector("[autofocus]") ?? form.querySelector("input, button"))?.focus();
  return box;
}

// Buttons of which some are pressed; `chosen` says which, `pick` takes a press.
function chips(options, chosen, pick) {
  const pairs = options.map(([value, label]) => [value, h("button", { type: "button", class: "chip", "data-value": String(value), onclick: () => { pick(value); show(); } }, label)]);
  const show = () => pairs.forEach(([value, chip]) => chip.setAttribute("aria-pressed", String(chosen(value))));
  show();
  return { row: h("div", { class: "chips small" }, pairs.map(([, chip]) => chip)), show };
}
const labelled = (label, ...elements) => h("div", { class: "field" }, h("span", { class: "label" }, label), elements);

// One of a few reasons, or one's own words.
export function reasonPart(codes) {
  let code = null;
  const own = h("input", { type: "text", maxlength: "200", placeholder: t(codes.length ? "ui.reason_hint" : "ui.reason_own"), "aria-label": t("ui.reason") });
  const { row } = chips(codes.map((each) => [each, t(`reason.${each}`)]), (each) => each === code, (each) => { code = each === code ? null : each; });
  return { name: "reason", element: labelled(t("ui.reason"), row, own), missing: t("error.reason_required"), value: () => own.value.trim() || code || undefined };
}
export function onePart(name, label, options, initial) {
  let chosen = initial;
  const { row } = chips(options, (each) => each === chosen, (each) => { chosen = each; });
  return { name, element: labelled(label, row), missing: t("error.choose", { what: label }), value: () => chosen };
}
export function manyPart(name, label, options, initial) {
  const chosen = new Set(initial);
  const { row } = chips(options, (each) => chosen.has(each), (each) => { if (!chosen.delete(each)) chosen.add(each); });
  return { name, element: labelled(label, row), missing: t("error.choose", { what: label }), value: () => chosen.size ? [...chosen] : undefined };
}
// In an hour, in four, or when the shift ends; at most a day away.
export function untilPart() {
  let chosen = 60;
  const time = h("input", { type: "time", "aria-label": t("ui.end_of_shift"), oninput: () => { chosen = "shift"; show(); } });
  const hours = [1, 4].map((n) => [n * 60, t("ui.hours", { n })]);
  const { row, show } = chips([...hours, ["shift", t("ui.end_of_shift")]], (each) => each === chosen, (each) => { chosen = each; if (each === "shift") time.focus(); });
  return { name: "until", element: labelled(t("ui.until"), row, time), missing: t("error.end_required"),
    value: () => chosen !== "shift" ? { minutes: chosen } : time.value ? { local_time: time.value } : undefined };
}
export function fieldPart(name, label, type, missing) {
  const input = h("input", { type, maxlength: "128", autocomplete: type === "password" ? "new-password" : "off" });
  return { name, element: h("label", { class: "field" }, h("span", { class: "label" }, label), input), missing, value: () => input.value || undefined };
}
