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
// A card form may come and go with what is chosen: whoever types into one is heard here.
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.id === "card_number" && field.selectionStart === field.value.length)
    field.value = grouped(field.value.slice(0, 23), 4).join(" ");
  if (field.id === "card_expiry" && event.inputType && event.inputType.startsWith("insert")) {
    const digits = field.value.replace(/\D/g, "").slice(0, 4);
    if (digits.length >= 2) field.value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
  }
});

const fault = document.querySelector("[aria-invalid]") || document.querySelector("[data-focus]");
if (fault) fault.focus();
