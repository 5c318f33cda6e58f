// Charts as SVG. Arithmetic here is of pixels alone: scales, ticks, and bands that lie on each other.
// Every mark carries its figure as data-value.
import { element, empty, known, node, told } from "./dom.js";

const WIDTH = 640;
const HEIGHT = 240;
const PAD = { start: 52, end: 10, top: 10, bottom: 26 };
const COLORS = 8;
const WIDEST_BAR = 56;

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

export function spark(points, { rtl }) {
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
