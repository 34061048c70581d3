// Totals follow what is chosen: the form is sent as its "Update" button would send it, and what differs is put in place.
"use strict";

const form = document.getElementById("checkout");
const said = document.getElementById("said");
let asked = 0;
let timer = 0;
// What the last answer has for parts of the page, what was sent for it, and by which field, if its content is settled.
let waiting = new Map();
let sent = new FormData();
let applied = null;

const regions = (root) => new Map([...root.querySelectorAll("[data-live]")].map((each) => [each.dataset.live, each]));

// What somebody is typing in, and a card that is half typed, stays as it is for now.
const isInHand = (old, fresh) => {
  const focused = document.activeElement;
  const isTyping = old.contains(focused) && focused.matches("input, select") && focused !== applied;
  return isTyping || (old.dataset.keep && old.dataset.keep === fresh.dataset.keep);
};

// What was typed since the form was sent is not lost.
const carryOver = (old, fresh) => {
  for (const each of old.querySelectorAll("input[name]:not([type=radio], [type=hidden])")) {
    const same = fresh.querySelector(`[name="${CSS.escape(each.name)}"]`);
    if (same && each.value !== (sent.get(each.name) ?? "")) same.value = each.value;
  }
};

const put = () => {
  const current = regions(document);
  for (const [name, replacement] of waiting) {
    const old = current.get(name);
    if (!old || isInHand(old, replacement)) continue;
    waiting.delete(name);
    if (old.innerHTML === replacement.innerHTML) continue;
    carryOver(old, replacement);
    const id = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(replacement);
    if (id) document.getElementById(id)?.focus();
  }
};

const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

const say = (news) => {
  if (!news || news === said.dataset.said) return;
  said.dataset.said = news;
  said.textContent = news;
};

const take = (answer) => {
  waiting = regions(answer);
  put();
  say(answer.getElementById("said")?.dataset.said);
};

// What is shown is not what was chosen: said beside the totals, and where details are typed, until an answer comes.
const miss = (why = "The server did not answer.") => {
  const text = `The total is not up to date. ${why} You can go on: nothing is paid before you have seen the new total.`;
  for (const name of ["totals", "alert"]) {
    const region = regions(document).get(name);
    region.querySelector(".stale")?.remove();
    const box = document.createElement("p");
    box.className = "alert stale";
    box.textContent = text;
    region.append(box);
  }
  say(text);
};

const update = async (by = null) => {
  clearTimeout(timer);
  const turn = ++asked;
  const body = new URLSearchParams();
  sent = new FormData(form);
  applied = by;
  for (const [name, value] of sent) if (!name.startsWith("card_")) body.append(name, value);
  body.set("do", "update");
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (turn !== asked) return;
    // Paid, or over, in another window: the page itself says so.
    if (answer.type === "opaqueredirect") location.replace(form.action);
    else if (answer.ok) take(parsed(await answer.text()));
    else miss(parsed(await answer.text()).querySelector(".state p:not(.mark)")?.textContent);
  } catch {
    // Whoever pays meanwhile leaves the page, and what was asked for is broken off.
    if (turn === asked && !form.dataset.sent) miss();
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
    update(document.getElementById("discountCode"));
  });
  form.addEventListener("focusout", () => setTimeout(put));
  // The first button of a form is the one that the Enter key presses.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    if (event.target.id === "discountCode") update(event.target);
    else document.getElementById("pay")?.click();
  });
}
