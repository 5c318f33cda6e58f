// A round trip with the client that hey-api makes.
import assert from "node:assert/strict";
import { client } from "./hey/client.gen.js";
import * as api from "./hey/index.js";

const at = "2026-01-05T10:00:00Z";
client.setConfig({
  baseUrl: process.env["CSAPI_URL"]! as `${string}://${string}`,
  auth: () => process.env["CSAPI_KEY"]!,
});

const call = (name: string, queue_entered_at: string = at): api.Call => ({
  source: "trip", external_id: name, queue_entered_at,
  legs: [{ agent: "a1", started_at: queue_entered_at, talk_seconds: 180 }],
});
const question = (id: string): api.Query => ({
  metrics: [{ id }],
  time: { range: { from: "2026-01-01", to: "2026-02-01" }, timezone: "UTC" },
});

const body = [call("c1"), call("c2"), call("c3", "2999-01-05T10:00:00Z")];
const batch = await api.ingestCallsBatch({ body });
assert.equal(batch.data!.summary.created, 2);
assert.equal(batch.data!.results[2]!.status, "rejected");

const first = await api.listCalls({ query: { limit: 1 } });
const cursor = first.data!.page.next_cursor!;
const second = await api.listCalls({ query: { limit: 1, cursor } });
assert.equal(second.data!.page.next_cursor, null);
assert.equal(second.data!.data[0]!.external_id, "c2");

const answer = await api.runQuery({ body: question("calls_offered") });
assert.equal(answer.data!.data[0]!.metrics["calls_offered"]!.value, 2);
const refused = await api.runQuery({ body: question("no_such_metric") });
assert.equal(refused.error!.code, "unknown_metric");

const path = { name: "trip" };
await api.saveQuery({ path, body: question("calls_offered") });
const saved = await api.getSavedQueryResult({ path });
const headers = { "If-None-Match": saved.response!.headers.get("etag")! };
const again = await api.getSavedQueryResult({ path, headers });
assert.equal(again.response!.status, 304);

let status = 0;
for (let turn = 0; turn < 50 && status !== 429; turn++) {
  const made = await api.createExport({
    body: { format: "csv", query: question("calls_offered") },
  });
  status = made.response!.status;
  if (status === 429) assert.ok(Number(made.response!.headers.get("retry-after")) > 0);
}
assert.equal(status, 429);

const agent = await api.ingestAgent({ body: { source: "trip", external_id: "a1" } });
const pdf = await api.getAgentEvaluation({
  path: { agent_id: agent.data!.id },
  query: { from: "2026-01-01", to: "2026-02-01" },
  headers: { Accept: "application/pdf" },
  parseAs: "blob",
});
assert.equal(await (pdf.data as unknown as Blob).slice(0, 4).text(), "%PDF");
