// What the modules of the page share. Texts reach the page as text nodes only, never as markup.

const POLL = 400;
const RETRY = 2000;

export const byId = (id) => document.getElementById(id);

export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function say(text) {
  byId("status").textContent = text;
}

// Takes back a text that no longer holds, unless another one stands there since.
export function unsay(text) {
  if (byId("status").textContent === text) say("");
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
    const { detail = `error ${answer.status}` } = values;
    const problem = Array.isArray(detail) ? detail.map((one) => one.msg).join("; ") : detail;
    const retry = answer.headers.has("retry-after");
    throw Object.assign(new Error(problem), { status: answer.status, retry, values });
  }
  return values;
}

// The JSON of an answer to GET, asked for again while the connection or the server fails.
export async function answered(path) {
  for (let problem = ""; ; ) {
    try {
      const values = await ask("GET", path);
      if (problem) unsay(problem);
      return values;
    } catch (error) {
      if (error.status < 500) throw error;
      if (problem !== error.message) say((problem = error.message));
    }
    await pause(RETRY);
  }
}

// The last answer about a queued file; each answer goes to `course` first. An Error if reading failed.
export async function finished(job, course = () => {}) {
  for (;;) {
    const now = await answered(`/jobs/${job}`);
    await course(now);
    if (now.state === "failed") throw new Error(now.error);
    if (now.state === "done") return now;
    await pause(POLL);
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
