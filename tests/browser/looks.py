"""Whether a page can be read, by eye and by screen reader, and fits."""

from playwright.async_api import Page

# What is on a page without a name that is read out, and which texts cannot be told from what they stand on.
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, button, a, img')]
  .filter(each => each.offsetParent && !(each.labels?.length || each.textContent.trim() || each.hasAttribute('alt')))
  .map(each => each.outerHTML)"""
TWICE = """() => [...document.querySelectorAll('[id]')].map(each => each.id)
  .filter((id, place, ids) => ids.indexOf(id) !== place)"""
DESCRIBED_BY_NOTHING = """() => [...document.querySelectorAll('[aria-describedby], [aria-labelledby]')]
  .flatMap(each => `${each.getAttribute('aria-describedby') ?? ''} ${each.getAttribute('aria-labelledby') ?? ''}`
    .split(' ').filter(Boolean)).filter(id => !document.getElementById(id))"""
FAINT = """() => {
  const light = (color) => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(Number).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('main *, footer *, .sandbox')]
    .filter((each) => each.offsetParent && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((each) => !each.closest('.unseen, [aria-hidden]'))
    .map((each) => {
      const [one, other] = [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => b - a);
      return [each.textContent.trim().slice(0, 40), (one + 0.05) / (other + 0.05)];
    })
    .filter(([, contrast]) => contrast < 4.5);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def looks_right(tab: Page) -> None:
    """Fail where something has no name, cannot be read, or does not fit."""
    for fault in (UNNAMED, TWICE, DESCRIBED_BY_NOTHING, FAINT):
        assert await tab.evaluate(fault) == []
    assert await tab.evaluate(WIDER) == 0
