import { clearFire } from "../parts/actions.js";
import { h } from "../parts/dom.js";
import { changes, isLive, state } from "../state.js";
import { dayTime, named, t, word } from "../words.js";

class SystemScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    for (const what of ["status", "beat"]) changes.addEventListener(what, () => this.draw(), this.signal);
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  draw() {
    // Redrawn once a second: not under the finger of somebody who presses a button.
    if (this.matches(":active") || this.contains(document.activeElement)) return;
    const status = isLive() ? state.status : {}, sync = status.processes?.sync ?? {};
    const lamp = (how) => h("span", { class: `lamp ${how ?? "unknown"}` }, t(`ui.${how === "online" ? "online" : how === "offline" ? "offline" : "unknown"}`));
    const lines = (items) => h("ul", { class: "lines" }, items.map(([name, how, detail]) => h("li", {}, h("b", {}, name), h("span", { class: "muted" }, detail ?? ""), lamp(how))));
    const facts = (items) => h("dl", {}, items.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, String(value ?? "–")))));
    const devices = { ...Object.fromEntries(Object.keys(state.site.devices).map((id) => [id, {}])), ...status.devices };
    const counters = (device) => Object.entries(device.counters ?? {}).filter(([, n]) => n).slice(0, 4).map(([name, n]) => `${word("counter", name)} ${n}`).join(" · ");
    const fire = status.fire ?? {};
    this.replaceChildren(
      h("article", {}, h("h2", {}, t("ui.links")), lines([[t("ui.office"), sync.office, sync.queue !== undefined ? `${t("ui.queue")} ${sync.queue}` : ""], ...Object.entries(devices).map(([id, device]) => [named(state.site.devices[id], id), device.state, counters(device)])])),
      h("article", {}, h("h2", {}, t("ui.processes")), lines(["doors", "console", "sync", "cameras"].map((name) => [word("process", name), status.processes?.[name]?.state ?? (name === "doors" && !isLive() ? "offline" : undefined)]))),
      h("article", {}, h("h2", {}, t("ui.list")), facts([["ui.version", status.list?.version], ["ui.credentials", status.list?.credentials], ["ui.issued", status.list?.issued_at && dayTime(status.list.issued_at, state.site.zone)]])),
      h("article", {}, h("h2", {}, t("ui.journal")), facts([["ui.row", state.cursor], ["ui.journal", t(state.journal ? "ui.readable" : "ui.unreadable")], ["ui.queue", sync.queue], ["ui.clock", t(`ui.clock_${state.clock || "suspect"}`)]])),
      h("article", {}, h("h2", {}, t("ui.fire")), h("p", { class: fire.latched || fire.active ? "fault" : "" }, t(!isLive() ? "ui.unknown" : fire.active ? "ui.fire_active" : fire.latched ? "ui.fire_latched" : "ui.fire_normal")),
        state.me.role === "supervisor" ? h("button", { id: "reset-fire", disabled: !fire.latched || Boolean(fire.active), onclick: (event) => { event.target.blur(); clearFire(); } }, t("ui.fire_reset")) : ""),
      h("p", { class: "muted note" }, t("ui.not_recorded")));
  }
  key() { return false; }
}
customElements.define("system-screen", SystemScreen);
