// Who is where: the muster list; blocks and local grants in force.
import { get } from "../api.js";
import { act } from "../parts/acts.js";
import { h } from "../parts/dom.js";
import { reasonWord } from "../parts/door-facts.js";
import { blockCredential, blockPerson, endLocalGrant, forgive, letInCard, liftBlock } from "../parts/people-actions.js";
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
    this.words = h("input", { type: "search", id: "find-card", maxlength: "80", placeholder: t("ui.find_card"), "aria-label": t("ui.find_card"), oninput: () => this.findSoon() });
    this.found = h("section", { id: "found", hidden: true });
    this.replaceChildren(h("div", { class: "bar" }, this.at, this.words,
      h("button", { onclick: () => print() }, t("ui.print")), h("button", { onclick: () => { location.href = `/api/people.csv?language=${language}`; } }, t("ui.export_muster")),
      act({ id: "forgive-all", onclick: () => forgive(null) }, t("ui.forgive_all"))), this.fault, this.body);
    changes.addEventListener("happened", (event) => { if (event.detail.some((each) => ASKED_AGAIN.has(each.type))) { this.askSoon(); this.findSoon(); } }, this.signal);
    if (this.kept) this.words.value = this.kept.words;
    this.ask(); this.find();
  }
  keep() { return { words: this.words.value }; }
  disconnectedCallback() { this.signal.abort(); clearTimeout(this.soon); clearTimeout(this.finding); }
  findSoon() { clearTimeout(this.finding); this.finding = setTimeout(() => this.find(), 250); }
  // Cards by the office's labels, from two characters on.
  async find() {
    const text = this.words.value.trim();
    this.found.hidden = text.length < 2;
    if (this.found.hidden) return;
    try {
      const { found, more } = await get(`/api/people/find?text=${encodeURIComponent(text)}`);
      if (text !== this.words.value.trim()) return;
      this.found.replaceChildren(h("header", {}, h("h2", {}, t("ui.found_cards")), h("b", { class: "count" }, more ? t("ui.first_of_more", { count: found.length }) : String(found.length))),
        found.length ? h("ul", { class: "lines" }, found.map((each) => this.card(each))) : h("p", { class: "muted" }, t("ui.nothing_found")));
    } catch (refused) { this.found.replaceChildren(h("p", { class: "fault", role: "alert" }, refused.message)); }
  }
  card(each) {
    const held = (of) => each.blocks.find((block) => block.subject.startsWith(of));
    const blocking = (of, word, block) => held(of) ? act({ class: "quiet", onclick: () => liftBlock(held(of)) }, t(`ui.lift_${word}`)) : act({ class: "quiet", onclick: () => block(each) }, t(`ui.block_${word}`));
    return h("li", { "data-card": each.credential }, h("div", {}, h("b", {}, said(each.card)), this.blockedMark(each), h("span", { class: "muted" }, said(each.kind))),
      h("div", { class: "row" }, blocking("credential:", "credential", blockCredential), blocking("cardholder:", "person", blockPerson), act({ class: "quiet", onclick: () => letInCard(each) }, t("ui.let_in"))));
  }
  blockedMark(each) { return each.blocks.length > 0 && h("span", { class: "blocked-mark" }, `⊘ ${t("ui.blocked")}`); }
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
    this.body.replaceChildren(this.found,
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
    return h("li", { class: person.special_care ? "care" : "" }, h("div", {}, h("b", {}, said(person.card)), this.blockedMark(person), person.special_care && h("span", { class: "care-mark" }, `♥ ${t("ui.special_care")}`), h("span", { class: "muted" }, facts.filter(Boolean).join(" · "))),
      h("div", { class: "row" }, act({ class: "quiet", onclick: () => forgive(person) }, t("ui.forgive")), person.blocks.length ? act({ class: "quiet", onclick: () => liftBlock(person.blocks[0]) }, t("ui.lift_block")) : act({ class: "quiet", onclick: () => blockPerson(person) }, t("ui.block_person"))));
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
