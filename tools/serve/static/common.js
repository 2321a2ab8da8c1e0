// What the modules of the page share. Texts reach the page as text nodes only, never as markup.

const POLL = 400;

export const byId = (id) => document.getElementById(id);

export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function say(text) {
  byId("status").textContent = text;
}

// The JSON of an answer; an Error with the server's sentence and the answer's status if it is none of success.
export async function ask(method, path, body) {
  const options = { method, body };
  if (body && !(body instanceof FormData)) {
    options.body = JSON.stringify(body);
    options.headers = { "content-type": "application/json" };
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const detail = typeof values.detail === "string" ? values.detail : `error ${answer.status}`;
    throw Object.assign(new Error(detail), { status: answer.status, retry: answer.headers.has("retry-after"), values });
  }
  return values;
}

// The last answer about a queued file; each answer goes to `course` first. An Error if reading failed.
export async function finished(job, course = () => {}) {
  for (;;) {
    const now = await ask("GET", `/jobs/${job}`);
    await course(now);
    if (now.state === "failed") throw new Error(now.error);
    if (now.state === "done") return now;
    await pause(POLL);
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
