"""Send three calls, ask for numbers, and ask again for nothing new. Needs httpx.

CSAPI_URL=http://127.0.0.1:8800 CSAPI_KEY=csk_live_... python quickstart.py
"""

import os

import httpx

CALLS = [
    {
        "source": "quickstart",
        "external_id": f"c{number}",
        "queue_entered_at": f"2026-01-05T10:0{number}:00Z",
        "answered_at": f"2026-01-05T10:0{number}:{wait}Z",
        "ended_at": f"2026-01-05T10:1{number}:00Z",
    }
    for number, wait in enumerate((10, 15, 45))
]
QUESTION = {
    "metrics": [{"id": "calls_offered"}, {"id": "service_level"}],
    "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"},
}


def main() -> None:
    headers = {"Authorization": f"Bearer {os.environ['CSAPI_KEY']}"}
    with httpx.Client(base_url=os.environ["CSAPI_URL"], headers=headers, timeout=30) as client:
        # Sending the same again changes nothing: each item says which record it is.
        batch = client.post("/v1/calls/batch", json=CALLS).raise_for_status().json()
        for result in batch["results"]:
            print(result["external_id"], result["status"], result["errors"])
        answer = client.post("/v1/query", json=QUESTION).raise_for_status().json()
        for name, metric in answer["data"][0]["metrics"].items():
            print(f"{name}: {metric['value']} (n = {metric['n']})")
        # A saved question answers 304 for as long as its answer stays the same.
        client.put("/v1/queries/quickstart", json=QUESTION).raise_for_status()
        first = client.get("/v1/queries/quickstart/result").raise_for_status()
        known = {"If-None-Match": first.headers["etag"]}
        print(client.get("/v1/queries/quickstart/result", headers=known).status_code)


if __name__ == "__main__":
    main()
