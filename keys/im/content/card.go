package content

import (
	"cmp"
	"strings"
)

// renderCard renders a card: its title, and the text of its elements, a line for each block. Cards come in three
// shapes: as the platform simplifies them (title, and elements in rows), as card JSON 1.0 (header and elements),
// and as card JSON 2.0 (header, and elements in a body). A card made from a template, or sent as an entity, has
// only an id.
func renderCard(c node, m mentions) (Rendered, error) {
	card := cardText{mentions: m}
	title := joinLines(c.text("title"), card.block(c["header"]), c.text("subtitle"))
	body := joinLines(card.block(c["elements"]), card.block(c["i18n_elements"]), card.block(c.object("body")["elements"]))
	switch {
	case title != "" || body != "":
		return Rendered{Text: joinLines(m.replace(title), body)}, nil
	case c.object("data").has("template_id"):
		return Rendered{Text: placeholder("card from template", c.object("data").text("template_id"))}, nil
	case c.has("card_id") || c.object("data").has("card_id"):
		return Rendered{Text: placeholder("card", c.text("card_id"), c.object("data").text("card_id"))}, nil
	case c.has("elements") || c.has("body") || c.has("header"):
		return Rendered{Text: placeholder("card without text")}, nil
	}
	return Rendered{}, missing("title and no elements")
}

// cardText walks through the elements of a card.
type cardText struct {
	mentions mentions
}

// containers are the members that hold further elements, in the order in which they are seen.
var containers = []string{
	"title", "subtitle", "header", "text", "fields", "content", "elements", "columns", "actions", "extra", "body",
	"placeholder", "label", "options",
}

// block renders an element, or a list of them one a line. In a list of lists, which is the platform's simplified
// form, each inner list is a line.
func (t cardText) block(value any) string {
	switch v := value.(type) {
	case string:
		return t.markdown(v)
	case []any:
		lines := make([]string, 0, len(v))
		for _, item := range v {
			if row, ok := item.([]any); ok {
				lines = append(lines, t.row(row))
				continue
			}
			lines = append(lines, t.block(item))
		}
		return joinLines(lines...)
	case map[string]any:
		return t.element(v)
	}
	return ""
}

func (t cardText) row(elements []any) string {
	var line strings.Builder
	for _, element := range elements {
		line.WriteString(t.block(element))
	}
	return line.String()
}

// element renders one element by its tag; those that only hold others give what is in these.
func (t cardText) element(e node) string {
	switch e.text("tag") {
	case "hr":
		return "---"
	case "img", "img_combination":
		return placeholder("image", t.block(e["alt"]), t.block(e["title"]))
	case "a":
		return link(e.text("text"), e.text("href"))
	case "at":
		return t.mentions.name(e.text("user_id"), e.text("user_name"))
	case "button":
		return placeholder("button", t.block(e["text"]), e.text("url"))
	case "select_static", "multi_select_static", "overflow":
		return placeholder("choice", t.block(e["placeholder"]), strings.ReplaceAll(t.block(e["options"]), "\n", " / "))
	case "input":
		return placeholder("input", t.block(e["label"]), t.block(e["placeholder"]))
	case "table":
		return t.table(e)
	case "chart":
		return placeholder("chart", t.block(e.object("chart_spec")["title"]))
	}
	if e.has("en_us") || e.has("zh_cn") {
		return t.language(e)
	}
	lines := make([]string, 0, len(containers))
	for _, name := range containers {
		lines = append(lines, t.block(e[name]))
	}
	return joinLines(lines...)
}

// language renders the elements of a card that has them once for each language.
func (t cardText) language(e node) string {
	if english := t.block(e["en_us"]); english != "" {
		return english
	}
	return t.block(e["zh_cn"])
}

// table renders a table as its header and one line a row, cells separated by bars.
func (t cardText) table(e node) string {
	var names, titles []string
	for _, item := range e.list("columns") {
		column := object(item)
		names = append(names, column.text("name"))
		titles = append(titles, cmp.Or(column.text("display_name"), column.text("name")))
	}
	lines := []string{strings.Join(titles, " | ")}
	for _, item := range e.list("rows") {
		row := object(item)
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = t.cell(row[name])
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	return joinLines(lines...)
}

func (t cardText) cell(value any) string {
	if s := text(value); s != "" {
		return s
	}
	return strings.ReplaceAll(t.block(value), "\n", ", ")
}

func (t cardText) markdown(s string) string {
	return t.mentions.replace(t.mentions.replaceAtTags(s))
}
