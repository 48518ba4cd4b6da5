// Looks again every half a minute while somebody watches; without scripts the page stays as it was made.
"use strict";
(() => {
  const EVERY_MS = 30000;

  async function lookAgain() {
    const main = document.getElementById("main");
    // What somebody is just marking, or has the focus on, must not vanish.
    if (document.hidden || String(getSelection()) || main.contains(document.activeElement)) return;
    const answer = await fetch(location.href);
    if (answer.redirected) return location.reload(); // the session is over
    if (!answer.ok) throw new Error(String(answer.status));
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    main.replaceWith(found.getElementById("main"));
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
