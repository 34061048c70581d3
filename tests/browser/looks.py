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
# Of texts and what stands in empty fields 4.5, of what shows where a field or a button is 3 (WCAG 1.4.3, 1.4.11).
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
  const contrast = (color, other) => {
    const [more, less] = [light(color), light(other)].sort((a, b) => b - a);
    return (more + 0.05) / (less + 0.05);
  };
  const texts = [...document.querySelectorAll('main *, footer *, .sandbox')]
    .filter((each) => each.offsetParent && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .filter((each) => !each.closest('.unseen, [aria-hidden]'))
    .map((each) => [each.textContent.trim().slice(0, 40), contrast(getComputedStyle(each).color, ground(each))])
    .filter(([, found]) => found < 4.5);
  const fields = [...document.querySelectorAll('input:not([type=hidden]), select')].filter((each) => each.offsetParent);
  const hints = fields.filter((each) => each.placeholder)
    .map((each) => [each.placeholder, contrast(getComputedStyle(each, '::placeholder').color, ground(each))])
    .filter(([, found]) => found < 4.5);
  const edges = [...fields.filter((each) => each.type !== 'radio'), ...document.querySelectorAll('.choice, .quiet')]
    .filter((each) => each.offsetParent)
    .map((each) => [each.id || each.textContent.trim(), contrast(getComputedStyle(each).borderTopColor,
      ground(each.parentElement))])
    .filter(([, found]) => found < 3);
  return [...texts, ...hints, ...edges];
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def looks_right(tab: Page) -> None:
    """Fail where something has no name, cannot be read, or does not fit."""
    for fault in (UNNAMED, TWICE, DESCRIBED_BY_NOTHING, FAINT):
        found = await tab.evaluate(fault)
        assert found == [], found
    assert await tab.evaluate(WIDER) == 0
