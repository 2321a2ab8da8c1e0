"use strict";
// Texts from data reach the page as text nodes only, never as markup.
(() => {
  const { words, stride } = JSON.parse(document.getElementById("data").textContent);
  const PER_PAGE = 50;
  const form = document.getElementById("filters");
  const list = document.getElementById("words");
  const chip = document.getElementById("confusion");
  const buttons = { previous: document.getElementById("previous"), next: document.getElementById("next") };
  let page = 0;
  let confusion = null;
  words.forEach((word, place) => {
    word.place = place;
    word.length = Array.from(word.truth).length;
    word.haystack = [word.truth, word.text, word.name, word.writer].join("\n").toLowerCase();
  });

  const ORDERS = {
    worst: (a, b) => a.place - b.place,
    sure: (a, b) => b.confidence - a.confidence,
    unsure: (a, b) => a.confidence - b.confidence,
    long: (a, b) => b.length - a.length,
    name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  };

  const percent = (share) => (100 * share).toFixed(1) + " %";

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function visible(character) {
    if (character === "") return "nothing";
    if (/^\s$/u.test(character)) return "␣";
    return /^\p{M}$/u.test(character) ? "◌" + character : character;
  }

  function limits(low, high, value) {
    return (low === "" || value >= Number(low)) && (high === "" || value <= Number(high));
  }

  function chosen() {
    const wanted = Object.fromEntries(new FormData(form));
    const search = wanted.search.normalize("NFC").toLowerCase();
    return words
      .filter((word) =>
        (wanted.kind === "all" || (wanted.kind === "wrong") === word.errors > 0) &&
        word.haystack.includes(search) &&
        limits(wanted.shortest, wanted.longest, word.length) &&
        limits(wanted.least, wanted.most, 100 * word.confidence) &&
        (!confusion || word.diff.some((part) => Array.isArray(part) && part[0] === confusion[0] && part[1] === confusion[1])))
      .sort(ORDERS[wanted.order]);
  }

  function reading(word) {
    const shown = element("span", { className: "reading", dir: "auto" });
    // Neighbouring edits are shown as one: all that is missing, then all that was written instead.
    let missing = "", written = "";
    const edit = () => {
      if (missing) shown.append(element("del", { title: "in the truth" }, missing));
      if (written) shown.append(element("ins", { title: "read instead" }, written));
      missing = written = "";
    };
    for (const part of word.diff) {
      if (Array.isArray(part)) {
        missing += part[0] && visible(part[0]);
        written += part[1] && visible(part[1]);
      } else {
        edit();
        shown.append(part);
      }
    }
    edit();
    return shown;
  }

  function entry(word) {
    const right = word.errors === 0;
    const image = element("img", { src: "data:image/png;base64," + word.image, alt: "image of " + word.truth, loading: "lazy" });
    const mark = element("span", { className: "mark" }, right ? "✓ right" : "✗ wrong");
    const summary = element("summary", {}, image, reading(word), element("span", {}, mark, " ", percent(word.confidence)));
    const detail = element("div", { className: "detail" });
    const details = element("details", { className: right ? "right" : "wrong" }, summary, detail);
    details.addEventListener("toggle", () => {
      if (details.open && !detail.childNodes.length) describe(word, detail);
    });
    return details;
  }

  function describe(word, detail) {
    const facts = element("dl", {});
    const values = { truth: word.truth, reading: word.text, confidence: percent(word.confidence), "character errors": word.errors, file: word.name, writer: word.writer };
    for (const [name, value] of Object.entries(values)) {
      if (value !== "") facts.append(element("dt", {}, name), element("dd", { dir: "auto" }, String(value)));
    }
    const steps = element("div", { className: "steps" });
    detail.append(facts, steps);
    const picture = new Image();
    picture.onload = () => drawSteps(word, picture, steps);
    picture.src = "data:image/png;base64," + word.image;
  }

  function drawSteps(word, picture, steps) {
    const characters = Array.from(word.text);
    if (!word.attention) {
      const each = characters.length === word.characters.length ? characters.map((character, i) => visible(character) + " " + percent(word.characters[i])) : [];
      steps.append(each.join(", "));
      return;
    }
    const weights = Uint8Array.from(atob(word.attention), (character) => character.charCodeAt(0));
    for (let step = 0; step <= characters.length; step++) {
      const row = weights.subarray(step * word.columns, (step + 1) * word.columns);
      const name = step < characters.length ? visible(characters[step]) : "end of word";
      const sure = characters.length === word.characters.length && step < characters.length ? " " + percent(word.characters[step]) : "";
      const { canvas, from, to } = overlay(word, picture, row);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `for ${name} the network looks mostly at ${from} to ${to} % of the width`);
      steps.append(element("figure", {}, element("figcaption", {}, name + sure), canvas));
    }
  }

  // The columns' weights over the image, relative to the largest; also where the larger half of them lie.
  function overlay(word, picture, row) {
    const scale = 2;
    const canvas = element("canvas", { width: picture.width * scale, height: picture.height * scale });
    const brush = canvas.getContext("2d");
    brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const column = (canvas.width * stride) / word.width;
    const largest = Math.max(1, ...row);
    const strong = [];
    row.forEach((weight, index) => {
      brush.fillStyle = `rgba(240, 90, 0, ${(0.7 * weight) / largest})`;
      brush.fillRect(index * column, 0, column, canvas.height);
      if (2 * weight >= largest) strong.push(index);
    });
    const share = (index) => Math.min(100, Math.round((100 * index * stride) / word.width));
    return { canvas, from: share(strong[0] ?? 0), to: share((strong.at(-1) ?? 0) + 1) };
  }

  function show() {
    const found = chosen();
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    page = Math.min(Math.max(0, page), pages - 1);
    list.replaceChildren(...found.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(entry));
    const wrong = found.filter((word) => word.errors > 0).length;
    document.getElementById("count").textContent = `${found.length} of ${words.length} words, ${wrong} of them wrong`;
    document.getElementById("page").textContent = `page ${page + 1} of ${pages}`;
    buttons.previous.disabled = page === 0;
    buttons.next.disabled = page === pages - 1;
    chip.hidden = !confusion;
    chip.textContent = confusion ? `✕ ${visible(confusion[0])} → ${visible(confusion[1])}` : "";
  }

  function turn(to) {
    page = to;
    show();
  }

  form.addEventListener("input", () => turn(0));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    confusion = null;
    setTimeout(() => turn(0));
  });
  chip.addEventListener("click", () => {
    confusion = null;
    turn(0);
    form.elements.search.focus();
  });
  for (const [name, by] of [["previous", -1], ["next", 1]]) {
    buttons[name].addEventListener("click", () => {
      turn(page + by);
      document.getElementById("gallery").scrollIntoView();
    });
  }
  for (const button of document.querySelectorAll("button.confusion")) {
    button.title = "show these words";
    button.addEventListener("click", () => {
      confusion = [button.dataset.truth, button.dataset.read];
      turn(0);
      document.getElementById("gallery").focus();
    });
  }
  show();
})();
