// The lines of a page: pictures, texts, and correction by keyboard alone.
import { ask, byId, element, say } from "/static/common.js";

const DOUBT = 0.6; // confidence below which a character is marked
const PER_CENT = 100;
let lines = [];
let undone = []; // saves that can be undone: line, saved text before
let changed = () => {};

export function onSaved(action) {
  changed = action;
}

export async function openPage(id) {
  const page = await ask("GET", `/pages/${id}`);
  lines = page.lines.map((line, number) => new LineEditor(id, number, line));
  undone = [];
  byId("undo").disabled = true;
  byId("editor").hidden = false;
  byId("editor-title").textContent = page.filename + (page.page > 1 ? `, page ${page.page}` : "");
  byId("picture").src = `/pages/${id}/picture`;
  for (const format of ["text", "page", "alto"]) byId(`export-${format}`).href = `/pages/${id}/export?format=${format}`;
  byId("lines").replaceChildren(...lines.map((line) => line.item));
  if (!lines.length) say("No text was found on this page.");
  const next = lines.find((line) => line.saved === null) ?? lines[0];
  next?.focus();
}

class LineEditor {
  constructor(page, number, line) {
    this.path = `/pages/${page}/lines/${number}`;
    this.number = number;
    this.read = line.text;
    this.saved = line.saved;
    this.characters = Array.from(line.text);
    this.confidences = line.characters;
    this.readings = [line.text, ...line.alternatives];
    // What was typed but not saved outlives the tab.
    const draft = localStorage.getItem(this.path);
    this.input = element("input", {
      type: "text", value: draft ?? this.text, spellcheck: false, autocomplete: "off", dir: "auto",
    });
    this.input.setAttribute("aria-label", `text of line ${number + 1}`);
    this.state = element("span", { className: "state" });
    const picture = element("img", { src: `${this.path}/picture`, alt: `picture of line ${number + 1}`, loading: "lazy" });
    this.item = element("li", {}, picture, this.reading(), element("div", { className: "entry" }, this.input, this.state));
    picture.addEventListener("click", () => this.focus());
    this.input.addEventListener("input", () => this.keep());
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("blur", () => this.isChanged && this.save(this.input.value));
    this.show();
  }

  // The text that counts: what is saved, else what was read.
  get text() {
    return this.saved ?? this.read;
  }

  get isChanged() {
    return this.input.value !== this.text;
  }

  isDoubtful(place) {
    return this.confidences.length === this.characters.length && this.confidences[place] < DOUBT;
  }

  reading() {
    const shown = element("span", { className: "reading", dir: "auto" });
    this.characters.forEach((character, place) => {
      if (!this.isDoubtful(place)) return shown.append(character);
      const sure = `${Math.round(PER_CENT * this.confidences[place])} % sure`;
      shown.append(element("mark", { title: sure }, character === " " ? "␣" : character));
    });
    return shown;
  }

  show(problem = "") {
    const state = problem ? "failed" : this.isChanged ? "unsaved" : this.saved === null ? "read" : "saved";
    this.item.className = state;
    const words = { failed: `✗ ${problem}`, unsaved: "not saved yet", read: "as read", saved: "✓ saved" };
    this.state.textContent = state === "saved" && this.saved === "" ? "✓ no text" : words[state];
  }

  keep() {
    if (this.isChanged) localStorage.setItem(this.path, this.input.value);
    else localStorage.removeItem(this.path);
    this.show();
  }

  // One save after the other, so that each knows what the last one has saved.
  save(text, undoing = false) {
    this.saving = (this.saving ?? Promise.resolve()).then(() => this.put(text, undoing));
    return this.saving;
  }

  async put(text, undoing) {
    if (text === this.saved) return;
    const before = this.saved;
    try {
      const answer = await ask("PUT", this.path, { text, before });
      const isTyping = text !== null && this.input.value !== text;
      this.saved = answer.saved;
      if (!isTyping) this.input.value = this.text;
      if (!undoing) undone.push({ line: this, before });
      byId("undo").disabled = !undone.length;
      this.keep();
      changed();
    } catch (error) {
      if (error.status === 409) {
        this.saved = error.values.saved;
        this.show(`another tab has: ${this.text}`);
      } else {
        this.show(error.message);
      }
      say(`Line ${this.number + 1} is not saved: ${error.message}.`);
    }
  }

  press(event) {
    const keys = {
      Enter: () => {
        if (event.ctrlKey || event.metaKey || this.isChanged) this.save(this.input.value);
        move(this, event.shiftKey ? -1 : 1);
      },
      ArrowDown: () => (event.altKey ? this.other() : move(this, 1)),
      ArrowUp: () => move(this, -1),
      Escape: () => this.write(this.text),
      F2: () => this.nextDoubt(),
    };
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key === "z") {
      if (this.isChanged || !undone.length) return; // The browser undoes what was typed.
      event.preventDefault();
      undo();
    } else if (keys[event.key] && !event.isComposing) {
      event.preventDefault();
      keys[event.key]();
    }
  }

  write(text) {
    this.input.value = text;
    this.keep();
  }

  other() {
    if (this.readings.length < 2) return say("The decoder gives one reading; --set predict.decoder=beam predict.n_best=5 gives more.");
    const place = this.readings.indexOf(this.input.value);
    this.write(this.readings[(place + 1) % this.readings.length]);
  }

  nextDoubt() {
    if (this.input.value !== this.read) return;
    const doubtful = this.characters.map((_, place) => place).filter((place) => this.isDoubtful(place));
    // Places in the input are UTF-16 units.
    const at = (place) => this.characters.slice(0, place).join("").length;
    const next = doubtful.find((place) => at(place) > this.input.selectionStart) ?? doubtful[0];
    if (next !== undefined) this.input.setSelectionRange(at(next), at(next + 1));
  }

  focus() {
    this.input.focus();
    this.item.scrollIntoView({ block: "nearest" });
  }
}

function move(line, by) {
  const next = lines[line.number + by];
  if (next) next.focus();
  else say(by > 0 ? "That was the last line." : "This is the first line.");
}

async function undo() {
  const last = undone.pop();
  byId("undo").disabled = !undone.length;
  if (!last) return;
  last.line.write(last.line.text);
  last.line.focus();
  await last.line.save(last.before, true);
  last.line.write(last.line.text);
  say(`Line ${last.line.number + 1}: the last save is undone.`);
}

byId("undo").addEventListener("click", undo);
