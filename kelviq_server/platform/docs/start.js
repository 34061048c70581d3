"use strict";

// The renderer knows dark mode as a class, so the class follows the system's choice.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const followSystem = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followSystem);
followSystem();

// Open the section, give it the focus and put its address in the location bar.
function showSection(name, href) {
  const heading = document.querySelector(`.opblock-tag[data-tag="${CSS.escape(name)}"]`);
  if (!heading) return;
  if (heading.dataset.isOpen !== "true") heading.click();
  heading.scrollIntoView();
  heading.querySelector("button")?.focus({ preventScroll: true });
  history.replaceState(null, "", href);
}

// List the sections beside the reference; on small screens the page itself is the list.
function listSections() {
  const items = [...document.querySelectorAll(".opblock-tag")].map((heading) => {
    const link = document.createElement("a");
    link.textContent = heading.dataset.tag;
    link.href = heading.querySelector("a")?.getAttribute("href") ?? `#${heading.id}`;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      showSection(heading.dataset.tag, link.href);
    });
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  document.getElementById("tags").replaceChildren(...items);
}

function finish() {
  document.getElementById("docs").removeAttribute("role");
  document.querySelector(".operation-filter-input")?.setAttribute("aria-label", "Filter by tag or path");
  listSections();
}

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  domNode: document.getElementById("docs"),
  deepLinking: true,
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  onComplete: finish,
  persistAuthorization: false, // an API key lives as long as the tab, and is never stored
  queryConfigEnabled: false, // a link must not be able to point this page at another document
  validatorUrl: null, // else documents are sent to an outside service
});
