// Runs axe-core on pages, one after the other, each in a frame of its own with everything unfolded.
async function framed(html) {
  const frame = document.createElement("iframe");
  frame.width = 1280;
  frame.height = 900;
  frame.srcdoc = html.replace("</body>", '<script src="axe.min.js"></script></body>');
  await new Promise((resolve) => {
    frame.onload = resolve;
    document.body.append(frame);
  });
  frame.contentDocument.querySelectorAll("details").forEach((one) => (one.open = true));
  return frame;
}

// All rules but that of contrast: questions.js asks for it of texts in drawings, too, and axe-core cannot.
async function asked(html) {
  const frame = await framed(html);
  const found = await frame.contentWindow.axe.run({
    preload: false,
    selectors: false,
    resultTypes: ["violations"],
    rules: { "color-contrast": { enabled: false } },
  });
  frame.remove();
  return {
    applied: found.passes.length,
    undecided: found.incomplete.map((one) => one.id),
    violations: found.violations.flatMap((one) => one.nodes.map((node) => [one.id, node.html.slice(0, 120)])),
  };
}

addEventListener("load", async () => {
  const answers = {};
  for (const [name, html] of Object.entries(PAGES)) answers[name] = await asked(html);
  const output = document.createElement("output");
  output.id = "answers";
  output.textContent = JSON.stringify(answers);
  document.body.append(output);
});
