"""How the page looks, on a screen and on A4."""

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 20px 48px; max-width: 60rem; background: #fff; color: #1a1a1a;
  font: 16px/1.5 "Source Sans 3", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #1a1a1a; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
p.under { color: #555; margin: 0 0 1rem; overflow-wrap: anywhere; }
ul { margin: .4rem 0 1rem; padding-left: 1.2rem; max-width: 46rem; }
.verdict { border: 2px solid #1a1a1a; border-left-width: 12px; padding: .7rem 1rem; margin: 0 0 .8rem; }
.verdict p { margin: 0; }
.verdict .word { font-size: 1.2rem; font-weight: 700; }
.even { border-color: #007a59; }
.uneven { border-color: #b34700; }
.open { border-color: #8a6000; }
.wide { overflow-x: auto; margin: .8rem 0 1.2rem; }
.wide:focus-visible, summary:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.35; }
table { font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; max-width: 46rem; }
th, td { padding: .25rem .6rem; text-align: right; vertical-align: top; border-bottom: 1px solid #ccc; }
thead th { border-bottom: 1.5px solid #1a1a1a; vertical-align: bottom; }
code { font-size: .95em; }
th:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
th.word, td.word { text-align: left; }
td span.limits { display: block; color: #555; white-space: nowrap; }
table.facts td { text-align: left; overflow-wrap: anywhere; }
table.facts tbody th { white-space: nowrap; padding-right: 1.5rem; }
figure { margin: 1rem 0 1.4rem; }
figcaption { font-size: .875rem; color: #444; max-width: 46rem; margin-top: .3rem; }
svg { display: block; width: 100%; max-width: 680px; height: auto; }
svg text { font-size: 12.5px; fill: #1a1a1a; }
svg text.tick { font-size: 11px; fill: #555; }
svg text.strong { font-weight: 600; }
details { margin: .4rem 0 1rem; }
summary { cursor: pointer; font-size: .875rem; }
footer { margin-top: 2.5rem; border-top: 1px solid #ccc; color: #555; font-size: .875rem; }
@page {
  size: A4; margin: 15mm 14mm 16mm;
  @bottom-left { content: "Fairness audit"; font: 8pt Arial, sans-serif; color: #555; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt Arial, sans-serif; color: #555; }
}
@media print {
  body { padding: 0; max-width: none; font-size: 9.5pt; line-height: 1.4; }
  h1 { font-size: 16pt; } h2 { font-size: 12.5pt; margin-top: 16pt; } h3 { font-size: 10.5pt; }
  h2, h3, caption { break-after: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8pt; break-inside: avoid; }
  figcaption { font-size: 8pt; }
  th, td { padding: 2pt 4pt; }
  thead { display: table-header-group; }
  tr, figure, .verdict, li { break-inside: avoid; }
  svg { max-width: 165mm; }
  details { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
