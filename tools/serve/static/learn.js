// Learning from corrections: start, progress, stop, result.
import { ask, byId, pause, say } from "/static/common.js";

const POLL = 2000;
const percent = (share) => (100 * share).toFixed(2) + " %";
let watching = false;

function show(now) {
  const { train, val } = now.lines;
  const isTraining = now.state === "training";
  const counted = `${train + val} corrected lines, ${val} of them held back for comparison.`;
  const epochs = now.epochs.length ? ` ${now.epochs.length} epochs, CER ${percent(now.epochs.at(-1))}.` : "";
  const texts = {
    idle: train + val < now.least ? `Learning starts at ${now.least} lines.` : "",
    training: `Training from ${now.model}.${epochs}`,
    stopped: "Stopped; the model in use stays.",
    failed: `The training failed: ${now.message}`,
    done: "",
  };
  if (now.state === "done") {
    const better = now.after < now.before;
    texts.done = `CER of the held-back lines: before ${percent(now.before)}, after ${percent(now.after)}. `;
    texts.done += better ? `The new model reads from now on: ${now.model}.` : "The model in use stays.";
  }
  byId("learned").textContent = `${counted} ${texts[now.state]}`;
  byId("learning").hidden = false;
  byId("learn").disabled = isTraining || train + val < now.least;
  byId("stop").hidden = !isTraining;
}

export async function showLearning() {
  try {
    let now = await ask("GET", "/training");
    show(now);
    if (watching) return;
    watching = true;
    while (now.state === "training") {
      await pause(POLL);
      now = await ask("GET", "/training");
      show(now);
    }
  } catch (error) {
    if (error.status !== 404) say(error.message);
  } finally {
    watching = false;
  }
}

for (const [id, method] of [["learn", "POST"], ["stop", "DELETE"]]) {
  byId(id).addEventListener("click", async () => {
    try {
      show(await ask(method, "/training"));
      showLearning();
    } catch (error) {
      say(error.message);
    }
  });
}
