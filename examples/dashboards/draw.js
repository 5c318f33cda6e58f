// Charts as SVG and tables as HTML. Arithmetic here is of pixels alone: scales, ticks, and bands that
// lie on each other. Every mark carries its figure as data-value.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640;
const HEIGHT = 240;
const PAD = { start: 52, end: 10, top: 10, bottom: 26 };
const COLORS = 8;
const WIDEST_BAR = 56;

function node(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "data") Object.assign(made.dataset, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const known = (value) => value !== null && value !== undefined;
const told = (value) => (known(value) ? String(value) : "");
const hint = (text) => node("title", {}, text);

const CLOCK = [60, 3600, 86400].flatMap((unit) => [1, 2, 5, 10, 15, 30].map((each) => each * unit));

/** Round steps from 0 to the top of a scale: of durations those of a clock. */
function ticks(top, unit) {
  const rough = (top || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const decimal = power * [1, 2, 5, 10].find((each) => each * power >= rough);
  const clock = unit === "seconds" && rough > 30 && CLOCK.find((each) => each >= rough);
  const step = clock || decimal;
  return Array.from({ length: Math.ceil((top || 1) / step) + 1 }, (_, index) => index * step);
}

/** A frame with both axes; in languages that run from right to left it is mirrored. */
function frame(categories, top, unit, { format, rtl }) {
  const steps = ticks(top, unit);
  const highest = steps[steps.length - 1];
  const inner = { width: WIDTH - PAD.start - PAD.end, height: HEIGHT - PAD.top - PAD.bottom };
  const across = (x) => (rtl ? WIDTH - x : x);
  const slot = inner.width / Math.max(categories.length, 1);
  const left = (index) => PAD.start + index * slot;
  const y = (value) => PAD.top + inner.height * (1 - value / highest);
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  for (const step of steps) {
    const line = { x1: across(PAD.start), x2: across(WIDTH - PAD.end), y1: y(step), y2: y(step) };
    const text = { x: across(PAD.start - 6), y: y(step) + 4, class: "tick", "text-anchor": "end" };
    svg.append(node("line", { ...line, class: "grid" }));
    svg.append(node("text", text, format.value(step, unit)));
  }
  const widest = Math.max(...categories.map((each) => each.label.length), 1);
  const every = Math.max(1, Math.ceil((widest * 7 + 8) / slot));
  categories.forEach((each, index) => {
    if (index % every) return;
    const place = { x: across(left(index) + slot / 2), y: HEIGHT - 8, "text-anchor": "middle" };
    svg.append(node("text", { ...place, class: "tick" }, each.label));
  });
  return { svg, across, slot, left, y, middle: (index) => across(left(index) + slot / 2) };
}

function legend(series) {
  const items = series.map((each, index) =>
    element("li", {}, element("span", { class: `dot c${index % COLORS}` }), each.label),
  );
  return element("ul", { class: "legend" }, ...items);
}

function chart(svg, series) {
  const made = element("figure", {}, svg);
  if (series.length > 1) made.append(legend(series));
  return made;
}

const empty = ({ words }) => element("p", { class: "empty" }, words.empty);

function labelled(category, each, value, { format }) {
  return `${category.label} · ${each.label}: ${format.value(value, each.unit)}`;
}

/** Lines over time. A value that is null is a gap. */
export function lines({ categories, series }, tools) {
  if (!series.length) return empty(tools);
  const top = Math.max(...series.flatMap((each) => each.values.filter(known)), 0);
  const area = frame(categories, top, series[0].unit, tools);
  series.forEach((each, color) => {
    let path = "";
    each.values.forEach((value, index) => {
      const pen = path && known(each.values[index - 1]) ? "L" : "M";
      if (known(value)) path += `${pen}${area.middle(index)} ${area.y(value)}`;
    });
    area.svg.append(node("path", { d: path, class: `line c${color % COLORS}` }));
    each.values.forEach((value, index) => {
      if (!known(value)) return;
      const place = { cx: area.middle(index), cy: area.y(value), r: 3 };
      const mark = { class: `point c${color % COLORS}`, "data-series": each.key };
      const text = hint(labelled(categories[index], each, value, tools));
      area.svg.append(node("circle", { ...place, ...mark, "data-value": value }, text));
    });
  });
  return chart(area.svg, series);
}

/** Bars beside each other for each category. */
export function bars({ categories, series }, tools) {
  if (!series.length || !categories.length) return empty(tools);
  const top = Math.max(...series.flatMap((each) => each.values.filter(known)), 0);
  const area = frame(categories, top, series[0].unit, tools);
  const width = Math.min((area.slot * 0.8) / series.length, WIDEST_BAR);
  const gap = area.slot - width * series.length;
  series.forEach((each, color) => {
    each.values.forEach((value, index) => {
      if (!known(value)) return;
      const start = area.left(index) + gap / 2 + color * width;
      const x = Math.min(area.across(start), area.across(start + width));
      const box = { x, y: area.y(value), width, height: area.y(0) - area.y(value) };
      const mark = { class: `bar c${color % COLORS}`, "data-series": each.key };
      const text = hint(labelled(categories[index], each, value, tools));
      area.svg.append(node("rect", { ...box, ...mark, "data-value": value }, text));
    });
  });
  return chart(area.svg, series);
}

/** Areas that lie on each other. */
export function areas({ categories, series }, tools) {
  if (!series.length) return empty(tools);
  const bases = [categories.map(() => 0)];
  for (const each of series) {
    const under = bases[bases.length - 1];
    bases.push(under.map((base, index) => base + (each.values[index] ?? 0)));
  }
  const area = frame(categories, Math.max(...bases[bases.length - 1], 0), series[0].unit, tools);
  series.forEach((each, color) => {
    const upper = categories.map((_, at) => `${area.middle(at)} ${area.y(bases[color + 1][at])}`);
    const lower = categories.map((_, at) => `${area.middle(at)} ${area.y(bases[color][at])}`);
    const d = `M${upper.join("L")}L${lower.reverse().join("L")}Z`;
    const mark = { class: `area c${color % COLORS}`, "data-series": each.key };
    const values = each.values.map(told).join(" ");
    area.svg.append(node("path", { d, ...mark, "data-values": values }, hint(each.label)));
  });
  return chart(area.svg, series);
}

function shaded(cell, value, top) {
  cell.style.setProperty("--strength", top ? (value ?? 0) / top : 0);
  return cell;
}

/** Weekdays by hours; the color is the mean of such an hour. */
export function heat({ label, unit, rows, columns, values, averages }, tools) {
  const shown = averages ?? values;
  const top = Math.max(...shown.flat().filter(known), 0);
  const head = columns.map((each, index) =>
    element("th", { scope: "col", title: each }, index % 3 ? "" : element("bdi", {}, each)),
  );
  const body = rows.map((row, at) => {
    const cells = shown[at].map((value, hour) => {
      const title = `${row} ${columns[hour]} · ${label}: ${tools.format.value(value, unit)}`;
      const data = { value: told(value), total: told(values[at][hour]) };
      return shaded(element("td", { title, data }), value, top);
    });
    return element("tr", {}, element("th", { scope: "row" }, row), ...cells);
  });
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      { class: "heat" },
      element("thead", {}, element("tr", {}, element("th"), ...head)),
      element("tbody", {}, ...body),
    ),
  );
}

function spark(points, { rtl }) {
  const values = points.filter(known);
  const svg = node("svg", { viewBox: "0 0 100 24", class: "spark", preserveAspectRatio: "none" });
  if (values.length < 2) return svg;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = points.length - 1;
  let path = "";
  points.forEach((value, index) => {
    if (!known(value)) return;
    const x = (100 * index) / last;
    const y = 22 - (20 * (value - low)) / (high - low || 1);
    path += `${path ? "L" : "M"}${rtl ? 100 - x : x} ${y}`;
  });
  svg.append(node("path", { d: path, class: "line c0", "vector-effect": "non-scaling-stroke" }));
  return svg;
}

function figure(each, { format }) {
  const text = format.value(each.value, each.unit, each.currency);
  return element("bdi", { class: "figure", data: { value: told(each.value) } }, text);
}

function verdict(name, words) {
  return element("span", { class: `verdict ${name}` }, words.verdicts[name]);
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

function meter(value, top) {
  const bar = element("span", { class: "meter" });
  bar.style.setProperty("--part", top ? (value ?? 0) / top : 0);
  return bar;
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

function table(head, body) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...head.map((each) => element("th", {}, each)))),
    element("tbody", {}, ...body),
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
