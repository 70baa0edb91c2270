/* SPDX-License-Identifier: MIT */
/*
 * How the report looks: light and dark as the reader's system has it, and on paper. Text has a contrast of 4.5 at least, bars of 3, against
 * what they stand on. Colour never says anything alone: what failed is striped, what was stopped is dotted, what never ran is hollow.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "report_parts.h"

#define LIGHT \
	"--bg:#fff;--soft:#f3f5f8;--line:#d8dee6;--grid:#e6eaef;--fg:#1b2430;--dim:#566273;--link:#1758a8;--bad:#b3202c;--warn:#8a4b00;--good:#1e6b3a;" \
	"--mark:#fff3c4;--a:#3f72b5;--b:#218278;--c:#7f5fb8;--d:#9a6a1c;--e:#5b7a2a;--f:#5c6b7e;--x:#c62f3b;--xb:#f6c9cc;--y:#a85f00;--yb:#f7dcb0"
#define DARK \
	"--bg:#14181e;--soft:#1c222b;--line:#333d4a;--grid:#262e38;--fg:#e3e8ee;--dim:#a0acba;--link:#86b8f5;--bad:#ff8a90;--warn:#f0b45a;--good:#7fd09a;" \
	"--mark:#4a4216;--a:#6f9fe0;--b:#4dbbad;--c:#ad90e6;--d:#d6a04c;--e:#9bc05a;--f:#9aa9bb;--x:#ff7a82;--xb:#6b2329;--y:#f0b040;--yb:#5f430f"

const char report_style[] =
	":root{color-scheme:light dark;" LIGHT "}\n"
	"@media(prefers-color-scheme:dark){:root{" DARK "}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:24px 28px 48px;max-width:1800px;background:var(--bg);color:var(--fg);"
	"font:14px/1.45 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\",sans-serif;font-variant-numeric:tabular-nums}\n"
	"h1{font-size:20px;margin:0}h2{font-size:15px;margin:28px 0 8px}p{margin:4px 0}a{color:var(--link)}\n"
	"h1 b{margin-left:10px;padding:2px 9px;border:1px solid;border-radius:10px;font-size:12px;vertical-align:3px}\n"
	"b.ok{color:var(--good)}.x{color:var(--bad)}.y{color:var(--warn)}.n,.dim{color:var(--dim)}\n"
	"code,pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;unicode-bidi:isolate}\n"
	"pre{margin:10px 0;padding:8px 12px;background:var(--soft);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere}\n"
	/* The tiles are twelve, so that no row is short. */
	"dl{display:grid;grid-template-columns:repeat(6,1fr);gap:1px;margin:16px 0 0;background:var(--line);"
	"border:1px solid var(--line);border-radius:6px;overflow:hidden}\n"
	"dl div{display:flex;flex-direction:column;padding:8px 12px;background:var(--bg)}\n"
	"dt{order:2;color:var(--dim);font-size:12px}dd{margin:0;font-size:18px;line-height:1.3;white-space:nowrap}dd.none{color:var(--dim)}\n"
	"@media(max-width:900px){dl{grid-template-columns:repeat(4,1fr)}}@media(max-width:560px){dl{grid-template-columns:repeat(2,1fr)}}\n"
	/* The whole run. */
	".whole{display:grid;grid-template-columns:minmax(0,1fr) 340px;gap:28px}@media(max-width:900px){.whole{display:block}}\n"
	"figure{margin:0}figure>svg,.axis svg,.rows svg{width:100%}figcaption{color:var(--dim);font-size:12px;margin-bottom:4px}\n"
	"svg{display:block;overflow:hidden;font-size:11px}svg text{fill:var(--dim)}\n"
	".marks text{text-anchor:middle}.marks .first{text-anchor:start}.marks .last{text-anchor:end}\n"
	".grid line{stroke:var(--grid)}.base{stroke:var(--line)}.area{fill:var(--a);opacity:.75}.bins{fill:var(--a)}.fails rect{fill:var(--x)}\n"
	".fails rect:hover{fill:var(--fg)}\n"
	/* Tables. */
	"table{border-collapse:collapse;width:100%;font-size:12.5px}\n"
	"th,td{padding:4px 10px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--grid)}\n"
	"thead th{color:var(--dim);font-weight:600;border-color:var(--line);white-space:nowrap}tbody th{font-weight:400}\n"
	"td code{overflow-wrap:anywhere}.r{text-align:right;white-space:nowrap}td.x,td.y,td.n{white-space:nowrap}td.s{color:var(--dim);white-space:nowrap}\n"
	".box{overflow:auto;max-height:400px}.box thead th{position:sticky;top:0;background:var(--bg);box-shadow:inset 0 -1px var(--line)}"
	".box table,.part table{min-width:760px}\n"
	"tr:target{background:var(--mark)}tr{scroll-margin-top:40px}\n"
	/* The time line. */
	"ul.key{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 10px;padding:0;list-style:none;font-size:12px;color:var(--dim)}\n"
	".key svg{display:inline-block;width:22px;height:10px;margin-right:6px}\n"
	"details{margin:0 0 8px;border:1px solid var(--line);border-radius:6px}\n"
	"summary{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:center;padding:7px 12px;cursor:pointer}summary:hover{background:var(--soft)}\n"
	"summary::before{content:\"\";border:5px solid transparent;border-left-color:var(--dim);margin-right:-8px}\n"
	"details[open]>summary::before{transform:rotate(90deg) translate(2px,3px)}summary::-webkit-details-marker{display:none}\n"
	"summary b{min-width:110px}.where{flex:1;min-width:120px;max-width:420px;height:6px;margin-left:auto;background:var(--grid);border-radius:3px;"
	"position:relative}.where i{position:absolute;height:6px;min-width:3px;background:var(--a);border-radius:3px}\n"
	".axis,.rows{display:grid;grid-template-columns:284px minmax(0,1fr);column-gap:8px;padding:0 12px}\n"
	".axis{position:sticky;top:0;z-index:1;background:var(--bg);border-bottom:1px solid var(--line);font-size:11px;color:var(--dim);line-height:24px}\n"
	".rows{position:relative;padding-bottom:10px}.rows svg{background:var(--soft)}\n"
	".l a{display:block;height:var(--h);line-height:var(--h);overflow:hidden;white-space:nowrap;text-overflow:ellipsis;text-decoration:none;color:inherit;"
	"font-size:12px;scroll-margin-top:48px}\n"
	".l span{display:inline-block;min-width:46px;margin-right:8px;text-align:right;color:var(--dim)}.l code{line-height:1}\n"
	".l a::after{content:\"\";position:absolute;left:0;right:0;height:var(--h);pointer-events:none}\n"
	".l a:hover::after{background:var(--fg);opacity:.07}.l a:focus-visible{outline:0}.l a:focus-visible::after,.l a:target::after{outline:2px solid var(--link);"
	"outline-offset:-2px;border-radius:3px}\n"
	".l a.x,.l a.y{color:var(--fg)}.l b{display:inline-block;width:14px;text-align:center}.x b,b.x{color:var(--bad)}.y b{color:var(--warn)}\n"
	".zebra{fill:var(--bg)}.rows rect,.key rect{rx:1px}.rows a:hover rect{stroke:var(--fg)}\n"
	"rect.a{fill:var(--a)}rect.b{fill:var(--b)}rect.c{fill:var(--c)}rect.d{fill:var(--d)}rect.e{fill:var(--e)}rect.f{fill:var(--f)}\n"
	"rect.x{fill:url(#striped);stroke:var(--x)}rect.y{fill:url(#dotted);stroke:var(--y)}rect.n{fill:none;stroke:var(--dim);stroke-dasharray:2 2}\n"
	"#striped rect{fill:var(--xb)}#striped path{stroke:var(--x);stroke-width:2.4}#dotted rect{fill:var(--yb)}#dotted circle{fill:var(--y)}\n"
	"svg .wx{fill:var(--bad)}svg .wy{fill:var(--warn)}.wx,.wy,.wn{paint-order:stroke;stroke:var(--soft);stroke-width:5px;stroke-linejoin:round}.left{text-anchor:end}\n"
	".part{padding:0 12px 12px;overflow-x:auto}footer{margin-top:32px;color:var(--dim);font-size:12px}\n"
	"@media(max-width:700px){body{padding:14px}.axis,.rows{grid-template-columns:110px minmax(0,1fr)}}\n"
	"@media print{:root{" LIGHT "}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}body{padding:0;font-size:11px}.axis{position:static}.box{max-height:none}"
	"tr,dl div,figure{break-inside:avoid}a{color:inherit;text-decoration:none}}\n";
