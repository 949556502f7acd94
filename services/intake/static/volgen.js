// Asks again until the submission's fate is final. Only what changed is shown, so that a screen reader says it once.
(function follow(wait) {
  setTimeout(async () => {
    const shown = document.getElementById("lot");
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("lot");
      if (answer.ok && fresh && fresh.innerHTML.trim() !== shown.innerHTML.trim()) {
        shown.innerHTML = fresh.innerHTML;
        shown.dataset.final = fresh.dataset.final;
        document.title = page.title;
      }
    } catch {
      // No connection for now: the next time may do better.
    }
    if (shown.dataset.final !== "true") follow(Math.min(wait * 1.5, 10000));
  }, wait);
})(1000);
