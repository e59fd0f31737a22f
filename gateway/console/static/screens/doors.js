import { mayAct, openDoor } from "../parts/actions.js";
import { h } from "../parts/dom.js";
import { changes, isLive, state } from "../state.js";
import { dayTime, named, said, t, word } from "../words.js";

const words = { open: "ui.open", closed: "ui.closed", none: "ui.none", released: "ui.released", secured: "ui.secured" };
const say = (value) => t(words[value] ?? "ui.unknown");

class DoorsScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    for (const what of ["status", "doors", "events", "beat"]) changes.addEventListener(what, () => this.draw(), this.signal);
    this.cards = new Map(Object.keys(state.site.doors).map((door) => [door, this.card(door)]));
    this.replaceChildren(...[...this.cards.values()].map((card) => card.root));
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  card(door) {
    const phase = h("span", { class: "phase" }), facts = h("dl"), last = h("p", { class: "muted last" });
    const root = h("article", { class: "door", "data-door": door }, h("header", {}, h("h2", {}, named(state.site.doors[door], door)), phase), facts, last,
      mayAct() && h("button", { class: "primary", onclick: () => openDoor(door) }, t("ui.open_door")));
    return { root, phase, facts, last };
  }
  draw() {
    for (const [door, card] of this.cards) {
      const now = isLive() ? state.status.doors?.[door] : null, recorded = state.doors[door] ?? {};
      const phase = now?.phase ?? "unknown";
      card.root.dataset.phase = phase;
      const fire = Boolean(now?.fire);
      card.root.dataset.fire = fire;
      card.phase.textContent = fire ? `${t("ui.fire_door")} · ${word("phase", phase)}` : word("phase", phase);
      const facts = [["ui.contact", say(now?.contact ?? recorded.contact)], ["ui.lock", say(now?.lock)], ["ui.mode", now?.mode || recorded.mode ? word("mode", now?.mode ?? recorded.mode) : t("ui.unknown")]];
      card.facts.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, value))));
      const event = state.events.find((item) => item.door === door);
      card.last.textContent = event ? `${dayTime(event.at, state.site.zone)}  ${said(event.text)}` : "";
    }
  }
  key(name) {
    if (name !== "d") return false;
    const buttons = [...this.querySelectorAll("button")];
    buttons[(buttons.indexOf(document.activeElement) + 1) % buttons.length]?.focus();
    return true;
  }
}
customElements.define("doors-screen", DoorsScreen);
