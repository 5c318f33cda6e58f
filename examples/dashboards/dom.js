// Small parts that charts and tables share.

const SVG = "http://www.w3.org/2000/svg";

export function node(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "data") Object.assign(made.dataset, value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export const known = (value) => value !== null && value !== undefined;
export const told = (value) => (known(value) ? String(value) : "");

export const empty = ({ words }) => element("p", { class: "empty" }, words.empty);

export function figure(each, { format }) {
  const text = format.value(each.value, each.unit, each.currency);
  return element("bdi", { class: "figure", data: { value: told(each.value) } }, text);
}

export function verdict(name, words) {
  return element("span", { class: `verdict ${name}` }, words.verdicts[name]);
}
