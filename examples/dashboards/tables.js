// Tiles, tables and the board as HTML. Every figure carries its value as data-value.
import { spark } from "./charts.js";
import { element, empty, figure, known, told, verdict } from "./dom.js";

function meter(value, top) {
  const bar = element("span", { class: "meter" });
  bar.style.setProperty("--part", top ? (value ?? 0) / top : 0);
  return bar;
}

function table(head, body) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head.map((each) => element("th", {}, each)))),
    element("tbody", {}, ...body),
  );
}

/** Tiles: the number, its line, and what became of it since the range before. */
export function tiles(model, tools) {
  const made = model.tiles.map((each) => {
    const change = element("bdi", {}, tools.format.change(each.change));
    const beneath = element("p", { class: "change" }, change);
    if (each.verdict) beneath.append(" ", verdict(each.verdict, tools.words));
    if (each.value === null) beneath.replaceChildren(tools.words.reasons[each.reason] ?? "");
    return element(
      "li",
      { data: { id: each.id } },
      element("h3", {}, each.label),
      figure(each, tools),
      spark(each.points, tools),
      beneath,
    );
  });
  return element("ul", { class: "tiles" }, ...made);
}

/** Drivers by severity, with what makes them severe. */
export function drivers({ bars: rows, untagged, coverage }, tools) {
  if (!rows.length) return empty(tools);
  const { words, format } = tools;
  const top = Math.max(...rows.map((each) => each.value), 0);
  const body = rows.map((each) =>
    element(
      "tr",
      { data: { key: each.key } },
      element("th", { scope: "row" }, element("bdi", {}, each.label), meter(each.value, top)),
      element("td", {}, figure(each, tools)),
      ...Object.values(each.facts).map((fact) => element("td", {}, figure(fact, tools))),
      element("td", {}, words.trends[each.trend] ?? ""),
      element("td", {}, each.departments.join(", ")),
    ),
  );
  const names = [words.topic, words.severity, words.contacts, words.customers, words.share];
  const head = [...names, words.trend, words.department];
  const share = element("bdi", { data: { value: told(coverage) } }, format.value(coverage, "share"));
  const without = element("bdi", { data: { value: told(untagged) } }, format.value(untagged));
  return element(
    "div",
    { class: "scroll" },
    table(head, body),
    element("p", { class: "note" }, `${words.untagged}: `, without, ` · ${words.coverage}: `, share),
  );
}

/** Agents with what they do now and when they were last seen. */
export function agents({ columns, rows }, tools) {
  if (!rows.length) return empty(tools);
  const { words, format } = tools;
  const body = rows.map((each) => {
    const state = element("span", { class: `state ${each.state}` }, each.stateLabel ?? "–");
    const cells = each.values.map((value, at) =>
      element("td", {}, figure({ ...columns[at], value }, tools)),
    );
    const seen = element("td", { data: { seen: told(each.seen) } }, format.instant(each.seen));
    const name = element("th", { scope: "row" }, element("bdi", {}, each.label));
    return element("tr", { data: { key: each.key } }, name, element("td", {}, state), seen, ...cells);
  });
  const head = [words.agent, words.now, words.seen, ...columns.map((each) => each.label)];
  return element("div", { class: "scroll" }, table(head, body));
}

/** Now against before: two marks on one line for each member, and whether it means something. */
export function comparison({ label, unit, rows }, tools) {
  if (!rows.length) return empty(tools);
  const { words } = tools;
  const top = Math.max(...rows.flatMap((each) => [each.value, each.before]).filter(known), 0);
  const body = rows.map((each) => {
    const line = element("span", { class: "pair" });
    for (const [name, value] of [["before", each.before], ["value", each.value]]) {
      if (!known(value)) continue;
      const mark = element("span", { class: name });
      mark.style.setProperty("--part", top ? value / top : 0);
      line.append(mark);
    }
    return element(
      "tr",
      { data: { key: told(each.key) } },
      element("th", { scope: "row" }, element("bdi", {}, each.label)),
      element("td", { class: "wide" }, line),
      element("td", {}, figure({ value: each.before, unit }, tools)),
      element("td", {}, figure({ value: each.value, unit }, tools)),
      element("td", {}, each.verdict ? verdict(each.verdict, words) : ""),
    );
  });
  return element(
    "div",
    { class: "scroll" },
    table([words.channel, label, words.before, words.after, words.verdict], body),
  );
}

/** Goals with where they are, where they should be, and where they lead. */
export function goals({ rows }, tools) {
  if (!rows.length) return empty(tools);
  const { words, format } = tools;
  const body = rows.map((each) => {
    const number = (value, unit = each.unit) =>
      element("td", {}, figure({ value, unit, currency: each.currency }, tools));
    const title = element("bdi", {}, each.title);
    const about = [each.label, each.owner].filter(known).map((text) => element("bdi", {}, text));
    const note = element("span", { class: "note" }, ...about.flatMap((text) => [text, " "]));
    const part = Math.min(Math.max(each.progress ?? 0, 0), 1);
    return element(
      "tr",
      { data: { key: each.key } },
      element("th", { scope: "row" }, title, element("br"), note, meter(part, 1)),
      number(each.current),
      number(each.target),
      number(each.progress, "share"),
      number(each.planned),
      number(each.leads),
      element("td", { data: { day: told(each.reaches) } }, format.day(each.reaches)),
      element("td", { data: { day: told(each.due) } }, format.day(each.due)),
      element("td", {}, element("span", { class: `status ${each.status}` }, words.statuses[each.status])),
    );
  });
  const head = [words.goal, words.now, words.target, words.progress, words.planned, words.leads];
  const days = [words.reaches, words.due, words.status];
  return element("div", { class: "scroll" }, table([...head, ...days], body));
}

function list(title, rows, tools) {
  const [first] = rows;
  const head = [title, ...(first?.values ?? []).map((each) => each.label)];
  const body = rows.map((row) =>
    element(
      "tr",
      { data: { key: told(row.key) } },
      element("th", { scope: "row" }, element("bdi", {}, row.label)),
      ...row.values.map((each) => element("td", { data: { id: each.id } }, figure(each, tools))),
    ),
  );
  return element("div", { class: "scroll" }, first ? table(head, body) : empty(tools));
}

function row(numbers, tools, name) {
  const made = numbers.map((each) =>
    element("li", { data: { id: each.id } }, element("h3", {}, each.label), figure(each, tools)),
  );
  return element("ul", { class: `tiles ${name}` }, ...made);
}

/** The wall board. */
export function board(model, tools) {
  const { words, format } = tools;
  const states = model.agents.map((each) => ({
    id: told(each.state),
    label: each.label ?? words.unknown,
    value: each.value,
    unit: "count",
  }));
  return element(
    "div",
    { class: "board", data: { asOf: model.asOf } },
    element("p", { class: "note" }, `${words.asOf} ${format.clock(model.asOf)}`),
    row(model.now, tools, "now"),
    row(model.today, tools, "today"),
    row(states, tools, "agents"),
    list(words.queue, model.queues, tools),
    list(words.channel, model.channels, tools),
    list(words.type, model.types, tools),
  );
}
