// The page: reads what to ask, asks once for each screen, draws the answers.
import { ask, follow } from "./api.js";
import { formats } from "./format.js";
import { RANGES, SCREENS, SETS } from "./screens.js";
import { LANGUAGES, WORDS } from "./words.js";

// #api=…&token=… : what follows the # is sent to no server, and the token does not stay in it.
const given = new URLSearchParams(location.hash.slice(1));
const chosen = {
  api: given.get("api"),
  token: given.get("token"),
  language: LANGUAGES[given.get("lang")] ? given.get("lang") : "en",
  range: given.get("range") ?? RANGES[1],
  set: given.get("set") ?? SETS[0],
};
given.delete("token");
history.replaceState(null, "", `#${given}`);

const controls = document.getElementById("controls");
const access = document.getElementById("access");
const screens = document.getElementById("screens");
let leave = () => {};

function options(select, values, label, current) {
  select.replaceChildren(...values.map((value) => new Option(label(value), value)));
  select.value = current;
}

function dress() {
  const words = WORDS[chosen.language];
  document.documentElement.lang = chosen.language;
  document.documentElement.dir = LANGUAGES[chosen.language].dir;
  document.title = words.title;
  document.getElementById("title").textContent = words.title;
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = words[each.dataset.word];
  }
  options(controls.range, RANGES, (value) => words.ranges[value], chosen.range);
  options(controls.set, SETS, (value) => words.sets[value], chosen.set);
  options(
    controls.language,
    Object.keys(LANGUAGES),
    (value) => LANGUAGES[value].name,
    chosen.language,
  );
}

function card(screen, words) {
  const section = document.createElement("section");
  section.id = screen.id;
  section.classList.toggle("wide", Boolean(screen.wide));
  section.dataset.state = "waits";
  const heading = document.createElement("h2");
  heading.textContent = words.screens[screen.id].title;
  const note = document.createElement("p");
  note.className = "note";
  note.textContent = words.screens[screen.id].note;
  const body = document.createElement("div");
  body.className = "body";
  section.append(heading, note, body);
  return { section, body };
}

function show({ section, body }, screen, tools, answer) {
  body.replaceChildren(screen.draw(screen.map(answer), tools));
  section.dataset.state = "drawn";
  // What a test, or a curious developer, finds behind the picture.
  section.answer = answer;
}

function failed({ section, body }, words, error) {
  const text = document.createElement("p");
  text.className = "problem";
  text.textContent = error.message || words.unreachable;
  body.replaceChildren(text);
  section.dataset.state = "failed";
}

function render() {
  leave();
  leave = () => {};
  dress();
  access.hidden = Boolean(chosen.api && chosen.token);
  if (!access.hidden) return;
  const words = WORDS[chosen.language];
  const asked = { ...chosen };
  const rtl = LANGUAGES[chosen.language].dir === "rtl";
  const tools = { words, format: formats(chosen.language), rtl };
  const cards = SCREENS.map((screen) => [screen, card(screen, words)]);
  screens.replaceChildren(...cards.map(([, each]) => each.section));
  for (const [screen, each] of cards) {
    const drawn = (answer) => each.section.isConnected && show(each, screen, tools, answer);
    const problem = (error) => failed(each, words, error);
    if (screen.stream) leave = follow(asked, drawn, problem);
    else ask(asked, screen.call(asked)).then(drawn).catch(problem);
  }
}

controls.addEventListener("change", () => {
  chosen.range = controls.range.value;
  chosen.set = controls.set.value;
  chosen.language = controls.language.value;
  render();
});
access.addEventListener("submit", (event) => {
  event.preventDefault();
  chosen.api = access.api.value;
  chosen.token = access.token.value;
  render();
});
addEventListener("pagehide", () => leave());
render();
