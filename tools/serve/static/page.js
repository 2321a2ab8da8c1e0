// The list of pages, and what opens them.
import { answered, ask, byId, element, finished, say } from "/static/common.js";
import { onSaved, openPage } from "/static/editor.js";
import { showLearning } from "/static/learn.js";
import { startUploads } from "/static/upload.js";

const entries = new Map(); // the list's entry of each page, by its id
let open = null;

// The entries stay where they are: a click, which saves the line that it leaves, and the focus need theirs.
async function showPages() {
  const pages = await answered("/pages");
  const list = byId("pages");
  byId("no-pages").hidden = pages.length > 0;
  const ids = new Set(pages.map((page) => page.id));
  for (const [id, entry] of entries) {
    if (ids.has(id)) continue;
    entry.remove();
    entries.delete(id);
  }
  pages.forEach((page, place) => {
    const entry = entryOf(page);
    const button = entry.firstChild;
    button.lastChild.textContent = `${page.saved} of ${page.lines} lines corrected`;
    button.setAttribute("aria-current", String(page.id === open));
    if (list.children[place] !== entry) list.insertBefore(entry, list.children[place] ?? null);
  });
}

function entryOf({ id, filename, page }) {
  if (!entries.has(id)) {
    const name = element("span", {}, filename + (page > 1 ? `, page ${page}` : ""));
    const button = element("button", { type: "button", onclick: () => show(id) }, name, element("span", {}));
    entries.set(id, element("li", {}, button));
  }
  return entries.get(id);
}

async function show(id) {
  const before = open;
  open = id;
  try {
    await openPage(id, () => open === id);
    await showPages();
  } catch (error) {
    if (open === id) open = before;
    say(error.message);
  }
}

// With the model in use now; what was saved or typed stays.
byId("again").addEventListener("click", async () => {
  const id = open;
  document.activeElement.blur(); // What was typed is saved before.
  byId("again").disabled = true;
  say("The page is read again.");
  try {
    const { job } = await ask("POST", `/pages/${id}/read`);
    await finished(job);
    const isBusy = byId("lines").contains(document.activeElement);
    if (id === open && !isBusy) await show(id);
    say(isBusy ? "The page was read again; its new texts are there when it is opened." : "The page was read again.");
  } catch (error) {
    say(error.message);
  } finally {
    byId("again").disabled = false;
  }
});

onSaved(() => {
  showPages().catch((error) => say(error.message));
  showLearning();
});
startUploads(async (id, isFirst) => {
  // A page that comes while another one is being corrected, or a word written, waits in the list.
  const isWriting = !byId("pad").hidden && !byId("pad-clear").disabled;
  const isBusy = isWriting || byId("lines").contains(document.activeElement);
  if (isFirst && !isBusy) await show(id);
  else await showPages();
});
showPages().catch((error) => say(error.message));
showLearning();
