// The banner of a promotion and the prices on a page, by the documented attributes; a page needs this file alone.
(() => {
  "use strict";

  const script = document.currentScript;
  const api = new URL(script.src).origin + "/api/v1";
  const TAGS = new Set(["B", "STRONG", "I", "EM", "U", "SPAN", "BR", "A", "SMALL"]);
  const DEFAULTS = {
    showBanner: true, baseCurrencyCode: "USD", baseCurrencySymbol: "", currencyDisplay: "symbol", showDecimal: false,
    minimumDecimalDigits: 2, maximumDecimalDigits: 2,
  };
  let config = { ...DEFAULTS };
  let ready;
  let begun;
  const isReady = new Promise((resolve) => (begun = resolve));

  const init = (options = {}) => {
    config = { ...DEFAULTS, ...options };
    const address = `${api}/promotions?promotion_id=${encodeURIComponent(config.promotionId)}`;
    ready = fetch(address, { headers: { Authorization: `Bearer ${config.accessToken}` } }).then(async (answer) => {
      if (!answer.ok) throw new Error(`The promotion cannot be shown: ${answer.status}`);
      const found = await answer.json();
      whenParsed(() => show(found));
      return found;
    });
    begun();
    // Without the server the page stays as it is; whoever asks for a price is told.
    ready.catch((fault) => console.warn(fault.message));
    return ready;
  };

  const whenParsed = (work) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", work);
    else work();
  };

  const show = (found) => {
    document.body.classList.toggle("kq-discount-applied", found.percentage > 0);
    for (const each of document.querySelectorAll("[data-kq-price]")) rewrite(each, found);
    for (const each of document.querySelectorAll("[data-kq-original-price-display]")) original(each, found);
    const banner = found.widgets.find((widget) => widget.type === "BANNER");
    if (config.showBanner && banner && found.percentage > 0) showBanner(found, banner);
  };

  // Prices.

  const priceOf = (price, found, options) => {
    const places = (name) => Math.min(Math.max(Number(options[name]) || 0, 0), 2);
    const [least, most] = options.showDecimal ? [places("minimumDecimalDigits"), places("maximumDecimalDigits")] : [0, 0];
    // Through whole cents, so that no binary fraction shows.
    const cents = Math.round((Number(price) * 100 * (100 - found.percentage)) / 100);
    const format = new Intl.NumberFormat(undefined, {
      style: "currency", currency: options.baseCurrencyCode, currencyDisplay: options.currencyDisplay,
      minimumFractionDigits: Math.min(least, most), maximumFractionDigits: most,
    });
    const parts = format.formatToParts(cents / 100);
    const of = (...types) => parts.filter((part) => types.includes(part.type)).map((part) => part.value).join("");
    return {
      price: cents / 100,
      formattedPrice: format.format(cents / 100),
      integerPart: of("integer", "group"),
      decimalPart: of("fraction"),
      decimalSeparator: of("decimal"),
      currencySymbol: options.baseCurrencySymbol || of("currency"),
      currencyCode: options.baseCurrencyCode,
      apiResponse: found,
    };
  };

  const optionsOf = (element, given = {}) => {
    const own = {};
    const said = element.dataset;
    if (said.kqShowDecimal) own.showDecimal = said.kqShowDecimal === "true";
    if (said.kqCurrencyDisplay) own.currencyDisplay = said.kqCurrencyDisplay;
    if (said.kqMinimumDecimalDigits) own.minimumDecimalDigits = said.kqMinimumDecimalDigits;
    if (said.kqMaximumDecimalDigits) own.maximumDecimalDigits = said.kqMaximumDecimalDigits;
    return { ...config, ...own, ...given };
  };

  const PARTS = {
    "currency-symbol": "currencySymbol", "price-integer": "integerPart", "price-decimal": "decimalPart",
    "price-decimal-separator": "decimalSeparator", "currency-code": "currencyCode", "price-formatted": "formattedPrice",
  };

  const fill = (element, price) => {
    for (const [name, field] of Object.entries(PARTS)) {
      for (const part of element.querySelectorAll(`[data-kq-${name}]`)) part.textContent = price[field];
    }
  };

  const rewrite = (element, found, given) => {
    const price = priceOf(element.dataset.kqPrice, found, optionsOf(element, given));
    fill(element, price);
    return price;
  };

  const original = (element, found, given) => {
    fill(element, priceOf(element.dataset.kqOriginalPriceDisplay, { ...found, percentage: 0 }, optionsOf(element, given)));
    element.hidden = !(found.percentage > 0);
  };

  const afterInit = async (work) => {
    await isReady;
    return work(await ready);
  };

  const getUpdatedPrice = (price, options) => afterInit((found) => priceOf(price, found, { ...config, ...options }));

  const updatePriceElement = (element, options) =>
    afterInit((found) => {
      const { kqRel } = element.dataset;
      if (kqRel) {
        for (const other of document.querySelectorAll(`[data-kq-rel="${CSS.escape(kqRel)}"]`)) {
          if ("kqOriginalPriceDisplay" in other.dataset) original(other, found, options);
          else if (other !== element && "kqPrice" in other.dataset) rewrite(other, found, options);
        }
      }
      return rewrite(element, found, options);
    });

  const updatePrice = (configs) =>
    afterInit((found) =>
      configs.map(({ element, price, options, template }) => {
        const shown = priceOf(price, found, { ...config, ...options });
        // The template is the page's own; what is put into it is text.
        const text = template?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, key) => escaped(shown[key] ?? ""));
        if (text === undefined) fill(element, shown);
        else element.innerHTML = text;
        return shown;
      }),
    );

  // The banner.

  const escaped = (value) => String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

  const flag = (code) => String.fromCodePoint(...[...code].map((letter) => 127397 + letter.charCodeAt(0)));

  const messageOf = (found, banner) => {
    const values = {
      country: found.country, country_flag: flag(found.countryCode), coupon_code: found.code,
      discount_percentage: found.percentage, discount: found.percentage,
    };
    const text = banner.countryMessage.replace(/\{(\w+)\}/g, (all, key) => (key in values ? escaped(values[key]) : all));
    const message = document.createElement("span");
    copy(new DOMParser().parseFromString(text, "text/html").body, message, banner);
    return message;
  };

  // Only what makes a text bold or leads somewhere is taken over, and of everything else its text: neither scripts nor handlers.
  const copy = (from, to, banner) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
      else if (node.nodeType !== Node.ELEMENT_NODE || /^(SCRIPT|STYLE|TEMPLATE|IFRAME|NOSCRIPT|SVG|MATH)$/i.test(node.tagName)) continue;
      else if (!TAGS.has(node.tagName)) copy(node, to, banner);
      else {
        const made = document.createElement(node.tagName);
        if (node.tagName === "A" && /^https?:$/.test(node.protocol)) made.href = node.href;
        if (!banner.unStyled) {
          if (node.tagName === "A") made.style.color = "inherit";
          if (/^(B|STRONG)$/.test(node.tagName)) made.style.color = banner.highlightFontColor;
        }
        copy(node, made, banner);
        to.append(made);
      }
    }
  };

  const showBanner = (found, widget) => {
    const banner = { ...widget, ...config.banner };
    banner.addCloseIcon = widget.addCloseIcon && config.banner?.addCloseIcon !== false;
    const key = `kq-banner-${config.promotionId}`;
    if (document.querySelector("[data-kq-banner]") || remembered(key)) return;
    const element = document.createElement("div");
    element.dataset.kqBanner = "";
    element.className = "kq-banner";
    element.setAttribute("role", "region");
    element.setAttribute("aria-label", "Discount");
    element.append(messageOf(found, banner));
    if (banner.addCloseIcon) element.append(closer(element, banner, key));
    if (!banner.unStyled) style(element, banner);
    const container = banner.container && document.querySelector(banner.container);
    if (container) container.append(element);
    else if (banner.placement === "bottom") document.body.append(element);
    else document.body.prepend(element);
    document.body.classList.add("kq-has-parity-banner");
  };

  const style = (element, banner) => {
    const opacity = Math.min(Math.max(Number(banner.backgroundTransparency ?? 100), 0), 100);
    Object.assign(element.style, {
      color: banner.fontColor, fontSize: banner.fontSize, borderRadius: banner.borderRadius, padding: ".75em 3em",
      textAlign: "center", lineHeight: "1.4", position: banner.container ? "static" : "sticky", zIndex: "1000",
      [banner.placement === "bottom" ? "bottom" : "top"]: "0", boxSizing: "border-box", width: "100%",
      background: `color-mix(in srgb, ${banner.backgroundColor} ${opacity}%, transparent)`,
    });
  };

  const closer = (element, banner, key) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "\u00d7";
    button.setAttribute("aria-label", "Close");
    button.addEventListener("click", () => {
      element.remove();
      document.body.classList.remove("kq-has-parity-banner");
      try {
        sessionStorage.setItem(key, "closed");
      } catch {
        // Where nothing may be stored it comes back on the next page.
      }
    });
    if (!banner.unStyled) {
      Object.assign(button.style, {
        position: "absolute", right: ".5em", top: "50%", transform: "translateY(-50%)", font: "inherit", fontSize: "1.4em",
        lineHeight: "1", color: "inherit", background: "none", border: "0", cursor: "pointer", padding: ".4em",
      });
    }
    return button;
  };

  const remembered = (key) => {
    try {
      return sessionStorage.getItem(key) !== null;
    } catch {
      return false;
    }
  };

  // What was called before this file was there waits in the queue of the usual snippet.
  const methods = { init, getUpdatedPrice, updatePriceElement, updatePrice };
  const waiting = window.KQPromotionUISDK?.q ?? [];
  window.KQPromotionUISDK = Object.assign((name, ...given) => methods[name](...given), methods);
  window.KQPromotionUI = { ...methods, ...window.KQPromotionUI };
  whenParsed(() => document.querySelectorAll("[data-kq-original-price-display]").forEach((each) => {
    if (!document.body.classList.contains("kq-discount-applied")) each.hidden = true;
  }));
  for (const [name, ...given] of waiting) methods[name](...given);
  const { promotionId, accessToken } = script.dataset;
  if (promotionId && accessToken) init({ promotionId, accessToken });
})();
