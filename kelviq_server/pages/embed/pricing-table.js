// The plans of a product, with their prices where the visitor is, and a button that leads to checkout; a page needs this
// file and an element: <div data-kq-pricing-table data-product-id="..." data-access-token="ck_..."></div>
(() => {
  "use strict";

  const api = new URL(document.currentScript.src).origin + "/api/v1";
  const UNITS = {
    ONE_TIME: "once", DAILY: "a day", WEEKLY: "a week", TWENTY_EIGHT_DAYS: "every 28 days", MONTHLY: "a month",
    THREE_MONTHS: "every 3 months", SIX_MONTHS: "every 6 months", YEARLY: "a year",
  };
  const CSS_TEXT = `
    :host { display: block; font: inherit; color: inherit; --line: color-mix(in srgb, currentColor 20%, transparent);
      --soft: color-mix(in srgb, currentColor 72%, transparent); --accent: var(--kq-accent, #1f5eff);
      --accent-text: var(--kq-accent-text, #fff); --round: var(--kq-radius, 12px); }
    * { box-sizing: border-box; }
    fieldset { border: 0; margin: 0 0 1.5rem; padding: 0; display: flex; flex-wrap: wrap; justify-content: center; gap: .5rem; }
    legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    fieldset label { border: 1px solid var(--line); border-radius: 99px; padding: .45rem 1rem; cursor: pointer; }
    fieldset input { position: absolute; opacity: 0; }
    fieldset label:has(:checked) { background: var(--accent); color: var(--accent-text); border-color: var(--accent); }
    fieldset label:has(:focus-visible), button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .plans { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); }
    .plan { border: 1px solid var(--line); border-radius: var(--round); padding: 1.5rem; display: flex; flex-direction: column; }
    .plan.had { border-color: var(--accent); border-width: 2px; }
    h3 { margin: 0 0 .35rem; font-size: 1.2em; }
    p { margin: 0 0 .75rem; overflow-wrap: anywhere; }
    .price { font-size: 2em; font-weight: 700; margin: 0; line-height: 1.2; }
    .soft { color: var(--soft); font-size: .9em; }
    ul { list-style: none; margin: .5rem 0 1.25rem; padding: 0; }
    li { padding: .3rem 0 .3rem 1.5em; position: relative; overflow-wrap: anywhere; }
    li::before { content: "\\2713"; position: absolute; left: 0; color: var(--accent); font-weight: 700; }
    button { margin-top: auto; font: inherit; font-weight: 700; padding: .8rem 1rem; border: 0; border-radius: 8px; cursor: pointer;
      background: var(--accent); color: var(--accent-text); }
    button:disabled { opacity: .6; cursor: default; }
    .fault { font-weight: 600; }`;

  const made = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const render = async (host, options) => {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS_TEXT);
    root.adoptedStyleSheets = [sheet];
    root.replaceChildren(made("p", "Loading prices\u2026", "soft"));
    try {
      const query = new URLSearchParams();
      if (options.customerId) query.set("customer_id", options.customerId);
      if (options.plans) query.set("plans_enabled", [].concat(options.plans).join(","));
      const answer = await fetch(`${api}/monetization/product-offering/${encodeURIComponent(options.productId)}/?${query}`, {
        headers: { Authorization: `Bearer ${options.accessToken}` },
      });
      if (!answer.ok) throw new Error(`The prices cannot be shown: ${answer.status}`);
      draw(root, await answer.json(), options);
    } catch (fault) {
      console.warn(fault.message);
      const message = made("p", "The prices cannot be shown right now. Please try again later.", "fault");
      message.setAttribute("role", "alert");
      root.replaceChildren(message);
    }
  };

  const draw = (root, offering, options) => {
    const periods = offering.billingPeriods.filter((each) => offering.plans.some((plan) => chargeOf(plan, each.chargePeriod)));
    // What is bought once, or free, is shown beside whichever period is chosen.
    const chosen = periods.filter((each) => each.chargePeriod !== "ONE_TIME");
    const plans = made("div", undefined, "plans");
    const show = (period) => plans.replaceChildren(...offering.plans.map((plan) => card(plan, period, offering, options)));
    const parts = [plans];
    if (chosen.length > 1) parts.unshift(switcher(chosen, show));
    root.replaceChildren(...parts);
    show((chosen[0] ?? periods[0])?.chargePeriod);
  };

  const switcher = (periods, show) => {
    const group = made("fieldset");
    group.append(made("legend", "Billing period"));
    const name = `period-${Math.random().toString(36).slice(2)}`;
    for (const [place, each] of periods.entries()) {
      const label = made("label");
      const input = made("input");
      Object.assign(input, { type: "radio", name, checked: place === 0 });
      input.addEventListener("change", () => show(each.chargePeriod));
      label.append(input, each.displayName);
      group.append(label);
    }
    return group;
  };

  const chargeOf = (plan, period) => plan.price.charges.find((charge) => charge.chargePeriod === period);

  const card = (plan, period, offering, options) => {
    const box = made("section", undefined, "plan");
    const isHad = offering.subscription.planIdentifier === plan.identifier;
    if (isHad) box.classList.add("had");
    box.append(made("h3", plan.displayName));
    if (plan.displayDescription) box.append(made("p", plan.displayDescription, "soft"));
    const charge = chargeOf(plan, period) ?? chargeOf(plan, "ONE_TIME") ?? plan.price.charges[0];
    box.append(...price(plan, charge, offering));
    if (plan.features.length) {
      const list = made("ul");
      list.append(...plan.features.filter(isGranted).map((each) => made("li", featureText(each, charge, plan, offering))));
      box.append(list);
    }
    box.append(button(plan, charge, isHad, options));
    return box;
  };

  const price = (plan, charge, offering) => {
    if (plan.price.priceType === "CUSTOM") return [made("p", "Let\u2019s talk", "price")];
    if (plan.price.priceType === "FREE") return [made("p", "Free", "price"), made("p", "\u00a0", "soft")];
    const amount = charge?.priceData.amount;
    if (amount === undefined) return [made("p", "By usage", "price"), made("p", UNITS[charge?.chargePeriod], "soft")];
    const spelled = spelling(offering);
    const notes = [UNITS[charge.chargePeriod]];
    if (plan.price.freeTrial) notes.push(`${plan.price.trialPeriod} days free`);
    if (plan.price.currency !== offering.currencyCode && plan.price.currency === offering.baseCurrencyCode) {
      const about = Number((amount * offering.currencyConversionRate).toPrecision(3));
      notes.push(`about ${spelled(about, offering.currencyCode)}`);
    }
    return [made("p", spelled(amount, plan.price.currency), "price"), made("p", notes.join(" \u00b7 "), "soft")];
  };

  const spelling = (offering) => (value, currency) =>
    new Intl.NumberFormat(offering.pricingLocale, {
      style: "currency", currency, ...(Number.isInteger(value) ? { maximumFractionDigits: 0 } : { maximumFractionDigits: 6 }),
    }).format(value);

  const isGranted = (feature) => feature.featureType !== "BOOLEAN" || feature.value === true;

  const featureText = (feature, charge, plan, offering) => {
    const amount = feature.charges?.find((each) => each.chargePeriod === charge?.chargePeriod)?.priceData.amount;
    if (amount > 0) return `${feature.displayName}: ${spelling(offering)(amount, plan.price.currency)} each`;
    if (feature.featureType === "BOOLEAN") return feature.displayName;
    if (feature.value === null) return `Unlimited ${feature.displayName}`;
    return `${Number(feature.value).toLocaleString()} ${feature.displayName}`;
  };

  const button = (plan, charge, isHad, options) => {
    const element = made("button");
    const say = (text) => {
      element.textContent = text;
      element.setAttribute("aria-label", `${text}: ${plan.displayName}`);
    };
    say(isHad ? "Your plan" : options.buttonText ?? "Get started");
    element.type = "button";
    element.disabled = isHad;
    element.addEventListener("click", async () => {
      const details = { plan, chargePeriod: charge?.chargePeriod };
      const event = new CustomEvent("kq:choose", { bubbles: true, composed: true, cancelable: true, detail: details });
      // The page may do something else instead, and has to where nothing could be charged.
      if (!element.dispatchEvent(event) || plan.price.priceType === "CUSTOM") return;
      element.disabled = true;
      try {
        location.assign(await checkout(details, options));
      } catch (fault) {
        console.warn(fault.message);
        element.disabled = false;
        say("Please try again");
      }
    });
    return element;
  };

  const checkout = async ({ plan, chargePeriod }, options) => {
    const body = { planIdentifier: plan.identifier, chargePeriod, successUrl: options.successUrl || location.href };
    if (options.customerId) body.customerId = options.customerId;
    const answer = await fetch(`${api}/checkout/`, {
      method: "POST", body: JSON.stringify(body),
      headers: { Authorization: `Bearer ${options.accessToken}`, "Content-Type": "application/json" },
    });
    if (!answer.ok) throw new Error(`Checkout cannot be opened: ${await answer.text()}`);
    return (await answer.json()).checkoutUrl;
  };

  const start = () => {
    for (const host of document.querySelectorAll("[data-kq-pricing-table]")) render(host, { ...host.dataset });
  };
  window.KQPricingTable = { render };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
