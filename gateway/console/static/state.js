// What the page knows, and the socket that keeps it true: in row order, from a cursor, without a hole or a double.
import { get } from "./api.js";

const KEEP = 500;
export const state = {
  me: null, site: null, alarms: new Map(), doors: {}, waiting: [], lost: {}, events: [], status: {}, cursor: 0, epoch: "",
  serverLive: false, journal: true, beatAt: 0, clock: "", selected: null, pinned: false,
};
export const changes = new EventTarget();
const pending = new Set();
export function changed(what) {
  if (!pending.size) requestAnimationFrame(() => { const told = [...pending]; pending.clear(); told.forEach((name) => changes.dispatchEvent(new Event(name))); });
  // A hidden tab draws no frames; its sounds and title must not wait for one.
  if (!pending.has(what) && document.hidden) { changes.dispatchEvent(new Event(what)); return; }
  pending.add(what);
}

let socket = null, wanted = false, greeted = false, retry = null;

export const isLive = () => state.serverLive && Date.now() - state.beatAt < 5000;
export const isConnected = () => Date.now() - state.beatAt < 5000;
// What is still there comes before what is back to normal, within its priority; a quiet one comes forward nowhere.
export const openAlarms = () => [...state.alarms.values()].filter((a) => a.state !== "resolved")
  .sort((a, b) => a.quiet - b.quiet || a.priority - b.priority || b.active - a.active || (a.state === "acknowledged") - (b.state === "acknowledged") || a.raised_row - b.raised_row);
export const loudAlarms = () => openAlarms().filter((alarm) => !alarm.quiet);
export const endedAlarms = () => [...state.alarms.values()].filter((a) => a.state === "resolved").sort((a, b) => b.row - a.row);

// How the office is, as the sync process says: while that is silent nobody knows.
export function officeNow() {
  const sync = isLive() ? state.status.processes?.sync : null;
  if (!sync || sync.state === "offline") return { how: "unknown", silent: sync?.state === "offline" };
  return { how: sync.office === "online" || sync.office === "offline" ? sync.office : "unknown", queue: sync.queue, age_s: sync.oldest_age_s, refusal: sync.office === "offline" && sync.refusal || "" };
}

export async function startLive() {
  wanted = true;
  const tail = await get("/api/events?limit=200");
  state.events = tail.events;
  state.cursor = Math.max(tail.head, tail.events[0]?.row ?? 0);
  state.epoch = tail.epoch;
  connect();
}
export function stopLive() {
  wanted = greeted = false;
  clearTimeout(retry);
  socket?.close();
  state.alarms.clear();
  Object.assign(state, { doors: {}, waiting: [], lost: {}, events: [], status: {}, cursor: 0, beatAt: 0, selected: null, pinned: false });
}

function connect() {
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const mine = new WebSocket(`${scheme}://${location.host}/ws/live?after=${state.cursor}&epoch=${state.epoch}`);
  socket = mine;
  mine.onmessage = (message) => { if (socket === mine) take(JSON.parse(message.data)); };
  mine.onclose = (closing) => {
    if (socket !== mine) return;
    socket = null;
    if (closing.code === 4401) { dispatchEvent(new Event("signed-out")); return; }
    if (wanted) retry = setTimeout(connect, 500 + Math.random() * 1000);
  };
}

const takers = {
  hello(message) {
    const sent = new Set(message.alarms.map((alarm) => alarm.id));
    // What called while the line was down calls now; what was there when this page came up doesn't.
    const called = greeted ? calling(message.alarms) : [];
    greeted = true;
    if (message.reset) { state.events = []; state.alarms.clear(); }
    for (const id of state.alarms.keys()) if (!sent.has(id)) state.alarms.delete(id);
    message.alarms.forEach(upsert);
    takeDoors(message);
    state.cursor = message.cursor;
    state.epoch = message.epoch;
    call(called);
    changed("alarms"); changed("events");
  },
  events(message) {
    if (message.after !== state.cursor) { socket.close(); return; }
    state.cursor = message.cursor;
    state.events = [...message.events.reverse(), ...state.events].slice(0, KEEP);
    const called = calling(message.alarms);
    message.alarms.forEach(upsert);
    if (message.doors || message.waiting) takeDoors(message);
    call(called);
    changes.dispatchEvent(new CustomEvent("happened", { detail: message.events }));
    changed("events");
    if (message.alarms.length) changed("alarms");
  },
  status(message) { state.status = message.status; changed("status"); },
  heartbeat(message) {
    state.beatAt = Date.now(); state.serverLive = message.live; state.journal = message.journal; state.clock = message.clock;
    changed("beat");
  },
};
function take(message) { takers[message.type]?.(message); }
function takeDoors({ doors = state.doors, waiting = state.waiting, lost = state.lost }) {
  Object.assign(state, { doors, waiting, lost });
  changed("doors");
}
// New, or happened again.
function calling(alarms) { return alarms.filter((alarm) => !alarm.quiet && alarm.state !== "resolved" && alarm.last_row > (state.alarms.get(alarm.id)?.last_row ?? 0)); }
function call(alarms) { if (alarms.length) changes.dispatchEvent(new CustomEvent("called", { detail: alarms })); }
function upsert(alarm) {
  const known = state.alarms.get(alarm.id);
  if (!known || known.row <= alarm.row) state.alarms.set(alarm.id, alarm);
}
setInterval(() => changed("beat"), 1000);
