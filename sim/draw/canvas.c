/* canvas.c - see canvas.h. */
#include "sim/draw/canvas.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "sim/base/utf8.h"
#include "sim/draw/textsize.h"

/* Appends a quoted DOT string. Graphviz replaces a doubled backslash in a label once, in a tooltip once or
 * twice depending on its version, so tooltips get the similar character U+2216 instead. Graphviz refuses
 * strings longer than 16384 bytes. */
static void add_quoted(struct str *out, const char *text, bool tooltip)
{
	const size_t most = out->len + 8000;

	while (*text) {
		uint32_t c;
		const size_t n = utf8_decode(text, &c);

		if (out->len > most) {
			str_add(out, "\xe2\x80\xa6");
			return;
		}
		if (!n)
			str_add(out, "\xef\xbf\xbd");
		else if (c == '"')
			str_add(out, "\\\"");
		else if (c == '\\')
			str_add(out, tooltip ? "\xe2\x88\x96" : "\\\\");
		else if (c == '&')
			str_add(out, "&amp;");
		else if (c == '\n' && tooltip)
			str_add(out, "\\n");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xfffe || c == 0xffff)
			str_add(out, " "); /* not allowed in XML */
		else
			str_add_n(out, text, n);
		text += n ? n : 1;
	}
}

static void add_class(struct str *out, const char *class_name)
{
	if (class_name)
		str_addf(out, ",class=\"%s\"", class_name);
}

static void add_tooltip(struct str *out, const char *tooltip)
{
	if (!tooltip)
		return;
	str_add(out, ",tooltip=\"");
	add_quoted(out, tooltip, true);
	str_add(out, "\"");
}

void canvas_open(struct canvas *c, struct str *out, double width, double height, bool lines_first,
		 double scale, bool paper)
{
	*c = (struct canvas){.out = out, .height = height, .scale = scale, .areas = STR_INIT};
	width *= scale;
	height *= scale;
	str_addf(out,
		 "digraph lemursim {\n"
		 "graph [bb=\"0,0,%.0f,%.0f\",pad=0,bgcolor=white,outputorder=%s,splines=line%s]\n",
		 width, height, lines_first ? "edgesfirst" : "nodesfirst", paper ? ",class=paper" : "");
	/* a blank tooltip keeps browsers from showing the node's name */
	str_add(out,
		"node "
		"[shape=box,fixedsize=shape,margin=0,label=\"\",style=filled,penwidth=0,color=\"#ffffff\","
		"fontname=Helvetica,tooltip=\" \"]\n"
		"edge [arrowhead=none,tooltip=\" \"]\n");
	str_addf(out, "sheet [pos=\"%.2f,%.2f\",width=%.4f,height=%.4f,style=invis]\n", width / 2, height / 2,
		 width / 72, height / 72);
	str_add(out, "a [pos=\"0,0\",width=0.01,height=0.01,style=invis]\n"
		     "z [pos=\"0,0\",width=0.01,height=0.01,style=invis]\n");
}

/* Areas are the background of the graph, as operations of xdot. Its text is cut into strings, as Graphviz reads
 * none that is longer than 16384 bytes; a plus sign joins them. */
void canvas_close(struct canvas *c)
{
	const size_t most = 8000;

	for (size_t at = 0; at < c->areas.len; at += most) {
		const size_t left = c->areas.len - at;

		str_add(c->out, at ? "\"\n+ \"" : "graph [_background=\"");
		str_add_n(c->out, c->areas.text + at, left < most ? left : most);
	}
	str_add(c->out, c->areas.len ? "\"]\n}\n" : "}\n");
	str_release(&c->areas);
}

void canvas_move_down(struct canvas *c, double by)
{
	c->height -= by; /* y is counted from the top, which Graphviz counts from the bottom */
}

void canvas_area(struct canvas *c, const struct point *corners, size_t n, const char *fill)
{
	/* the pen draws nothing: its colour is transparent */
	str_addf(&c->areas, "c 9 -#ffffff00 C %zu -%s P %zu", strlen(fill), fill, n);
	for (size_t i = 0; i < n; i++)
		str_addf(&c->areas, " %.2f %.2f", corners[i].x * c->scale,
			 (c->height - corners[i].y) * c->scale);
	str_add(&c->areas, " ");
}

/* Writes the begin of a node: its position and size. */
static void open_node(struct canvas *c, struct rect at)
{
	str_addf(c->out, "n%zu [pos=\"%.2f,%.2f\",width=%.4f,height=%.4f", c->n++,
		 (at.x + at.w / 2) * c->scale, (c->height - at.y - at.h / 2) * c->scale,
		 fmax(at.w, 0.01) * c->scale / 72, fmax(at.h, 0.01) * c->scale / 72);
}

void canvas_shape(struct canvas *c, struct rect at, const struct ink *ink, const char *tooltip)
{
	open_node(c, at);
	if (ink->shape)
		str_addf(c->out, ",shape=%s", ink->shape);
	if (ink->fill)
		str_addf(c->out, ",fillcolor=\"%s\"", ink->fill);
	else
		str_add(c->out, ",style=solid");
	if (ink->line)
		str_addf(c->out, ",color=\"%s\",penwidth=%.2f", ink->line, ink->pen * c->scale);
	add_class(c->out, ink->class_name);
	if (ink->text && *ink->text) {
		str_addf(c->out, ",fontsize=%.1f", ink->text_size * c->scale);
		if (ink->text_color)
			str_addf(c->out, ",fontcolor=\"%s\"", ink->text_color);
		str_add(c->out, ",label=\"");
		add_quoted(c->out, ink->text, false);
		str_add(c->out, "\"");
	}
	add_tooltip(c->out, tooltip);
	str_add(c->out, "]\n");
}

/* Graphviz aligns a text within its node: a node as wide as the text or wider places the edge exactly. */
void canvas_text(struct canvas *c, struct point at, const struct type *type, const char *text,
		 const char *tooltip)
{
	const double w = textsize_width(text, type->size, type->bold) * 1.05 + 2.0;
	const double x = type->align == 'l' ? at.x : type->align == 'r' ? at.x - w : at.x - w / 2;

	open_node(c, (struct rect){x, at.y - type->size * 0.6, w, type->size * 1.2});
	str_addf(c->out, ",shape=plaintext,style=\"\",fontsize=%.1f,fontcolor=\"%s\"", type->size * c->scale,
		 type->color);
	if (type->bold)
		str_add(c->out, ",fontname=\"Helvetica-Bold\"");
	str_add(c->out, ",label=\"");
	add_quoted(c->out, text, false);
	str_add(c->out, type->align == 'l' ? "\\l\"" : type->align == 'r' ? "\\r\"" : "\"");
	add_tooltip(c->out, tooltip);
	str_add(c->out, "]\n");
}

void canvas_text_in(struct canvas *c, struct point at, const struct type *type, const char *text, double room)
{
	struct str cut = STR_INIT;
	const bool whole = textsize_shorten(&cut, text, room, type->size, type->bold);

	canvas_text(c, at, type, cut.text, whole ? NULL : text);
	str_release(&cut);
}

void canvas_curve(struct canvas *c, const struct point bezier[4], const struct stroke *stroke,
		  const char *tooltip)
{
	struct point end = bezier[3];

	str_add(c->out, "a->z [pos=\"");
	if (stroke->arrow > 0.0) { /* the curve ends at the base of the arrowhead */
		const double dx = end.x - bezier[2].x, dy = end.y - bezier[2].y, d = sqrt(dx * dx + dy * dy);

		str_addf(c->out, "e,%.2f,%.2f ", end.x * c->scale, (c->height - end.y) * c->scale);
		if (d > 0.0)
			end = (struct point){end.x - dx / d * stroke->arrow, end.y - dy / d * stroke->arrow};
	}
	for (int i = 0; i < 4; i++) {
		const struct point p = i < 3 ? bezier[i] : end;

		str_addf(c->out, "%s%.2f,%.2f", i ? " " : "", p.x * c->scale, (c->height - p.y) * c->scale);
	}
	str_addf(c->out, "\",color=\"%s\",penwidth=%.2f%s", stroke->color, stroke->width * c->scale,
		 stroke->dashed   ? ",style=dashed"
		 : stroke->dotted ? ",style=dotted"
				  : "");
	add_class(c->out, stroke->class_name);
	if (stroke->arrow > 0.0) /* an arrowhead of size 1 is ten points long in Graphviz */
		str_addf(c->out, ",arrowhead=normal,arrowsize=%.2f", stroke->arrow * c->scale / 10.0);
	add_tooltip(c->out, tooltip);
	str_add(c->out, "]\n");
}

void canvas_line(struct canvas *c, struct point from, struct point to, const struct stroke *stroke,
		 const char *tooltip)
{
	const struct point middle = {(from.x + to.x) / 2, (from.y + to.y) / 2};
	const struct point bezier[4] = {from, middle, middle, to};

	canvas_curve(c, bezier, stroke, tooltip);
}
