// Who is where: the muster list; blocks and local grants in force.
import { get } from "../api.js";
import { act } from "../parts/acts.js";
import { h } from "../parts/dom.js";
import { reasonWord } from "../parts/door-facts.js";
import { blockPerson, endLocalGrant, forgive, liftBlock } from "../parts/people-actions.js";
import { changes, state } from "../state.js";
import { dateTime, dayMinute, joined, language, said, t } from "../words.js";

const ASKED_AGAIN = new Set(["AreaEntered", "AntipassbackForgiven", "SubjectBlocked", "SubjectUnblocked", "LocalGrantGiven", "LocalGrantEnded", "ListActivated"]);
const EVERY_MS = 2000;  // at most; a gate at rush hour says more than anybody reads

class PeopleScreen extends HTMLElement {
  connectedCallback() {
    this.signal = new AbortController();
    this.fault = h("p", { class: "fault", role: "alert" });
    this.body = h("div", { class: "people" });
    this.at = h("h2", { class: "muster-at" }, t("ui.muster"));
    this.replaceChildren(h("div", { class: "bar" }, this.at,
      h("button", { onclick: () => print() }, t("ui.print")), h("button", { onclick: () => { location.href = `/api/people.csv?language=${language}`; } }, t("ui.export_muster")),
      act({ id: "forgive-all", onclick: () => forgive(null) }, t("ui.forgive_all"))), this.fault, this.body);
    changes.addEventListener("happened", (event) => { if (event.detail.some((each) => ASKED_AGAIN.has(each.type))) this.askSoon(); }, this.signal);
    this.ask();
  }
  disconnectedCallback() { this.signal.abort(); clearTimeout(this.soon); }
  askSoon() { this.soon ??= setTimeout(() => { this.soon = null; this.ask(); }, Math.max(100, EVERY_MS - (Date.now() - (this.askedAt ?? 0)))); }
  async ask() {
    this.askedAt = Date.now();
    try {
      const found = await get("/api/people");
      this.fault.textContent = "";
      this.draw(found);
    } catch (refused) {
      this.fault.textContent = refused.message;
      if (refused.status === 0 || refused.status >= 500) this.askSoon();
    }
  }
  draw({ areas, blocks, local_grants: grants }) {
    const scroll = this.body.scrollTop;
    this.at.textContent = t("ui.muster_at", { time: dateTime(new Date().toISOString(), state.site.zone) });
    this.body.replaceChildren(
      h("div", { class: "muster" }, areas.length ? areas.map((area) => this.area(area)) : h("div", { class: "empty" }, t("ui.no_areas"))),
      h("div", { class: "in-force" },
        this.section("blocks", t("ui.blocks"), blocks.map((block) => this.block(block)), t("ui.no_blocks")),
        this.section("local-grants", t("ui.local_grants"), grants.map((grant) => this.grant(grant)), t("ui.no_local_grants"))));
    this.body.scrollTop = scroll;
  }
  area(area) {
    const full = area.max !== null && area.count >= area.max;
    const count = area.max === null ? t("ui.total", { count: area.count }) : `${t("ui.of_max", area)}${full ? ` · ${t("ui.full")}` : ""}`;
    return h("section", { class: `area ${full ? "full" : ""}`, "data-area": area.id }, h("header", {}, h("h2", {}, said(area.name)), h("b", { class: "count" }, count)),
      area.people.length ? h("ul", { class: "lines" }, area.people.map((person) => this.person(person))) : h("p", { class: "muted" }, t("ui.nobody_inside")));
  }
  person(person) {
    const facts = [said(person.kind), t("ui.since", { time: dayMinute(person.since, state.site.zone) }), t("ui.came_by", { place: said(person.place) }), person.forgiven && t("ui.forgiven")];
    return h("li", { class: person.special_care ? "care" : "" }, h("div", {}, h("b", {}, said(person.card)), person.special_care && h("span", { class: "care-mark" }, `♥ ${t("ui.special_care")}`), h("span", { class: "muted" }, facts.filter(Boolean).join(" · "))),
      h("div", { class: "row" }, act({ class: "quiet", onclick: () => forgive(person) }, t("ui.forgive")), act({ class: "quiet", onclick: () => blockPerson(person) }, t("ui.block_person"))));
  }
  section(id, title, lines, none) {
    return h("section", { id }, h("header", {}, h("h2", {}, title), h("b", { class: "count" }, String(lines.length))), lines.length ? h("ul", { class: "lines" }, lines) : h("p", { class: "muted" }, none));
  }
  block(block) {
    return h("li", {}, h("div", {}, h("b", {}, said(block.of)), h("span", { class: "muted" }, t("ui.by_whom", { reason: reasonWord(block.reason), actor: block.actor, at: dateTime(block.at, state.site.zone) }))),
      act({ onclick: () => liftBlock(block) }, t("ui.lift_block")));
  }
  grant(grant) {
    return h("li", {}, h("div", {}, h("b", {}, said(grant.card)), h("span", {}, t("ui.grant_until", { until: dayMinute(grant.until, state.site.zone), points: joined(said(grant.access_points)) })),
      h("span", { class: "muted" }, t("ui.grant_by", { reason: reasonWord(grant.reason), actor: grant.actor }))), act({ onclick: () => endLocalGrant(grant) }, t("ui.end_grant")));
  }
  key() { return false; }
}
customElements.define("people-screen", PeopleScreen);
