// New pages: dropped, pasted, chosen, photographed or written by hand.
import { ask, byId, element, finished, pause, say } from "/static/common.js";

const RETRY = 5000;

// `added` is called with the id of each page as soon as it was read, and whether it is the first of its file.
export function startUploads(added) {
  const kind = () => document.querySelector('input[name="kind"]:checked').value;
  const send = (files) => Array.from(files).forEach((file) => follow(file, kind(), added));
  const sendAll = async (sources) => {
    for (const source of sources) {
      try {
        const files = source instanceof File ? [source] : await filesIn(source);
        if (!files.length) say(`${source.name} holds no files.`);
        send(files);
      } catch (error) {
        say(`${source.name} can't be read: ${error.message}`);
      }
    }
  };

  for (const input of [byId("files"), byId("camera")]) {
    input.addEventListener("change", () => {
      send(input.files);
      input.value = "";
    });
  }
  const drop = byId("drop");
  // A text that is dragged or pasted belongs to the field.
  const holdsFiles = (event) => event.dataTransfer.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    sendAll(sourcesOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    // Office programs put a picture of a text beside it.
    if (event.target.closest?.("input, textarea") && event.clipboardData.types.includes("text/plain")) return;
    sendAll(sourcesOf(event.clipboardData));
  });
  startPad((file) => follow(file, "line", added));
}

// Files and folders of a drop, which holds them until its event has ended.
function sourcesOf(data) {
  const items = Array.from(data.items).filter((item) => item.kind === "file");
  const sources = items.map((item) => {
    const entry = item.webkitGetAsEntry?.();
    return entry?.isDirectory ? entry : item.getAsFile();
  });
  return sources.filter(Boolean); // A picture may have left the clipboard.
}

// The files in a folder, by name, without the hidden ones of systems.
async function filesIn(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (let some = [null]; some.length; entries.push(...some)) {
    some = await new Promise((done, fail) => reader.readEntries(done, fail));
  }
  const shown = entries.filter(({ name }) => !name.startsWith("."));
  shown.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const files = [];
  for (const entry of shown) {
    if (entry.isDirectory) files.push(...(await filesIn(entry)));
    else files.push(await new Promise((done, fail) => entry.file(done, fail)));
  }
  return files;
}

// A full queue takes the file later.
async function queued(form, waits) {
  for (;;) {
    try {
      return await ask("POST", "/pages", form);
    } catch (error) {
      if (!error.retry) throw error;
      waits();
      await pause(RETRY);
    }
  }
}

async function follow(file, kind, added) {
  const bar = element("progress", {});
  const text = element("span", {}, `${file.name}: sending`);
  const entry = element("li", {}, bar, text);
  byId("jobs").append(entry);
  const form = new FormData();
  form.append("file", file, file.name);
  form.append("kind", kind);
  const begun = Date.now();
  let known = 0;
  // What is to be read stays until it is dismissed.
  const keep = (message) => {
    bar.remove();
    text.textContent = message.startsWith(file.name) ? message : `${file.name}: ${message}`;
    entry.append(element("button", { type: "button", onclick: () => entry.remove() }, "Dismiss"));
  };
  try {
    const { job } = await queued(form, () => (text.textContent = `${file.name}: waits until there is room`));
    const { note } = await finished(job, async (now) => {
      for (; known < now.pages.length; known++) await added(now.pages[known], known === 0);
      const seconds = Math.round((Date.now() - begun) / 1000);
      const where = now.state === "waiting" ? `waits, ${now.ahead} before it` : `page ${known + 1} is read`;
      text.textContent = `${file.name}: ${where}, ${seconds} s`;
    });
    say(`${file.name}: ${known === 1 ? "read" : `${known} pages read`}`);
    if (note) keep(note);
    else entry.remove();
  } catch (error) {
    entry.className = "failed";
    keep(error.message);
  }
}

function startPad(send) {
  const canvas = byId("canvas");
  const brush = canvas.getContext("2d");
  let strokes = [];
  let drawing = null; // the pointer that draws: a palm or second finger beside it draws nothing

  function draw() {
    brush.fillStyle = "#ffffff";
    brush.fillRect(0, 0, canvas.width, canvas.height);
    brush.strokeStyle = brush.fillStyle = "#101010";
    brush.lineWidth = 5;
    brush.lineCap = brush.lineJoin = "round";
    for (const points of strokes) {
      brush.beginPath();
      points.forEach(([x, y], i) => (i ? brush.lineTo(x, y) : brush.moveTo(x, y)));
      if (points.length === 1) brush.lineTo(points[0][0] + 0.1, points[0][1]);
      brush.stroke();
    }
    byId("pad-read").disabled = byId("pad-undo").disabled = byId("pad-clear").disabled = !strokes.length;
  }

  function point(event) {
    const box = canvas.getBoundingClientRect();
    const factor = canvas.width / box.width;
    return [(event.clientX - box.left) * factor, (event.clientY - box.top) * factor];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drawing !== null) return;
    canvas.setPointerCapture(event.pointerId);
    drawing = event.pointerId;
    strokes.push([point(event)]);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) strokes.at(-1).push(point(part));
    draw();
  });
  // It comes after the pointer's end, and also if that happens elsewhere.
  canvas.addEventListener("lostpointercapture", (event) => {
    if (event.pointerId === drawing) drawing = null;
  });
  byId("write").addEventListener("click", () => {
    byId("pad").hidden = !byId("pad").hidden;
    draw();
  });
  byId("pad-undo").addEventListener("click", () => {
    strokes.pop();
    draw();
  });
  const clear = () => {
    strokes = [];
    draw();
  };
  byId("pad-clear").addEventListener("click", clear);
  byId("pad-read").addEventListener("click", () => {
    canvas.toBlob((blob) => {
      send(new File([blob], "written.png", { type: "image/png" }));
      clear();
    }, "image/png");
  });
}
