// What a guard decides about cards and people: block, let in for a while, forgive; and to take that back.
import { state } from "../state.js";
import { named, said, t } from "../words.js";
import { mayAct } from "./acts.js";
import { askDialog, manyPart, reasonPart, untilPart } from "./ask.js";

const BLOCK = ["lost_card", "stolen_card", "banned", "police"];
const LIFT = ["found_again", "cleared_up"];
const LET_IN = ["office_closed", "list_late", "moving", "repair"];
const FORGIVE = ["wrong_record", "drill", "system_test"];

// `event` is one that names a card; whose it is only the server knows.
export function blockOf(event, of) {
  if (!mayAct()) return;
  const title = t(of === "cardholder" ? "ui.block_person_title" : event.is_pass ? "ui.block_pass_title" : "ui.block_card_title", { card: said(event.whom) });
  askDialog({ title, parts: [reasonPart(BLOCK)], yes: t("ui.block_yes"), danger: true, done: t("ui.blocked"),
    send: (send, { reason }) => send(`/api/events/${event.id}/block`, { of, reason }) });
}
export function liftOf(event, of) {
  if (!mayAct()) return;
  const card = said(event.whom), whom = of === "credential" ? card : t("words.the_person", { person: card });
  askDialog({ title: t("ui.lift_block_title", { of: whom }), parts: [reasonPart(LIFT)], yes: t("ui.lift_yes"),
    send: (send, { reason }) => send(`/api/events/${event.id}/block`, { of, blocked: false, reason }) });
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
export function blockCard(found) {
  askDialog({ title: t("ui.block_card_title", { card: said(found.card) }), parts: [reasonPart(BLOCK)], yes: t("ui.block_yes"), danger: true, done: t("ui.blocked"),
    send: (send, { reason }) => send("/api/blocks", { subject: `credential:${found.credential}`, blocked: true, reason }) });
}
export function blockPerson(person) {
  askDialog({ title: t("ui.block_person_title", { card: said(person.card) }), parts: [reasonPart(BLOCK)], yes: t("ui.block_yes"), danger: true, done: t("ui.blocked"),
    send: (send, { reason }) => send("/api/blocks", { subject: `cardholder:${person.cardholder}`, blocked: true, reason }) });
}
export function liftBlock(block) {
  askDialog({ title: t("ui.lift_block_title", { of: said(block.of) }), parts: [reasonPart(LIFT)], yes: t("ui.lift_yes"),
    send: (send, { reason }) => send("/api/blocks", { subject: block.subject, blocked: false, reason }) });
}
export function endLocalGrant(grant) {
  askDialog({ title: t("ui.end_grant_title", { card: said(grant.card) }), parts: [reasonPart(LIFT)], yes: t("ui.end_grant_yes"),
    send: (send, { reason }) => send("/api/local-grants/end", { credential: grant.credential, reason }) });
}
// `person` null: everybody.
export function forgive(person) {
  askDialog({ title: t("ui.forgive_title", { whom: person ? said(person.card) : t("ui.everybody") }), parts: [reasonPart(FORGIVE)], yes: t("ui.forgive_yes"),
    send: (send, { reason }) => send("/api/forgive", { cardholder: person?.cardholder ?? null, reason }) });
}
