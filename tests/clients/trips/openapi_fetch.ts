// A round trip with openapi-fetch over the types of openapi-typescript.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Call = components["schemas"]["Call"];
type Query = components["schemas"]["Query"];

const at = "2026-01-05T10:00:00Z";
const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl: process.env["CSAPI_URL"]!,
  headers: { Authorization: `Bearer ${process.env["CSAPI_KEY"]}` },
});

const call = (name: string, queue_entered_at: string = at): Call => ({
  source: "trip", external_id: name, queue_entered_at,
  legs: [{ agent: "a1", started_at: queue_entered_at, talk_seconds: 180 }],
});
const question = (id: string): Query => ({
  metrics: [{ id }],
  time: { range: { from: "2026-01-01", to: "2026-02-01" }, timezone: "UTC" },
});

const body = [call("c1"), call("c2"), call("c3", "2999-01-05T10:00:00Z")];
const batch = await client.POST("/v1/calls/batch", { body });
assert.equal(batch.data!.summary.created, 2);
assert.equal(batch.data!.results[2]!.status, "rejected");
assert.match(batch.data!.results[2]!.errors[0]!.pointer, /^\/2\//);

const first = await client.GET("/v1/calls", { params: { query: { limit: 1 } } });
const cursor = first.data!.page.next_cursor!;
const second = await client.GET("/v1/calls", { params: { query: { limit: 1, cursor } } });
assert.equal(second.data!.page.next_cursor, null);
assert.equal(second.data!.data[0]!.external_id, "c2");

const answer = await client.POST("/v1/query", { body: question("calls_offered") });
assert.equal(answer.data!.data[0]!.metrics["calls_offered"]!.value, 2);
const refused = await client.POST("/v1/query", { body: question("no_such_metric") });
assert.equal(refused.error!.code, "unknown_metric");
assert.equal(refused.error!.errors[0]!.pointer, "/metrics/0/id");

const path = { name: "trip" };
await client.PUT("/v1/queries/{name}", { params: { path }, body: question("calls_offered") });
const saved = await client.GET("/v1/queries/{name}/result", { params: { path } });
const header = { "If-None-Match": saved.response.headers.get("etag")! };
const again = await client.GET("/v1/queries/{name}/result", { params: { path, header } });
assert.equal(again.response.status, 304);

let status = 0;
for (let turn = 0; turn < 50 && status !== 429; turn++) {
  const made = await client.POST("/v1/exports", {
    body: { format: "csv", query: question("calls_offered") },
  });
  status = made.response.status;
  if (status === 429) {
    assert.ok(["too_many_exports", "rate_limited"].includes(made.error!.code));
    assert.ok(Number(made.response.headers.get("retry-after")) > 0);
  }
}
assert.equal(status, 429);

const agent = await client.POST("/v1/agents", { body: { source: "trip", external_id: "a1" } });
const pdf = await client.GET("/v1/agents/{agent_id}/evaluation", {
  params: {
    path: { agent_id: agent.data!.id },
    query: { from: "2026-01-01", to: "2026-02-01" },
  },
  headers: { Accept: "application/pdf" },
  parseAs: "arrayBuffer",
});
const bytes = new Uint8Array(pdf.data as unknown as ArrayBuffer);
assert.equal(String.fromCharCode(...bytes.slice(0, 4)), "%PDF");
