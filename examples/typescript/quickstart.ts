// Send three calls, ask for numbers, and ask again for nothing new; with types of the API's own.
//
//   npm install
//   CSAPI_URL=http://127.0.0.1:8800 CSAPI_KEY=csk_live_... npm start
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Call = components["schemas"]["Call"];
type Problem = components["schemas"]["Problem"];
type Query = components["schemas"]["Query"];

const { CSAPI_URL: baseUrl = "http://127.0.0.1:8800", CSAPI_KEY: key = "" } = process.env;
const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl,
  headers: { Authorization: `Bearer ${key}` },
});

const calls: Call[] = [10, 15, 45].map((wait, number) => ({
  source: "quickstart",
  external_id: `c${number}`,
  queue_entered_at: `2026-01-05T10:0${number}:00Z`,
  answered_at: `2026-01-05T10:0${number}:${wait}Z`,
  ended_at: `2026-01-05T10:1${number}:00Z`,
}));
const question: Query = {
  metrics: [{ id: "calls_offered" }, { id: "service_level" }],
  time: { range: { from: "2026-01-01", to: "2026-02-01" }, timezone: "UTC" },
};

/** What was answered; a problem names the field that is wrong. */
function need<T>({ data, error }: { data?: T; error?: Problem }): T {
  if (error !== undefined || data === undefined) {
    throw new Error(error === undefined ? "no answer" : `${error.code}: ${error.detail}`);
  }
  return data;
}

// Sending the same again changes nothing: each item says which record it is.
const batch = need(await client.POST("/v1/calls/batch", { body: calls }));
for (const result of batch.results) {
  console.log(result.external_id, result.status, JSON.stringify(result.errors));
}

const answer = need(await client.POST("/v1/query", { body: question }));
for (const [name, metric] of Object.entries(answer.data[0]?.metrics ?? {})) {
  console.log(`${name}: ${metric.value} (n = ${metric.n})`);
}

// A saved question answers 304 for as long as its answer stays the same.
const path = { name: "quickstart" };
need(await client.PUT("/v1/queries/{name}", { params: { path }, body: question }));
const first = await client.GET("/v1/queries/{name}/result", { params: { path } });
const header = { "If-None-Match": first.response.headers.get("etag") ?? "" };
const again = await client.GET("/v1/queries/{name}/result", { params: { path, header } });
console.log(again.response.status);
