// The one catalogue, shared with the server.
const languages = ["zh-CN", "en"];
const texts = {};
// Until somebody chooses, the browser's first language that there is.
const preferred = () => (navigator.languages ?? [navigator.language]).map((tag) => tag.toLowerCase().startsWith("zh") ? "zh-CN" : tag.toLowerCase().startsWith("en") ? "en" : null).find(Boolean) ?? "zh-CN";
export let language = languages.includes(localStorage.getItem("language")) ? localStorage.getItem("language") : preferred();

export async function loadWords() {
  await Promise.all(languages.map(async (name) => {
    texts[name] = await (await fetch(`/static/i18n/${name}.json`)).json();
  }));
  document.documentElement.lang = language;
}

export function switchLanguage() {
  language = language === "en" ? "zh-CN" : "en";
  localStorage.setItem("language", language);
  document.documentElement.lang = language;
}

export function t(key, values = {}) {
  const template = texts[language][key];
  // `{n}`, or `{n|door|doors}`: a number and the word that fits it.
  return template === undefined ? key : template.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (place, name, one, other, at) =>
    setOff(one === undefined ? String(values[name] ?? "") : `${values[name]} ${values[name] === 1 ? one : other}`, template[at - 1], template[at + place.length]));
}
// Between Chinese and a Latin letter or digit stands a space: a name may end with either, a text can't know.
const han = /^[\u4e00-\u9fff]/, latin = /[A-Za-z0-9]/;
function setOff(filled, before = "", after = "") {
  if (language !== "zh-CN") return filled;
  return (han.test(before) && latin.test(filled[0] ?? "") ? " " : "") + filled + (latin.test(filled.at(-1) ?? "") && han.test(after) ? " " : "");
}

export function has(key) { return key in texts[language]; }
export function word(area, code) { return texts[language][`${area}.${code}`] ?? code; }
export function named(names, id) { return names?.[language] ?? id; }
export function said(texts_) { return texts_?.[language] ?? ""; }
export function joined(parts) { return parts.join(t("ui.and")); }

export function clockTime(iso, zone) {
  return new Date(iso).toLocaleTimeString("zh-CN", { hour12: false, timeZone: zone });
}
const day = (at, zone) => at.toLocaleDateString("sv-SE", { timeZone: zone });
export function dayTime(iso, zone) {
  const at = day(new Date(iso), zone), today = day(new Date(), zone);
  return (at === today ? "" : `${at.slice(0, 4) === today.slice(0, 4) ? at.slice(5) : at} `) + clockTime(iso, zone);
}
export function dateTime(iso, zone) { return `${day(new Date(iso), zone)} ${clockTime(iso, zone)}`; }
// To the minute, for what guards set.
export function dayMinute(iso, zone) { return dayTime(iso, zone).slice(0, -3); }
export function elapsed(iso) {
  const s = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  if (s < 60) return t("ui.ago_s", { n: s });
  if (s < 3600) return t("ui.ago_m", { n: Math.floor(s / 60) });
  return s < 86400 ? t("ui.ago_h", { n: Math.floor(s / 3600) }) : t("ui.ago_d", { n: Math.floor(s / 86400) });
}
