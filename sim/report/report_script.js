'use strict';
/* Adds to a page that is complete without it: sorting of tables, zoom of pictures, tooltips at once. */
(() => {
	/* ---- sorting ---- */
	const value = (row, column) => {
		const cell = row.cells[column];
		return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
	};
	const compare = (a, b) => {
		if (typeof a === 'number' && typeof b === 'number') return a - b;
		if (typeof a === 'number') return -1;
		if (typeof b === 'number') return 1;
		return a < b ? -1 : a > b ? 1 : 0;
	};
	const sort = (table, head, column) => {
		const up = head.getAttribute('aria-sort') !== 'ascending';
		const body = table.tBodies[0];
		const rows = [...body.rows].map((row, i) => ({ row, i, key: value(row, column) }));
		/* what has no number stays below in both directions */
		const rank = (x) => (head.classList.contains('n') && typeof x.key !== 'number' ? 1 : 0);
		rows.sort((a, b) => rank(a) - rank(b) || (up ? 1 : -1) * compare(a.key, b.key) || a.i - b.i);
		for (const th of table.tHead.rows[0].cells) th.removeAttribute('aria-sort');
		head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
		body.append(...rows.map((x) => x.row));
	};
	for (const table of document.querySelectorAll('.scroll table')) {
		if (table.tBodies[0].rows.length < 2) continue;
		[...table.tHead.rows[0].cells].forEach((head, column) => {
			const button = document.createElement('button');
			button.type = 'button';
			button.append(...head.childNodes);
			head.append(button);
			button.addEventListener('click', () => sort(table, head, column));
		});
	}

	/* ---- edges: a box that goes on beyond its edge fades out there ---- */
	const edges = (box) => {
		const mark = () => {
			box.classList.toggle('more-right', box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
			box.classList.toggle('more-below', box.scrollTop + box.clientHeight < box.scrollHeight - 1);
		};
		const seen = new ResizeObserver(mark);
		box.addEventListener('scroll', mark, { passive: true });
		seen.observe(box);
		for (const part of box.children) seen.observe(part);
		mark();
	};
	document.querySelectorAll('.scroll, .picture').forEach(edges);

	/* ---- zoom ---- */
	const zoomable = (box) => {
		const svg = box.querySelector('svg');
		const tools = document.createElement('div');
		let zoom = 1;
		const scale = (to, x, y) => {
			const before = zoom;
			zoom = Math.min(32, Math.max(1, to));
			const left = (box.scrollLeft + x) * (zoom / before) - x;
			const top = (box.scrollTop + y) * (zoom / before) - y;
			svg.style.width = zoom === 1 ? '' : `${zoom * 100}%`;
			svg.style.minWidth = '';
			box.scrollLeft = left;
			box.scrollTop = top;
		};
		const middle = () => [box.clientWidth / 2, box.clientHeight / 2];
		const add = (text, name, to) => {
			const button = document.createElement('button');
			button.type = 'button';
			button.textContent = text;
			button.setAttribute('aria-label', name);
			button.addEventListener('click', () => scale(to(), ...middle()));
			tools.append(button);
		};
		tools.className = 'tools';
		add('+', 'Zoom in', () => zoom * 1.6);
		add('\u2212', 'Zoom out', () => zoom / 1.6);
		add('Reset', 'Reset the zoom', () => 1);
		if (box.closest('.wide')) { /* the narrow view is never wider than its box */
			add('Whole', 'Show the whole width', () => 1);
			tools.lastChild.addEventListener('click', () => { svg.style.minWidth = '0'; });
		}
		box.before(tools);
		box.addEventListener('wheel', (e) => {
			if (!e.ctrlKey && !e.metaKey) return;
			e.preventDefault();
			const at = box.getBoundingClientRect();
			scale(zoom * Math.exp(-e.deltaY / 300), e.clientX - at.left, e.clientY - at.top);
		}, { passive: false });
		let drag = null;
		box.addEventListener('pointerdown', (e) => {
			if (e.pointerType === 'mouse' && e.button === 0 && zoom > 1)
				drag = { x: e.clientX + box.scrollLeft, y: e.clientY + box.scrollTop };
		});
		box.addEventListener('pointermove', (e) => {
			if (!drag) return;
			box.scrollLeft = drag.x - e.clientX;
			box.scrollTop = drag.y - e.clientY;
		});
		for (const end of ['pointerup', 'pointerleave', 'pointercancel'])
			box.addEventListener(end, () => { drag = null; });
	};
	document.querySelectorAll('.picture').forEach(zoomable);

	/* ---- tooltips ---- */
	const tooltip = document.createElement('div');
	tooltip.className = 'tooltip';
	tooltip.hidden = true;
	tooltip.setAttribute('aria-hidden', 'true');
	document.body.append(tooltip);
	const told = new WeakMap();
	const textOf = (tip) => {
		if (!told.has(tip)) {
			const title = tip.querySelector(':scope > title');
			told.set(tip, title ? title.textContent : '');
			if (title) title.remove(); /* else the browser shows it a second time */
		}
		return told.get(tip);
	};
	document.addEventListener('pointermove', (e) => {
		const tip = e.target instanceof Element ? e.target.closest('.tip') : null;
		tooltip.hidden = !tip;
		if (!tip) return;
		tooltip.textContent = textOf(tip);
		const box = tooltip.getBoundingClientRect();
		const room = document.documentElement;
		tooltip.style.left = `${Math.max(4, Math.min(e.clientX + 14, room.clientWidth - box.width - 4))}px`;
		tooltip.style.top = `${e.clientY + 18 + box.height > room.clientHeight ? e.clientY - box.height - 10 : e.clientY + 18}px`;
	});

	/* what is folded is printed too, but for the configuration, which is some eighty pages */
	addEventListener('beforeprint', () => {
		for (const part of document.querySelectorAll('details:not([open]):not(.long)')) {
			part.open = true;
			part.dataset.folded = '';
		}
	});
	addEventListener('afterprint', () => {
		for (const part of document.querySelectorAll('details[data-folded]')) {
			part.open = false;
			delete part.dataset.folded;
		}
	});
})();
