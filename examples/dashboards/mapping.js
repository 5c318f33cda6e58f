// From answers of the API to what is drawn. No arithmetic, no grouping, no sorting: whatever a chart
// needs is in the answer. A test holds this file to that.

export const tiles = (answer) => ({
  tiles: answer.data.map((each) => ({
    id: each.id,
    label: each.label,
    unit: each.unit,
    currency: answer.meta.columns[each.id].currency,
    value: each.value,
    n: each.n,
    reason: each.null_reason,
    change: each.compare.relative_change,
    verdict: each.compare.verdict,
    points: each.sparkline.points.map((point) => point.value),
  })),
});

export const series = (answer) => ({
  categories: answer.categories.map((each) => ({ key: each.key, label: each.label })),
  series: answer.series.map((each) => ({
    key: each.key,
    label: each.label,
    unit: each.unit,
    values: each.values,
  })),
});

export const heat = (answer) => {
  const [metric] = answer.matrix.metrics;
  return {
    label: metric.label,
    unit: metric.unit,
    rows: answer.matrix.rows.map((each) => each.label),
    columns: answer.matrix.columns.map((each) => each.label),
    values: metric.values,
    averages: metric.averages,
  };
};

export const drivers = (answer) => ({
  bars: answer.data.map((each) => ({
    key: each.topic,
    label: each.label,
    unit: "score",
    value: each.severity.value,
    facts: {
      contacts: { value: each.contacts.value, unit: "count" },
      customers: { value: each.customers.value, unit: "count" },
      share: { value: each.share, unit: "share" },
    },
    departments: each.departments.map((department) => department.label),
    trend: each.trend.direction,
  })),
  untagged: answer.untagged.contacts.value,
  coverage: answer.tag_coverage.value,
});

export const agents = (answer) => ({
  columns: Object.entries(answer.meta.columns).map(([id, column]) => ({
    id,
    label: column.label,
    unit: column.unit,
    currency: column.currency,
  })),
  rows: answer.data.map((row) => ({
    key: row.agent.external_id,
    label: row.agent.name ?? row.agent.external_id,
    state: row.presence.state,
    stateLabel: row.presence.state_label,
    seen: row.presence.last_seen_at,
    values: Object.keys(answer.meta.columns).map((id) => row.metrics[id].value),
  })),
});

export const comparison = (answer) => {
  const [[id, column]] = Object.entries(answer.meta.columns);
  const [dimension] = answer.meta.query.dimensions;
  return {
    label: column.label,
    unit: column.unit,
    rows: answer.data.map((row) => ({
      key: row.dimensions[dimension].key,
      label: row.dimensions[dimension].label,
      value: row.metrics[id].value,
      n: row.metrics[id].n,
      before: row.metrics[id].compare.value,
      delta: row.metrics[id].compare.delta,
      verdict: row.metrics[id].compare.verdict,
    })),
  };
};

export const goals = (answer) => ({
  rows: answer.data.map(({ id, goal, state }) => ({
    key: id,
    title: goal.title,
    owner: goal.owner,
    label: state.column?.label ?? goal.metric.id,
    unit: state.column?.unit,
    currency: state.column?.currency,
    current: state.current?.value.value,
    target: goal.target,
    progress: state.progress,
    planned: state.planned,
    leads: state.projection.value,
    reaches: state.projection.reaches_on,
    due: goal.due_on,
    status: state.status,
  })),
});

const number = (columns, id, metric) => ({
  id,
  label: columns[id].label,
  unit: columns[id].unit,
  currency: columns[id].currency,
  value: metric.value,
  reason: metric.null_reason,
});

const numbers = (columns, metrics) =>
  Object.entries(metrics).map(([id, metric]) => number(columns, id, metric));

const members = (columns, rows) =>
  rows.map((row) => ({
    key: row.member.key,
    label: row.member.label,
    values: numbers(columns, row.metrics),
  }));

export const board = (report) => ({
  asOf: report.as_of,
  now: numbers(report.columns, report.now),
  today: numbers(report.columns, report.today),
  queues: members(report.columns, report.queues),
  channels: members(report.columns, report.channels),
  types: members(report.columns, report.types),
  agents: report.agents.map((each) => ({ state: each.state, label: each.label, value: each.agents })),
});
