// Looks again every half a minute while somebody watches; without scripts the page stays as it was made.
"use strict";
(() => {
  const EVERY_MS = 30000;
  const PLACES = "a, [tabindex]";

  async function lookAgain() {
    // What somebody is just marking, to copy it, must not vanish.
    if (document.hidden || String(getSelection())) return;
    const answer = await fetch(location.href);
    if (answer.redirected) return location.reload(); // the session is over
    if (!answer.ok) throw new Error(String(answer.status));
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    replaceMain(document.getElementById("main"), found.getElementById("main"));
  }

  // Whoever reads by keyboard, or has scrolled a wide table, stays there.
  function replaceMain(before, after) {
    const places = [...before.querySelectorAll(PLACES)];
    const focused = places.indexOf(document.activeElement);
    const scrolled = places.map(place => place.scrollLeft);
    before.replaceWith(after);
    after.querySelectorAll(PLACES).forEach((place, number) => {
      place.scrollLeft = scrolled[number] ?? 0;
      if (number === focused) place.focus({ preventScroll: true });
    });
  }

  setInterval(async () => {
    let renewed = true;
    try {
      await lookAgain();
    } catch {
      renewed = false;
    }
    document.getElementById("stale").hidden = renewed;
  }, EVERY_MS);
})();
