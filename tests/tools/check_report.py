"""check_report.py BROWSER FOLDER [SHOTS] - every page of a folder, in a headless Chromium.

At 400, 800 and 1500 pixels, light and dark, with and without script: nothing is logged, nothing but the file is asked for,
nothing is wider than the window but what scrolls in a box of its own. Then simple rules of accessibility, contrast, sorting
and zoom. A name in a page never becomes a part of it.
"""
import os
import sys

from browser import Browser

WIDTHS = (400, 800, 1500)

# what reaches beyond the window, or is cut off in its box, outside of boxes that scroll
CLIPPED = """(() => {
	const bad = [], width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth > width) bad.push('the page: ' + document.documentElement.scrollWidth);
	for (const e of document.body.querySelectorAll('*')) {
		if (e.closest('.scroll, .picture, pre, .hidden, .skip, svg, script')) continue;
		const box = e.getBoundingClientRect();
		if (box.right > width + 0.5 || box.left < -0.5) bad.push(e.tagName + ' ' + e.className + ' ' + box.right);
		if (getComputedStyle(e).overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1) bad.push('cut ' + e.tagName);
	}
	for (const e of document.querySelectorAll('.scroll, .picture, pre')) {
		const box = e.getBoundingClientRect();
		if (box.right > width + 0.5) bad.push('box ' + e.className);
		if (!['auto', 'scroll'].includes(getComputedStyle(e).overflowX)) bad.push('does not scroll: ' + e.className);
	}
	return bad.slice(0, 8);
})()"""

ACCESSIBLE = """(() => {
	const bad = [], ids = new Set(), say = (what, e) => bad.push(what + ': ' + e.outerHTML.slice(0, 120));
	const named = (e) => (e.getAttribute('aria-label') || '').trim() || e.textContent.trim();
	if (!document.documentElement.lang) bad.push('no language');
	if (!document.title.trim()) bad.push('no title');
	if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
	if (document.querySelectorAll('main').length !== 1) bad.push('not one main');
	let before = 0;
	for (const h of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
		const level = Number(h.tagName[1]);
		if (level > before + 1) say('a heading skips a level', h);
		if (!h.textContent.trim()) say('an empty heading', h);
		before = level;
	}
	for (const e of document.querySelectorAll('[id]')) {
		if (ids.has(e.id)) say('an id twice', e);
		ids.add(e.id);
	}
	for (const e of document.querySelectorAll('[aria-labelledby]'))
		if (!ids.has(e.getAttribute('aria-labelledby'))) say('labelled by nothing', e);
	for (const e of document.querySelectorAll('a[href^="#"]'))
		if (!ids.has(e.getAttribute('href').slice(1))) say('a link to nothing', e);
	for (const e of document.querySelectorAll('svg, img'))
		if (!e.getAttribute('aria-label') || e.getAttribute('role') !== 'img') say('a picture without a name', e);
	for (const e of document.querySelectorAll('button, a[href], summary')) if (!named(e)) say('no name', e);
	for (const e of document.querySelectorAll('table')) {
		if (!e.caption || !e.caption.textContent.trim()) say('a table without a caption', e);
		if (!e.tHead) say('a table without heads', e);
		const n = e.tHead.rows[0].cells.length;
		for (const row of e.rows) if (row.cells.length !== n) say('a row of another length', row);
	}
	for (const e of document.querySelectorAll('th'))
		if (!['col', 'row'].includes(e.scope)) say('a head without a scope', e);
	for (const e of document.querySelectorAll('.scroll, .picture, pre'))
		if (e.tabIndex !== 0 || !e.getAttribute('aria-label')) say('a box that a keyboard cannot reach', e);
	return bad.slice(0, 8);
})()"""

# a cell's text stays in its cell, however long a name without a blank is
OVERPRINTED = """(() => {
	const bad = [], range = document.createRange();
	for (const cell of document.querySelectorAll('.scroll td, .scroll th')) {
		if (!cell.getClientRects().length || cell.querySelector('button')) continue;
		const right = cell.getBoundingClientRect().right, texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
		while (texts.nextNode()) {
			if (texts.currentNode.parentElement.closest('.hidden')) continue;
			range.selectNodeContents(texts.currentNode);
			if (range.getBoundingClientRect().right > right + 1) bad.push(cell.textContent.slice(0, 60));
		}
	}
	return bad.slice(0, 5);
})()"""

# a box that goes on beyond its edge says so
EDGES = """(() => {
	const bad = [];
	for (const box of document.querySelectorAll('.scroll, .picture')) {
		if (!box.getClientRects().length) continue;
		for (const [mark, more] of [['more-right', box.scrollWidth - box.clientWidth], ['more-below', box.scrollHeight - box.clientHeight]])
			if (Math.abs(more) !== 1 && box.classList.contains(mark) !== more > 1)
				bad.push(mark + ' ' + more + ' ' + box.getAttribute('aria-label'));
	}
	return bad.slice(0, 5);
})()"""

# letters of pictures on a phone, in pixels
LETTERS = """(() => {
	let least = 99;
	for (const svg of document.querySelectorAll('.picture svg')) {
		const width = svg.getBoundingClientRect().width;
		for (const text of width ? svg.querySelectorAll('text') : [])
			least = Math.min(least, parseFloat(getComputedStyle(text).fontSize) * width / svg.viewBox.baseVal.width);
	}
	return least;
})()"""

# WCAG 2.1, 1.4.3: the luminance of each text against what is behind it
CONTRAST = """(() => {
	const bad = [], parse = (c) => c.match(/[\\d.]+/g).map(Number);
	const light = (c) => {
		const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	const ground = (e) => {
		for (; e; e = e.parentElement) {
			const c = parse(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] > 0.99) return c;
		}
		return [255, 255, 255];
	};
	for (const e of document.body.querySelectorAll('*')) {
		if (e.closest('script, .tooltip')) continue;
		if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
		const svg = e.closest('svg');
		if (svg && (e.tagName !== 'text' || svg.closest('.picture'))) continue;
		const fore = parse(svg ? getComputedStyle(e).fill : getComputedStyle(e).color);
		const r = ratio(light(fore), light(ground(svg || e)));
		if (r < 4.5) bad.push(r.toFixed(2) + ' ' + e.outerHTML.slice(0, 80));
	}
	return bad.slice(0, 5);
})()"""

SORTED = """(() => {
	const bad = [];
	for (const table of document.querySelectorAll('.scroll table')) {
		if (table.tBodies[0].rows.length < 2) continue;
		[...table.tHead.rows[0].cells].forEach((head, column) => {
			const button = head.querySelector('button');
			if (!button) return bad.push('no button: ' + head.textContent);
			if (!head.classList.contains('n')) return;
			for (const way of ['ascending', 'descending']) {
				button.click();
				if (head.getAttribute('aria-sort') !== way) bad.push('not said: ' + way);
				const all = [...table.tBodies[0].rows].map((r) => r.cells[column].dataset.v);
				const known = all.filter((v) => v !== undefined).map(Number);
				const right = [...known].sort((a, b) => way === 'ascending' ? a - b : b - a);
				if (String(known) !== String(right)) bad.push(way + ' ' + head.textContent + ': ' + known);
				if (all.slice(known.length).some((v) => v !== undefined)) bad.push('gaps are not last');
			}
		});
	}
	return bad.slice(0, 5);
})()"""

ZOOMED = """(() => {
	const bad = [];
	for (const box of document.querySelectorAll('.picture')) {
		if (!box.offsetParent) continue;
		const svg = box.querySelector('svg'), before = svg.getBoundingClientRect().width;
		const [more, less, reset] = box.previousElementSibling.querySelectorAll('button');
		more.click();
		if (!(svg.getBoundingClientRect().width > before * 1.3)) bad.push('does not grow');
		less.click(); more.click(); reset.click();
		if (Math.abs(svg.getBoundingClientRect().width - before) > 1) bad.push('does not go back');
	}
	return bad.slice(0, 5);
})()"""

# each picture is seen once; on a phone held upright without scrolling sideways
VIEWS = """(() => {
	const bad = [], phone = innerWidth < 640;
	for (const figure of document.querySelectorAll('figure:has(.picture)')) {
		if (figure.closest('details:not([open])')) continue;
		const seen = [...figure.querySelectorAll('.picture')].filter((e) => e.offsetParent);
		const name = figure.querySelector('figcaption').textContent.slice(0, 40);
		if (seen.length !== 1) bad.push(`${name}: seen ${seen.length} times`);
		if (!phone || !seen.length) continue;
		if (seen[0].scrollWidth > seen[0].clientWidth + 1) bad.push(`${name}: wider than a phone`);
	}
	return bad.slice(0, 8);
})()"""

# a pointer over a box of a schedule shows its tooltip
TOLD = """(() => {
	const tip = document.querySelector('.picture .tip');
	if (!tip) return 'none';
	const text = tip.querySelector('title').textContent;
	tip.querySelector('polygon, ellipse, path, text').dispatchEvent(
		new PointerEvent('pointermove', { bubbles: true, clientX: 10, clientY: 10 }));
	const shown = document.querySelector('.tooltip');
	return shown.hidden ? 'hidden' : shown.textContent === text ? 'shown' : 'another text';
})()"""

COUNTS = "[document.querySelectorAll('*').length, document.querySelectorAll('script').length, " \
	"document.querySelectorAll('img, iframe, object, link[href]').length, typeof window.hit]"


class Checks:
	def __init__(self):
		self.passed, self.failed = 0, 0

	def that(self, holds, what):
		if holds:
			self.passed += 1
		else:
			self.failed += 1
			print("report-pages: " + what, file=sys.stderr)


def look(browser, checks, url, name, width, dark, script):
	where = "%s at %d, %s, %s" % (name, width, "dark" if dark else "light", "script" if script else "no script")
	browser.open(url, width, dark=dark, phone=width < 500, script=script)
	bad = browser.run(CLIPPED)
	checks.that(not bad, "%s: clipped: %s" % (where, bad))
	bad = browser.run(OVERPRINTED)
	checks.that(not bad, "%s: over the next cell: %s" % (where, bad))
	if script:
		bad = browser.run(EDGES)
		checks.that(not bad, "%s: edges: %s" % (where, bad))
	bad = browser.run(VIEWS)
	checks.that(not bad, "%s: pictures: %s" % (where, bad))
	if width < 500:
		least = browser.run(LETTERS)
		checks.that(least >= 7, "%s: letters of %.1f pixels" % (where, least))
	bad = browser.run(ACCESSIBLE)
	checks.that(not bad, "%s: %s" % (where, bad))
	bad = browser.run(CONTRAST)
	checks.that(not bad, "%s: contrast: %s" % (where, bad))
	logged, asked = browser.logged(), [u for u in browser.requests() if u != url]
	checks.that(not logged, "%s: logged %s" % (where, logged))
	checks.that(not asked, "%s: asks for %s" % (where, asked))


def use(browser, checks, url, name):
	browser.open(url, 1500)
	nodes, scripts, foreign, hit = browser.run(COUNTS)
	checks.that(nodes < 60000, "%s: %d elements" % (name, nodes))
	checks.that(scripts == 1 and foreign == 0 and hit == "undefined", "%s: something foreign got in" % name)
	told = browser.run(TOLD)
	checks.that(told in ("shown", "none"), "%s: a tooltip: %s" % (name, told))
	for what, script in (("zoom", ZOOMED), ("sorting", SORTED)):
		bad = browser.run(script)
		checks.that(not bad, "%s: %s: %s" % (name, what, bad))
	checks.that(not browser.logged(), "%s: logged %s" % (name, browser.logged()))


def main(program, folder, shots=None):
	checks, browser = Checks(), Browser(program)
	for file in sorted(os.listdir(folder)):
		url, name = "file://" + os.path.join(os.path.abspath(folder), file), file[:-len(".html")]
		for width in WIDTHS:
			for dark in (False, True):
				for script in (True, False) if not dark else (True,):
					look(browser, checks, url, name, width, dark, script)
					if shots and script:
						os.makedirs(shots, exist_ok=True)
						browser.picture("%s/%s-%d-%s.png" % (shots, name, width, "dark" if dark else "light"),
						                (0, 0, width, min(4000, browser.run("document.documentElement.scrollHeight"))))
		use(browser, checks, url, name)
	browser.close()
	print("%d passed, %d failed" % (checks.passed, checks.failed))
	return 1 if checks.failed else 0


sys.exit(main(*sys.argv[1:]))
