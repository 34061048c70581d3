// Totals follow what is chosen: the form is sent as its "Update" button would send it, and what differs is put in place.
"use strict";

const form = document.getElementById("checkout");
const said = document.getElementById("said");
let asked = 0;
let timer = 0;

const regions = (root) => new Map([...root.querySelectorAll("[data-live]")].map((each) => [each.dataset.live, each]));

// What somebody is typing in, and a card that is half typed, stays as it is.
const isInHand = (old, fresh, focused) =>
  (old.contains(focused) && focused.matches("input, select")) || (old.dataset.keep && old.dataset.keep === fresh.dataset.keep);

const put = (text) => {
  const answer = new DOMParser().parseFromString(text, "text/html");
  const fresh = regions(answer);
  for (const [name, old] of regions(document)) {
    const replacement = fresh.get(name);
    if (replacement && old.innerHTML !== replacement.innerHTML && !isInHand(old, replacement, document.activeElement)) {
      const id = old.contains(document.activeElement) ? document.activeElement.id : "";
      old.replaceWith(replacement);
      if (id) document.getElementById(id)?.focus();
    }
  }
  const news = answer.getElementById("said")?.dataset.said;
  if (news && news !== said.dataset.said) {
    said.dataset.said = news;
    said.textContent = news;
  }
};

const update = async () => {
  clearTimeout(timer);
  const turn = ++asked;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (!name.startsWith("card_")) body.append(name, value);
  body.set("do", "update");
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (turn !== asked) return;
    // Paid, or over, in another window: the page itself says so.
    if (answer.type === "opaqueredirect") location.reload();
    else if (answer.ok) put(await answer.text());
  } catch {
    // Without the server nothing is reckoned; whoever pays is shown the total again.
  } finally {
    if (turn === asked) form.removeAttribute("aria-busy");
  }
};

if (form) {
  document.documentElement.classList.add("scripted");
  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-update]")) update();
  });
  form.addEventListener("input", (event) => {
    if (!event.target.matches("input[type=number][data-update]")) return;
    clearTimeout(timer);
    timer = setTimeout(update, 400);
  });
  form.addEventListener("click", (event) => {
    if (!event.target.closest("[data-apply]")) return;
    event.preventDefault();
    update();
  });
  // The first button of a form is the one that the Enter key presses.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    if (event.target.id === "discountCode") update();
    else document.getElementById("pay")?.click();
  });
}
