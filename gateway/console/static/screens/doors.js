import { mayAct, openDoor } from "../parts/actions.js";
import { act } from "../parts/acts.js";
import { h } from "../parts/dom.js";
import { doorNow, groupName, reasonWord, whyNoOpen } from "../parts/door-facts.js";
import { lockDown, lockOpen, releaseLockdown, releaseLockOpen, setMode } from "../parts/mode-actions.js";
import { changes, isLive, state } from "../state.js";
import { dayMinute, dayTime, elapsed, named, said, t, word } from "../words.js";

const words = { open: "ui.open", closed: "ui.closed", fault: "ui.fault", none: "ui.none", released: "ui.released", secured: "ui.secured" };
const say = (value) => t(words[value] ?? "ui.unknown");
const anyHas = (layer) => Object.values(state.doors).some((door) => Object.keys(door[layer]).length);

class DoorsScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    for (const what of ["status", "doors", "events", "beat"]) changes.addEventListener(what, () => this.draw(), this.signal);
    this.cards = new Map(Object.keys(state.site.doors).map((door) => [door, this.card(door)]));
    this.releases = [act({ id: "ask-lockdown-release", onclick: releaseLockdown }, t("ui.lockdown_release")), act({ id: "ask-lock-open-release", onclick: releaseLockOpen }, t("ui.lock_open_release"))];
    this.replaceChildren(
      mayAct() ? h("div", { class: "bar" }, act({ class: "danger", id: "ask-lockdown", onclick: lockDown }, t("ui.lockdown")), act({ id: "ask-lock-open", onclick: lockOpen }, t("ui.lock_open")), this.releases) : "",
      h("div", { class: "grid" }, [...this.cards.values()].map((card) => card.root)));
    this.draw();
  }
  disconnectedCallback() { this.signal.abort(); }
  card(door) {
    const phase = h("span", { class: "phase" }), facts = h("dl"), notes = h("div", { class: "notes" }), last = h("p", { class: "muted last" }), whyNot = h("p", { class: "muted why-not" });
    const root = h("article", { class: "door", "data-door": door }, h("header", {}, h("h2", {}, named(state.site.doors[door], door)), phase), facts, notes, last, whyNot,
      mayAct() && h("div", { class: "row" }, act({ class: "primary open", onclick: () => openDoor(door) }, t("ui.open_door"), () => whyNoOpen(door)), act({ class: "mode", onclick: () => setMode(door) }, t("ui.set_mode"))));
    return { root, phase, facts, notes, last, whyNot };
  }
  draw() {
    this.releases[0].hidden = !anyHas("lockdowns");
    this.releases[1].hidden = !anyHas("lock_opens");
    for (const [door, card] of this.cards) this.drawCard(door, card, doorNow(door));
  }
  drawCard(door, card, now) {
    card.root.dataset.phase = now.phase;
    card.root.dataset.fire = now.fire;
    card.root.dataset.mode = now.mode ?? "";
    // Nobody has seen a door closed that has no contact.
    const phase = now.phase === "secure" && now.noContact ? t("ui.secure_no_contact") : word("phase", now.phase);
    card.phase.textContent = now.fire ? `${t("ui.fire_door")} · ${phase}` : phase;
    const facts = [["ui.contact", say(now.contact)], ["ui.lock", say(now.lock)], ["ui.mode", now.mode ? word("mode", now.mode) : t("ui.unknown")]];
    card.facts.replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, t(name)), h("dd", {}, value))));
    card.notes.replaceChildren(...this.notes(door, now));
    const event = state.events.find((item) => item.door === door || item.doors.includes(door));
    card.last.textContent = event ? `${dayTime(event.at, state.site.zone)}  ${said(event.text)}` : "";
    card.whyNot.textContent = !mayAct() ? "" : isLive() ? whyNoOpen(door) : t("ui.not_live_button");
  }
  // Who waits, which board is away, who set the door's mode and why.
  notes(door, { away, override, lockdowns, lockOpens }) {
    const zone = state.site.zone, notes = away.map((board) => h("p", { class: "away" }, board.text));
    for (const [mode, layer] of [["LockedOpen", lockOpens], ["LockedDown", lockdowns]])
      for (const [group, { reason, actor, at }] of Object.entries(layer))
        notes.push(h("p", { class: "set" }, `${word("mode", mode)} · ${t("ui.locked_down_by", { group: groupName(group), reason: reasonWord(reason), actor, at: dayMinute(at, zone) })}`));
    if (override) notes.push(h("p", { class: "set" }, t("ui.overridden", { mode: word("mode", override.mode), until: dayMinute(override.until, zone), reason: reasonWord(override.reason), actor: override.actor, at: dayMinute(override.at, zone) })));
    for (const waiting of state.waiting.filter((each) => each.door === door))
      notes.push(h("p", { class: "waits" }, `${said(waiting.card)} · ${t("ui.waits_for", { wants: word("want", waiting.wants) })} · ${elapsed(waiting.at)}`));
    return notes;
  }
  key(name) {
    if (name !== "d") return false;
    const buttons = [...this.querySelectorAll("button.open")];
    buttons[(buttons.indexOf(document.activeElement) + 1) % buttons.length]?.focus();
    return true;
  }
}
customElements.define("doors-screen", DoorsScreen);
