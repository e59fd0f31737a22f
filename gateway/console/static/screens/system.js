import { clearFire, silenceSirens, testSiren, whyNoFireReset } from "../parts/actions.js";
import { act, mayAct } from "../parts/acts.js";
import { h } from "../parts/dom.js";
import { deviceName } from "../parts/door-facts.js";
import { changes, isLive, officeNow, state } from "../state.js";
import { dateTime, named, t, word } from "../words.js";

const lamp = (how) => h("span", { class: `lamp ${how ?? "unknown"}` }, t(`ui.${how === "online" ? "online" : how === "offline" ? "offline" : "unknown"}`));
const lines = (items) => h("ul", { class: "lines things" }, items.map(([name, how, detail]) => h("li", {}, h("b", {}, name), h("span", { class: "muted" }, detail ?? ""), lamp(how))));
const facts = (items) => h("dl", {}, items.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, String(value ?? "–")))));
const counters = (device) => Object.entries(device.counters ?? {}).filter(([, n]) => n).slice(0, 4).map(([name, n]) => `${word("counter", name)} ${n}`).join(" · ");

class SystemScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    for (const what of ["status", "beat"]) changes.addEventListener(what, () => this.draw(), this.signal);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  draw() {
    // Redrawn once a second: not under the finger of somebody who presses a button, but at once when it is live no more.
    if (this.live === isLive() && (this.matches(":active") || this.contains(document.activeElement))) return;
    this.live = isLive();
    const status = this.live ? state.status : {}, office = officeNow();
    const devices = Object.entries({ ...Object.fromEntries(Object.keys(state.site.devices).map((id) => [id, {}])), ...status.devices });
    const queue = office.silent ? t("ui.silent") : office.queue === undefined ? t("ui.unknown") : `${office.queue}`;
    this.replaceChildren(
      h("div", { class: "columns" }, this.fire(status.fire ?? {}), this.sirens(status),
        h("article", {}, h("h2", {}, t("ui.processes")), lines(["doors", "console", "sync", "cameras"].map((name) => [word("process", name), status.processes?.[name]?.state ?? (name === "doors" && !this.live ? "offline" : undefined)]))),
        h("article", {}, h("h2", {}, t("ui.list")), facts([["ui.version", status.list?.version], ["ui.credentials", status.list?.credentials], ["ui.issued", status.list?.issued_at && dateTime(status.list.issued_at, state.site.zone)], ["ui.list_current", status.list?.current_at && dateTime(status.list.current_at, state.site.zone)]])),
        h("article", {}, h("h2", {}, t("ui.journal")), facts([["ui.row", state.cursor], ["ui.journal", t(state.journal ? "ui.readable" : "ui.unreadable")], ["ui.queue", queue], ["ui.clock", t(`ui.clock_${state.clock || "suspect"}`)], ["ui.keys", t("ui.keys_unsealed")]]))),
      h("article", {}, h("h2", {}, t("ui.links")), lines([[t("ui.office"), office.how, [office.refusal && word("office_refusal", office.refusal), `${t("ui.queue")} ${queue}`].filter(Boolean).join(" · ")], ...devices.map(([id, device]) => [deviceName(id), device.state, counters(device)])])),
      this.live ? h("p", { class: "muted note" }, t("ui.not_recorded")) : "");
  }
  fire({ latched, active }) {
    const whyNot = this.live ? whyNoFireReset() : t("ui.not_live_button");
    return h("article", {}, h("h2", {}, t("ui.fire")), h("p", { class: latched || active ? "fault" : "" }, t(!this.live ? "ui.unknown" : active ? "ui.fire_active" : latched ? "ui.fire_latched" : "ui.fire_normal")),
      act({ id: "reset-fire", onclick: (event) => { event.currentTarget.blur(); clearFire(); } }, t("ui.fire_reset"), whyNoFireReset), whyNot && h("p", { class: "muted why-not" }, whyNot));
  }
  // What its board says, and what it should do and no board says that it does.
  sirens({ sirens = [], sirens_unconfirmed: unconfirmed = [] }) {
    const all = Object.entries(state.site.sirens ?? {});
    if (!all.length) return "";
    const once = (deed) => (event) => { event.currentTarget.blur(); deed(); };
    return h("article", { id: "sirens" }, h("h2", {}, t("ui.sirens")),
      h("ul", { class: "lines things" }, all.map(([id, names]) => h("li", {}, h("b", {}, named(names, id)), h("span", { class: "fault" }, sirens.includes(id) ? t("ui.siren_sounds") : unconfirmed.includes(id) ? t("ui.siren_unconfirmed") : ""), mayAct() && act({ "data-siren": id, onclick: once(() => testSiren(id)) }, t("ui.siren_test"))))),
      mayAct() && act({ id: "silence-sirens", onclick: once(silenceSirens) }, t("ui.sirens_silence")));
  }
  key() { return false; }
}
customElements.define("system-screen", SystemScreen);
