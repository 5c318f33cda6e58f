// What is shown: each screen is one call, the mapping of its answer, and the way it is drawn.
import * as mapping from "./mapping.js";
import * as charts from "./charts.js";
import * as tables from "./tables.js";

export const RANGES = ["last_7_days", "last_30_days", "last_90_days", "this_month"];
export const SETS = ["help_desk_home", "call_center", "e_commerce", "executive"];

const get = (path, params) => ({ method: "GET", path, params });
const query = (body) => ({ method: "POST", path: "/v1/query", body });
const over = ({ range }) => ({ range: { preset: range } });
const metrics = (...ids) => ids.map((id) => ({ id }));

export const SCREENS = [
  {
    id: "home",
    wide: true,
    call: ({ range, set }) =>
      get("/v1/kpis", { set, preset: range, compare: "previous_period", sparkline: true }),
    map: mapping.tiles,
    draw: tables.tiles,
  },
  {
    id: "tickets",
    call: (chosen) =>
      query({
        metrics: metrics("tickets_created", "ticket_resolutions"),
        time: over(chosen),
        dimensions: ["time:day"],
        shape: "series",
      }),
    map: mapping.series,
    draw: charts.lines,
  },
  {
    id: "messages",
    call: (chosen) =>
      query({
        metrics: metrics("messages_in", "messages_out"),
        time: over(chosen),
        dimensions: ["time:day"],
        shape: "series",
      }),
    map: mapping.series,
    draw: charts.bars,
  },
  {
    id: "channels",
    call: (chosen) =>
      query({
        metrics: metrics("contacts"),
        time: over(chosen),
        dimensions: ["time:day", "channel"],
        shape: "series",
      }),
    map: mapping.series,
    draw: charts.areas,
  },
  {
    id: "arrivals",
    call: (chosen) =>
      query({
        metrics: metrics("contacts"),
        time: over(chosen),
        dimensions: ["time:day_of_week", "time:hour_of_day"],
        shape: "matrix",
      }),
    map: mapping.heat,
    draw: charts.heat,
  },
  {
    id: "response",
    call: (chosen) =>
      query({
        metrics: metrics("first_response_time"),
        time: over(chosen),
        dimensions: ["time:day"],
        shape: "series",
      }),
    map: mapping.series,
    draw: charts.lines,
  },
  {
    id: "ratings",
    call: (chosen) =>
      query({
        metrics: metrics("rating_distribution"),
        time: over(chosen),
        dimensions: ["rating"],
        shape: "series",
      }),
    map: mapping.series,
    draw: charts.bars,
  },
  {
    id: "types",
    call: (chosen) =>
      query({
        metrics: metrics("contacts"),
        time: over(chosen),
        dimensions: ["type"],
        shape: "series",
        order_by: [{ by: "contacts", direction: "desc" }],
      }),
    map: mapping.series,
    draw: charts.bars,
  },
  {
    id: "comparison",
    call: (chosen) =>
      query({
        metrics: metrics("first_response_time"),
        time: over(chosen),
        dimensions: ["channel"],
        compare: { to: "previous_period" },
        include: ["confidence"],
      }),
    map: mapping.comparison,
    draw: tables.comparison,
  },
  {
    id: "drivers",
    wide: true,
    call: ({ range }) => get("/v1/drivers", { preset: range, top: 5 }),
    map: mapping.drivers,
    draw: tables.drivers,
  },
  {
    id: "agents",
    wide: true,
    call: ({ range }) => get("/v1/agents/evaluations", { preset: range, limit: 20 }),
    map: mapping.agents,
    draw: tables.agents,
  },
  {
    id: "goals",
    wide: true,
    call: () => get("/v1/goals", { limit: 20 }),
    map: mapping.goals,
    draw: tables.goals,
  },
  {
    id: "live",
    wide: true,
    stream: true,
    map: mapping.board,
    draw: tables.board,
  },
];
