// The lines of a page: pictures, texts, and correction by keyboard alone.
import { ask, byId, element, say, unsay } from "/static/common.js";

const DOUBT = 0.6; // confidence below which a character is marked
const PER_CENT = 100;
const FORMATS = ["text", "page", "alto"]; // of exports
let lines = [];
let undone = []; // saves that can be undone: line, saved text before
let saving = Promise.resolve();
let undos = Promise.resolve();
let changed = () => {};

export function onSaved(action) {
  changed = action;
}

export async function openPage(id, isWanted) {
  await saving;
  const page = await ask("GET", `/pages/${id}`);
  if (!isWanted()) return; // Another page was opened meanwhile.
  lines = page.lines.map((line, number) => new LineEditor(id, number, line));
  undone = [];
  byId("undo").disabled = true;
  byId("editor").hidden = byId("skip").hidden = false;
  byId("editor-title").textContent = page.filename + (page.page > 1 ? `, page ${page.page}` : "");
  byId("picture").src = `/pages/${id}/picture`;
  for (const format of FORMATS) byId(`export-${format}`).href = `/pages/${id}/export?format=${format}`;
  const nothing = element("li", {}, "No text was found on this page.");
  byId("lines").replaceChildren(...(lines.length ? lines.map((line) => line.item) : [nothing]));
  const next = lines.find((line) => line.saved === null) ?? lines[0];
  next?.focus();
}

class LineEditor {
  constructor(page, number, line) {
    this.path = `/pages/${page}/lines/${number}`;
    this.draft = `draft of ${this.path}`;
    this.number = number;
    this.read = line.text;
    this.saved = line.saved;
    this.characters = Array.from(line.text);
    this.confidences = line.characters;
    this.readings = [line.text, ...line.alternatives];
    this.pending = null; // the text that is being saved
    this.complaint = ""; // why the last save failed
    // What was typed but not saved outlives the tab, and with it the text that was saved when it was begun.
    const draft = draftIn(this.draft);
    this.input = element("input", {
      type: "text", value: draft?.text ?? this.text, spellcheck: false, autocomplete: "off", dir: "auto",
    });
    this.base = this.isChanged ? draft.base : this.saved;
    if (!this.isChanged) keepDraft(this.draft, null);
    this.isConflict = this.base !== this.saved; // Another tab has saved a text since, which only Enter replaces.
    this.input.setAttribute("aria-label", `text of line ${number + 1}`);
    this.state = element("span", { className: "state" });
    const picture = element("img", { src: `${this.path}/picture`, alt: `picture of line ${number + 1}`, loading: "lazy" });
    const entry = element("div", { className: "entry" }, this.input, this.buttons(), this.state);
    this.item = element("li", {}, picture, this.reading(), entry);
    picture.addEventListener("click", () => this.focus());
    this.input.addEventListener("input", () => this.keep());
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("blur", () => this.leave());
    this.show();
  }

  // What keys do, for fingers; by keyboard, Tab goes from text to text as without them.
  buttons() {
    const made = (text, name, onclick) => {
      const button = element("button", { type: "button", title: name, tabIndex: -1, onclick }, text);
      button.setAttribute("aria-label", `${name}, line ${this.number + 1}`);
      button.addEventListener("mousedown", (event) => event.preventDefault()); // The focus stays.
      return button;
    };
    const accept = made("✓", "right as it stands", () => this.save(this.input.value));
    const other = made("↻", "other reading", () => this.other());
    other.hidden = this.readings.length < 2;
    return element("span", { className: "buttons" }, accept, other);
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

  show(problem = this.isConflict ? `another tab has: ${this.text}` : "") {
    const state = problem ? "failed" : this.isChanged ? "unsaved" : this.saved === null ? "read" : "saved";
    this.item.className = state;
    const words = { failed: `✗ ${problem}`, unsaved: "not saved yet", read: "as read", saved: "✓ saved" };
    this.state.textContent = state === "saved" && this.saved === "" ? "✓ no text" : words[state];
  }

  keep() {
    if (this.isChanged) {
      keepDraft(this.draft, { text: this.input.value, base: this.base });
    } else {
      keepDraft(this.draft, null);
      this.base = this.saved;
      this.isConflict = false;
    }
    unsay(this.complaint);
    this.show();
  }

  // Enter saves and moves on, which leaves the line, too.
  leave() {
    if (this.isChanged && !this.isConflict && this.input.value !== this.pending) this.save(this.input.value);
  }

  // One save after the other, so that each knows what the last one has saved, and undo which was the last; resolves to
  // whether it is saved.
  save(text, undoing = false) {
    this.pending = text;
    this.isConflict = false;
    saving = saving.then(() => this.put(text, undoing));
    return saving;
  }

  async put(text, undoing) {
    try {
      if (text === this.saved) return true;
      if (this.isConflict) return false;
      const before = this.saved;
      const answer = await ask("PUT", this.path, { text, before });
      const isTyping = this.input.value !== text;
      this.saved = this.base = answer.saved;
      if (!isTyping) this.input.value = this.text;
      if (!undoing) undone.push({ line: this, before, after: this.saved });
      byId("undo").disabled = !undone.length;
      this.keep();
      changed();
      return true;
    } catch (error) {
      if (error.status === 409) {
        this.isConflict = true;
        this.saved = error.values.saved;
        this.keep(); // The other tab has removed the draft.
      } else {
        this.show(error.message);
      }
      this.complaint = `Line ${this.number + 1} is not saved: ${error.message}.`;
      say(this.complaint);
      return false;
    } finally {
      if (this.pending === text) this.pending = null;
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
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
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
    const typed = this.input.value;
    if (typed && !this.readings.includes(typed)) this.readings.push(typed); // It comes again.
    if (this.readings.length < 2) return say("This line was read in one way; --set predict.decoder=beam gives other readings of every line.");
    const place = this.readings.indexOf(this.input.value);
    this.write(this.readings[(place + 1) % this.readings.length]);
  }

  // Selects the next doubtful character of those that stand before and behind what was changed.
  nextDoubt() {
    const { value } = this.input;
    const longer = value.length - this.read.length;
    let same = 0; // characters at the beginning
    while (same < Math.min(value.length, this.read.length) && value[same] === this.read[same]) same += 1;
    const tail = this.read.slice(same);
    let behind = 0; // characters at the end
    while (behind < tail.length + Math.min(0, longer) && value.at(-1 - behind) === tail.at(-1 - behind)) behind += 1;
    // Places in the input are UTF-16 units.
    const at = (place) => this.characters.slice(0, place).join("").length;
    const spans = this.characters
      .map((_, place) => place)
      .filter((place) => this.isDoubtful(place))
      .map((place) => [at(place), at(place + 1)])
      .map(([start, end]) => (end <= same ? [start, end] : start >= this.read.length - behind ? [start + longer, end + longer] : null))
      .filter(Boolean);
    const next = spans.find(([start]) => start > this.input.selectionStart) ?? spans[0];
    if (next) this.input.setSelectionRange(...next);
  }

  focus() {
    this.input.focus();
    this.item.scrollIntoView({ block: "nearest" });
  }
}

// What was typed but not saved: text, and the saved text it was typed over.
function draftIn(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

// Browsers may forbid storage, or have no room left: texts are saved without drafts, too.
function keepDraft(key, draft) {
  try {
    if (draft) localStorage.setItem(key, JSON.stringify(draft));
    else localStorage.removeItem(key);
  } catch {
    return;
  }
}

function move(line, by) {
  const next = lines[line.number + by];
  if (next) next.focus();
  else say(by > 0 ? "That was the last line." : "This is the first line.");
}

// One after the other, so that each undoes another save.
function undo() {
  undos = undos.then(undoLast);
}

async function undoLast() {
  await saving;
  const last = undone.at(-1);
  if (!last) return;
  const { line, before, after } = last;
  const name = `Line ${line.number + 1}`;
  const forget = () => {
    undone = undone.filter((one) => one !== last);
    byId("undo").disabled = !undone.length;
  };
  if (line.isChanged) return say(`${name} is not saved: first save it (Enter) or take it back (Escape).`);
  if (line.saved !== after) {
    forget();
    return say(`${name} has a text of another tab since: the save before it can't be undone.`);
  }
  line.focus();
  const shown = line.input.value;
  if (!(await line.save(before, true))) return;
  forget();
  if (line.input.value === shown) line.write(line.text);
  say(`${name}: the last save is undone.`);
}

// A click on the link leaves the line, which saves it: the file is asked for after that.
async function exportSaved(event) {
  event.preventDefault();
  const { href } = event.currentTarget;
  await saving;
  const unsaved = lines.filter((line) => line.isChanged).map((line) => line.number + 1);
  if (unsaved.length) say(`Not saved, and not in the file: line ${unsaved.join(", ")}.`);
  element("a", { href, download: "" }).click();
}

byId("undo").addEventListener("click", undo);
for (const format of FORMATS) byId(`export-${format}`).addEventListener("click", exportSaved);
