// Numbers and instants as people of a language read them.

const NOTHING = "–";

export function formats(language) {
  const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const signed = new Intl.NumberFormat(language, {
    style: "percent",
    maximumFractionDigits: 1,
    signDisplay: "exceptZero",
  });
  const instant = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
  const unit = (name, value) =>
    new Intl.NumberFormat(language, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: 1,
    }).format(value);

  function duration(seconds) {
    if (seconds < 60) return unit("second", seconds);
    if (seconds < 3600) return unit("minute", seconds / 60);
    if (seconds < 172800) return unit("hour", seconds / 3600);
    return unit("day", seconds / 86400);
  }

  function value(number, unitOf, currency) {
    if (number === null || number === undefined) return NOTHING;
    switch (unitOf) {
      case "share":
        return percent.format(number);
      case "seconds":
        return duration(number);
      case "money":
        return currency
          ? new Intl.NumberFormat(language, { style: "currency", currency }).format(number)
          : fine.format(number);
      case "score":
        return fine.format(number);
      default:
        return plain.format(number);
    }
  }

  return {
    value,
    change: (share) => (share === null ? NOTHING : signed.format(share)),
    instant: (text) => (text === null ? NOTHING : instant.format(new Date(text))),
    day: (text) => (text === null ? NOTHING : day.format(new Date(text))),
    clock: (text) => clock.format(new Date(text)),
  };
}
