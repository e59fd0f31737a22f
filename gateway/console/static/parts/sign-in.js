// Signing in, and the password of one's own.
import { post } from "../api.js";
import { state } from "../state.js";
import { switchLanguage, t } from "../words.js";
import { clearToasts, h, logo } from "./dom.js";

export function switchTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}
// `enter` goes on with whoever is signed in now.
export function signInForm(app, enter) {
  const fields = [["user", "ui.user", "text", "username"], ["password", "ui.password", "password", "current-password"]];
  form(app, t("ui.sign_in"), "", fields, t("ui.sign_in"), async (values) => { state.me = await post("/api/session", values); await enter(); }, () => signInForm(app, enter));
}
export function passwordForm(app, enter) {
  const fields = [["new", "ui.new_password", "password", "new-password"], ["again", "ui.new_password_again", "password", "new-password"]];
  form(app, t("ui.change_password"), t("ui.first_sign_in"), fields, t("ui.save"), async ({ new: wanted, again }) => {
    if (wanted !== again) throw new Error(t("error.password_mismatch"));
    state.me = await post("/api/session/password", { new: wanted });
    await enter();
  }, () => passwordForm(app, enter));
}
function form(app, title, hint, fields, action, send, redraw) {
  clearToasts();
  const fault = h("p", { class: "fault", role: "alert" }), button = h("button", { class: "primary", type: "submit" }, action);
  const inputs = fields.map(([name, label, type, autocomplete]) => h("label", {}, t(label), h("input", { name, type, autocomplete, required: true, maxlength: "128" })));
  const element = h("form", { class: "sign-in", onsubmit: async (event) => {
    event.preventDefault();
    button.disabled = true; fault.textContent = "";
    try { await send(Object.fromEntries(new FormData(element))); } catch (refused) { fault.textContent = refused.message; button.disabled = false; }
  } }, h("div", { class: "brand" }, logo(), h("span", {}, "Gatehouse")), h("h1", {}, title), hint && h("p", { class: "muted" }, hint), inputs, fault, button,
    h("div", { class: "row between" }, h("button", { type: "button", class: "quiet", id: "language", onclick: () => { switchLanguage(); redraw(); } }, t("ui.language")), h("button", { type: "button", class: "quiet", onclick: switchTheme }, t("ui.theme"))));
  app.replaceChildren(element);
  element.querySelector("input").focus();
}
