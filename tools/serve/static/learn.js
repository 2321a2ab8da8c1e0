// Learning from corrections: start, progress, stop, result.
import { answered, ask, byId, pause, say } from "/static/common.js";

const POLL = 2000;
const percent = (share) => (100 * share).toFixed(2) + " %";
const RUNNING = ["training", "stopping", "elsewhere"];
let watching = false;

function show(now) {
  const { train, val } = now.lines;
  const isRunning = RUNNING.includes(now.state);
  const counted = `${train + val} corrected lines, ${val} of them held back for comparison.`;
  const rate = now.epochs.length ? `, CER ${percent(now.epochs.at(-1))}` : "";
  const epochs = now.finished ? ` ${now.finished} of ${now.total} epochs${rate}.` : "";
  const texts = {
    idle: train + val < now.least ? `Learning starts at ${now.least} lines.` : "",
    training: `Training from ${now.model}.${epochs}`,
    stopping: "Stopping after the present step.",
    elsewhere: "A training that another server has started still runs; wait for its end.",
    stopped: "Stopped; the model in use stays.",
    failed: `The training failed: ${now.message}`,
    done: "",
  };
  if (now.state === "done") {
    const better = now.after < now.before;
    texts.done = `CER of the held-back lines: before ${percent(now.before)}, after ${percent(now.after)}. `;
    texts.done += better ? `The new model reads from now on: ${now.model}. “Read again” reads an open page with it.` : "The model in use stays.";
  }
  byId("learned").textContent = `${counted} ${texts[now.state]}`;
  byId("learning").hidden = false;
  byId("learn").disabled = isRunning || train + val < now.least;
  byId("stop").hidden = now.state !== "training";
}

// Shows a state and, if a training runs, all that follow until its end.
async function watch(now) {
  show(now);
  if (watching) return;
  watching = true;
  try {
    while (RUNNING.includes(now.state)) {
      await pause(POLL);
      now = await answered("/training");
      show(now);
    }
  } finally {
    watching = false;
  }
}

export async function showLearning() {
  try {
    await watch(await ask("GET", "/training"));
  } catch (error) {
    if (error.status !== 404) say(error.message);
  }
}

for (const [id, method] of [["learn", "POST"], ["stop", "DELETE"]]) {
  byId(id).addEventListener("click", async () => {
    try {
      await watch(await ask(method, "/training"));
    } catch (error) {
      say(error.message);
    }
  });
}
