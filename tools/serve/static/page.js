// The list of pages, and what opens them.
import { ask, byId, element, finished, say } from "/static/common.js";
import { onSaved, openPage } from "/static/editor.js";
import { showLearning } from "/static/learn.js";
import { startUploads } from "/static/upload.js";

let open = null;

async function showPages() {
  const pages = await ask("GET", "/pages");
  byId("no-pages").hidden = pages.length > 0;
  byId("pages").replaceChildren(
    ...pages.map((page) => {
      const name = page.filename + (page.page > 1 ? `, page ${page.page}` : "");
      const count = element("span", {}, `${page.saved} of ${page.lines} lines corrected`);
      const button = element("button", { type: "button", onclick: () => show(page.id) }, element("span", {}, name), count);
      button.setAttribute("aria-current", String(page.id === open));
      return element("li", {}, button);
    }),
  );
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
