#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The report in a browser: every bar of the part that is open is there and can be seen, rows stand beside their labels, nothing hangs over the edge, text can
# be read in light and in dark, folded parts cost no layout, and the browser has nothing to complain about. A page around the report
# measures it, since the report itself runs no script.
set -u

builddir=${BROOD_BUILDDIR:?}
maker=$builddir/tests/tools/report_maker
for browser in chromium chromium-browser google-chrome none; do
	command -v $browser >/dev/null 2>&1 && break
done
[ $browser != none ] || { echo "no Chromium here: the report was not looked at"; exit 77; }
[ -x "$maker" ] || { echo "tests/tools/report_maker is not built"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
bad=0

# Without a display, a network or a home; as root its sandbox does not work.
browse() # SCHEME (0 dark, 1 light) PAGE
{
	sandbox=
	[ "$(id -u)" -ne 0 ] || sandbox=--no-sandbox
	HOME=$work timeout -k 5 120 $browser --headless $sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-default-browser-check \
		--disable-extensions --disable-background-networking --disable-component-update --disable-sync --no-pings \
		--user-data-dir="$work/profile" --allow-file-access-from-files --hide-scrollbars --window-size=1280,900 \
		--enable-logging=stderr --v=0 --blink-settings=preferredColorScheme="$1" --dump-dom "file://$2" >"$work/dom" 2>"$work/log"
}

cat >"$work/measure.html" <<'END'
<!DOCTYPE html>
<meta charset="utf-8">
<iframe id="frame" src="report.html" style="width:1200px;height:3000px;border:0"></iframe>
<pre id="out"></pre>
<script>
const lines = []
const say = (name, value) => lines.push(name + " " + value)
const visible = e => e.getClientRects().length > 0

function luminance(text) {
	const part = text.match(/[\d.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
	return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2]
}
function contrast(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y)
	return (high + 0.05) / (low + 0.05)
}
function ground(view, e) {
	for (; e; e = e.parentElement) {
		const colour = view.getComputedStyle(e).backgroundColor
		if (!/, 0\)$|transparent/.test(colour)) return colour
	}
	return "rgb(255, 255, 255)"
}
function worstText(view, page) {
	let worst = [99, "none"]
	for (const e of page.body.querySelectorAll("*")) {
		if (e.closest("title, desc") || ![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || !visible(e)) continue
		const style = view.getComputedStyle(e), ratio = contrast(e.namespaceURI.endsWith("svg") ? style.fill : style.color, ground(view, e))
		if (ratio < worst[0]) worst = [ratio, e.tagName + "." + (e.className.baseVal ?? e.className)]
	}
	return worst
}
function overlapping(texts) {
	const boxes = texts.map(t => t.getBoundingClientRect())
	return boxes.filter((b, i) => i > 0 && b.left < boxes[i - 1].right + 4).length
}
/* Each label beside its bars: the middle of both, within a pixel and a half. */
function misplaced(page) {
	let count = 0
	for (const label of page.querySelectorAll(".l a")) {
		const bars = page.querySelectorAll(".rows svg a[href='" + label.getAttribute("href") + "'] rect")
		if (!visible(label) || bars.length == 0) continue
		const box = label.getBoundingClientRect(), top = bars[0].getBoundingClientRect().top, bottom = bars[bars.length - 1].getBoundingClientRect().bottom
		if (Math.abs((box.top + box.bottom) / 2 - (top + bottom) / 2) > 1.5) count++
	}
	return count
}
function measure() {
	const frame = document.getElementById("frame"), page = frame.contentDocument, view = frame.contentWindow
	const bars = [...page.querySelectorAll(".rows svg a rect")], open = bars.filter(b => !b.closest("details:not([open])"))
	const plot = page.querySelector(".rows svg").getBoundingClientRect(), boxes = open.map(b => b.getBoundingClientRect())
	const folded = [...page.querySelectorAll("details:not([open]) .rows")]

	say("dark", view.matchMedia("(prefers-color-scheme: dark)").matches)
	say("darker", luminance(view.getComputedStyle(page.body).backgroundColor) < 0.2)
	say("bars", bars.length)
	say("open", open.length)
	say("thin", boxes.filter(b => b.width < 1.99 || b.height < 4).length)
	say("outside", boxes.filter(b => b.left < plot.left - 1 || b.right > plot.right + 1 || b.bottom > plot.bottom + 1).length)
	say("spread", boxes.reduce((most, b) => Math.max(most, b.right), 0) - boxes.reduce((least, b) => Math.min(least, b.left), 9e9) > plot.width * 0.9)
	say("unlabelled", bars.filter(b => !b.querySelector("title")?.textContent).length)
	say("misplaced", misplaced(page))
	say("folded", folded.length)
	say("laidout", folded.filter(f => f.checkVisibility()).length)
	say("scripts", page.scripts.length)
	say("wider", page.documentElement.scrollWidth > 1201)
	say("striped", view.getComputedStyle(page.querySelector(".rows rect.x")).fill.includes("#striped"))
	say("marks", [...page.querySelectorAll("svg .marks")].filter(m => visible(m) && overlapping([...m.querySelectorAll("text")])).length)
	const worst = worstText(view, page)
	say("readable", worst[0] >= 4.5 ? "true" : worst.join(" "))
	const event = view.performance.getEntriesByType("navigation")[0]
	say("ms", Math.round(event.loadEventStart - event.startTime))
}
addEventListener("load", () => {
	try { measure() } catch (error) { say("error", error) }
	document.getElementById("out").textContent = "\n" + lines.join("\n") + "\n"
})
</script>
END

fault()
{
	echo "$1"
	bad=1
}

expect() # WHAT VALUE
{
	got=$(sed -n "s/^$1 //p" "$work/dom")
	[ "$got" = "$2" ] || fault "$scheme, $jobs jobs: $1 is '$got' and not '$2'"
}

look() # SCHEME (0 dark, 1 light) BARS OPEN FOLDED
{
	scheme=light
	[ "$1" = 1 ] || scheme=dark
	browse "$1" "$work/measure.html" || fault "$scheme, $jobs jobs: the browser ended with $?"
	if [ $scheme = dark ]; then expect dark true; expect darker true; else expect dark false; expect darker false; fi
	expect bars "$2"
	expect open "$3"
	expect folded "$4"
	for zero in thin outside unlabelled misplaced laidout scripts marks; do expect $zero 0; done
	for yes in spread striped readable; do expect $yes true; done
	expect wider false
	if grep CONSOLE "$work/log"; then fault "$scheme, $jobs jobs: the browser complains"; fi
}

# Five jobs of every kind come with those that are asked for: 65 are one part, 605 are four.
jobs=65
"$maker" "$work/report.html" 60 3 || exit 1
look 1 195 195 0
look 0 195 195 0
jobs=605
"$maker" "$work/report.html" 600 2 || exit 1
look 1 1210 400 3
first=$(sed -n 's/^ms //p' "$work/dom")

# What the command itself writes, when there is one: many jobs, and one chain alone.
if [ -x "${BROOD_COMMAND:-}" ]; then
	child=${BROOD_TEST_CHILD:?}
	jobs=map
	"$BROOD_COMMAND" map -q --report "$work/report.html" "$child exit {} | $child exit 0" ::: 0 3 0 0 0
	[ $? -eq 123 ] || fault "brood map ended otherwise than with 123"
	look 1 10 10 0
	jobs=run
	"$BROOD_COMMAND" run --report "$work/report.html" "$child exit 0 | $child exit 3" 2>"$work/said"
	[ $? -eq 3 ] || fault "brood run ended otherwise than with 3"
	look 0 2 2 0
fi

[ $bad -ne 0 ] || echo "the report is right in light and in dark; 605 jobs are laid out within $first ms"
exit $bad
