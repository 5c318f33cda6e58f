// Calls with a portal token. Answers are JSON; errors are problems (RFC 9457).

export class Problem extends Error {
  constructor(body) {
    super(body.detail ?? body.title);
    this.code = body.code;
    this.status = body.status;
  }
}

async function send({ api, token, language }, { method, path, params, body }) {
  const url = new URL(path, api);
  for (const [name, value] of Object.entries(params ?? {})) url.searchParams.append(name, value);
  const headers = { Authorization: `Bearer ${token}`, "Accept-Language": language };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Problem(found);
  return found;
}

export const ask = send;

const RETRY_MS = 2000;

// Follow what is going on now. A ticket opens one stream once: whenever a stream ends, whatever it
// ended for, another ticket opens another one, whose first event is the present state.
export function follow(access, show, fail) {
  let source = null;
  let timer = null;
  let over = false;

  async function open() {
    let ticket;
    try {
      ({ ticket } = await send(access, { method: "POST", path: "/v1/live/tickets" }));
    } catch (error) {
      fail(error);
      // A token that is over stays so.
      if (!(error instanceof Problem) || error.status >= 429) again();
      return;
    }
    if (over) return;
    const url = new URL("/v1/live/stream", access.api);
    url.searchParams.set("ticket", ticket);
    url.searchParams.set("language", access.language);
    source = new EventSource(url);
    source.addEventListener("live", (event) => show(JSON.parse(event.data)));
    source.addEventListener("end", again);
    source.onerror = again;
  }

  function again() {
    source?.close();
    source = null;
    clearTimeout(timer);
    if (!over) timer = setTimeout(open, RETRY_MS);
  }

  open();
  return () => {
    over = true;
    again();
  };
}
