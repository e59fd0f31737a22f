// What a guard decides about cards and people: block, let in for a while, forgive; and to take that back.
import { state } from "../state.js";
import { named, said, t } from "../words.js";
import { mayAct } from "./acts.js";
import { askDialog, manyPart, reasonPart, untilPart } from "./ask.js";

// Why something or somebody is blocked: for some it is about what was shown, for all about whose it is. A `credential`
// is one of which nobody says here whether it is a card, a PIN or a plate.
const BANNED = ["banned", "police"];
const BLOCK = {
  card: ["lost_card", "stolen_card", ...BANNED],
  pin: ["pin_known", ...BANNED],
  plate: ["plate_copied", "vehicle_sold", ...BANNED],
  pass: ["pass_passed_on", "visit_over", ...BANNED],
  credential: ["lost", "misused", ...BANNED],
  person: ["moved_out", "left_job", ...BANNED],
};
// A card can be several entries of the list, one for each format that readers read it in.
const SEVERAL = new Set(["card", "credential"]);
const LIFT = { card: ["found_again", "cleared_up", "by_mistake"], credential: ["found_again", "cleared_up", "by_mistake"] };
const LIFT_OTHER = ["cleared_up", "by_mistake"];
const END_GRANT = ["not_needed", "cleared_up", "by_mistake"];
const LET_IN = ["office_closed", "list_late", "moving", "repair"];
const FORGIVE = ["wrong_record", "drill", "system_test"];

// `event` is one that names a card; whose it is only the server knows.
export function blockOf(event, of) {
  block(of === "cardholder" ? "person" : event.shown, event.whom, (send, reason) => send(`/api/events/${event.id}/block`, { of, reason }));
}
export function liftOf(event, of) {
  const card = said(event.whom), person = of === "cardholder";
  lift(person ? "person" : event.shown, person ? t("words.the_person", { person: card }) : card, (send, reason) => send(`/api/events/${event.id}/block`, { of, blocked: false, reason }));
}
function block(what, card, send) {
  if (!mayAct()) return;
  askDialog({ title: t(`ui.block_${what}_title`, { card: said(card) }), text: SEVERAL.has(what) && t("ui.block_others_good"), parts: [reasonPart(BLOCK[what])],
    yes: t("ui.block_yes"), danger: true, done: t("ui.blocked"),
    send: (sending, { reason }) => send(sending, reason) });
}
function lift(what, of, send) {
  if (!mayAct()) return;
  askDialog({ title: t("ui.lift_block_title", { of }), parts: [reasonPart(LIFT[what] ?? LIFT_OTHER)], yes: t("ui.lift_yes"), send: (sending, { reason }) => send(sending, reason) });
}
export function letIn(event) {
  const known = event.access_point && event.access_point in state.site.access_points ? [event.access_point] : [];
  localGrant(said(event.whom), known, (send, values) => send(`/api/events/${event.id}/let-in`, values));
}
// `found` is a card that was looked up by its label.
export function letInCard(found) {
  localGrant(said(found.card), [], (send, values) => send("/api/local-grants", { ...values, credential: found.credential }));
}
function localGrant(card, known, send) {
  if (!mayAct()) return;
  const points = Object.entries(state.site.access_points).map(([id, names]) => [id, named(names, id)]);
  askDialog({ title: t("ui.let_in_title", { card }), parts: [manyPart("access_points", t("ui.let_in_where"), points, known), untilPart(), reasonPart(LET_IN)],
    yes: t("ui.let_in_yes"), done: t("ui.let_in_done"), send });
}
export function blockCredential(found) {
  block("credential", found.card, (send, reason) => send("/api/blocks", { subject: `credential:${found.credential}`, blocked: true, reason }));
}
export function blockPerson(person) {
  block("person", person.card, (send, reason) => send("/api/blocks", { subject: `cardholder:${person.cardholder}`, blocked: true, reason }));
}
export function liftBlock(held) {
  const [kind, name] = held.subject.split(":");
  const what = kind === "cardholder" ? "person" : name === "pass" ? "pass" : "credential";
  lift(what, said(held.of), (send, reason) => send("/api/blocks", { subject: held.subject, blocked: false, reason }));
}
export function endLocalGrant(grant) {
  askDialog({ title: t("ui.end_grant_title", { card: said(grant.card) }), parts: [reasonPart(END_GRANT)], yes: t("ui.end_grant_yes"),
    send: (send, { reason }) => send("/api/local-grants/end", { credential: grant.credential, reason }) });
}
// `person` null: everybody.
export function forgive(person) {
  askDialog({ title: t("ui.forgive_title", { whom: person ? said(person.card) : t("ui.everybody") }), parts: [reasonPart(FORGIVE)], yes: t("ui.forgive_yes"),
    send: (send, { reason }) => send("/api/forgive", { cardholder: person?.cardholder ?? null, reason }) });
}
