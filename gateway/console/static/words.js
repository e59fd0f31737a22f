// The one catalogue, shared with the server.
const languages = ["zh-CN", "en"];
const texts = {};
export let language = languages.includes(localStorage.getItem("language")) ? localStorage.getItem("language") : "zh-CN";

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
  return template === undefined ? key : template.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, other) =>
    one === undefined ? values[name] ?? "" : `${values[name]} ${values[name] === 1 ? one : other}`);
}

export function word(area, code) { return texts[language][`${area}.${code}`] ?? code; }
export function named(names, id) { return names?.[language] ?? id; }
export function said(texts_) { return texts_?.[language] ?? ""; }

export function clockTime(iso, zone) {
  return new Date(iso).toLocaleTimeString("zh-CN", { hour12: false, timeZone: zone });
}
export function dayTime(iso, zone) {
  const day = new Date(iso).toLocaleDateString("sv-SE", { timeZone: zone });
  const today = new Date().toLocaleDateString("sv-SE", { timeZone: zone });
  return (day === today ? "" : `${day.slice(5)} `) + clockTime(iso, zone);
}
export function elapsed(iso) {
  const s = Math.max(0, Math.round((Date.now() - Date.parse(iso)) / 1000));
  if (s < 60) return t("ui.ago_s", { n: s });
  if (s < 3600) return t("ui.ago_m", { n: Math.floor(s / 60) });
  return s < 86400 ? t("ui.ago_h", { n: Math.floor(s / 3600) }) : t("ui.ago_d", { n: Math.floor(s / 86400) });
}
