// Better with it, complete without it: one press pays once, the card is grouped as it is typed, faults get the focus.
"use strict";

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button) {
      // Disabled after the form was read: a disabled button's value is not sent.
      setTimeout(() => {
        button.setAttribute("aria-disabled", "true");
        button.classList.add("busy");
      });
    }
  });
}
// A page that comes back from the browser's memory can be sent again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

const grouped = (text, size) => text.replace(/\D/g, "").match(new RegExp(`.{1,${size}}`, "g")) || [];
const number = document.getElementById("card_number");
if (number) {
  number.addEventListener("input", () => {
    if (number.selectionStart === number.value.length) number.value = grouped(number.value.slice(0, 23), 4).join(" ");
  });
}
const expiry = document.getElementById("card_expiry");
if (expiry) {
  expiry.addEventListener("input", (event) => {
    const digits = expiry.value.replace(/\D/g, "").slice(0, 4);
    if (event.inputType && event.inputType.startsWith("insert") && digits.length >= 2)
      expiry.value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
  });
}

const fault = document.querySelector("[aria-invalid]") || document.querySelector("[data-focus]");
if (fault) fault.focus();
