// Asked of a page in a browser: contrast (WCAG 2.2, 1.4.3), names, sizes, requests. Answers go into the page as JSON.
function colour(text) {
  const parts = text.match(/[\d.]+/g).map(Number);
  return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ratio(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function over(front, alpha, behind) {
  return front.map((v, i) => v * alpha + behind[i] * (1 - alpha));
}

// What lies behind the middle of an element: filled shapes below it in the drawing, then backgrounds of its ancestors.
function behind(element) {
  element.scrollIntoView({ block: "center" });
  const box = element.getBoundingClientRect();
  const below = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const layers = [];
  for (const one of below) {
    if (one === element) continue;
    const style = getComputedStyle(one);
    const shape = ["rect", "circle", "path", "polygon"].includes(one.tagName);
    const paint = shape ? style.fill : style.backgroundColor;
    if (!paint || paint === "none" || !paint.startsWith("rgb")) continue;
    const { rgb, alpha } = colour(paint);
    layers.push([rgb, alpha * (shape ? Number(style.fillOpacity) * Number(style.opacity) : 1)]);
    if (layers.at(-1)[1] >= 1) break;
  }
  return layers.reduceRight((found, [rgb, alpha]) => over(rgb, alpha, found), [255, 255, 255]);
}

function texts() {
  return [...document.body.querySelectorAll("*")].filter(
    (one) =>
      !["SCRIPT", "OUTPUT", "title", "desc"].includes(one.tagName) &&
      [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) &&
      one.getClientRects().length
  );
}

function contrasts() {
  return texts().map((one) => {
    const style = getComputedStyle(one);
    const drawn = one instanceof SVGElement;
    const { rgb, alpha } = colour(drawn ? style.fill : style.color);
    const ground = behind(one);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = ratio(over(rgb, alpha * Number(style.opacity), ground), ground);
    return { text: one.textContent.trim().slice(0, 40), ratio: found, needed: large ? 3 : 4.5, size };
  });
}

function overflowing() {
  return [...document.querySelectorAll("p, h1, h2, h3, li, figcaption, svg, .wide, details")]
    .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map((one) => one.tagName + " " + one.textContent.trim().slice(0, 40));
}

// By then every request has been made, and has failed or not.
addEventListener("load", () => {
  document.querySelectorAll("details").forEach((one) => (one.open = true));
  const answers = {
    contrasts: contrasts(),
    overflowing: overflowing(),
    width: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
    requests: performance.getEntriesByType("resource").map((one) => one.name),
    scrollable: [...document.querySelectorAll(".wide")].filter((one) => one.scrollWidth > one.clientWidth + 1)
      .map((one) => ({ focusable: one.tabIndex === 0, name: one.getAttribute("aria-labelledby") || one.ariaLabel })),
    headings: [...document.querySelectorAll("h1, h2, h3, h4")].map((one) => Number(one.tagName[1])),
    language: document.documentElement.lang,
    drawn: [...document.querySelectorAll("svg")].filter((one) => one.getBoundingClientRect().height > 40).length,
  };
  const output = document.createElement("output");
  output.id = "answers";
  output.textContent = JSON.stringify(answers);
  document.body.append(output);
});
