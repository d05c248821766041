package content

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// renderCard renders a card. In events it may come with what its sender wrote beside what the platform made of that,
// as a text or an object in user_dsl (larksuite/cli pull request 1480), and only that is whole.
func renderCard(c node, m mentions) (Rendered, error) {
	if sent := sentCard(c); sent != nil {
		if rendered, err := renderCardJSON(sent, m); err == nil {
			return rendered, nil
		}
	}
	return renderCardJSON(c, m)
}

// sentCard returns the card that its sender wrote, nil if there is none.
func sentCard(c node) node {
	if sent := c.object("user_dsl"); sent != nil {
		return sent
	}
	sent, err := parse(c.text("user_dsl"))
	if err != nil {
		return nil
	}
	return sent
}

// renderCardJSON renders a card's title, and the text of its elements, a line for each block. Cards come in three
// shapes: as the platform simplifies them (title, and elements in rows), as card JSON 1.0 (header and elements, or both
// once for each language), and as card JSON 2.0 (header, and elements in a body). A card made from a template has only
// an id and what to fill in, one sent as an entity only an id.
func renderCardJSON(c node, m mentions) (Rendered, error) {
	card := cardText{mentions: m}
	header := cmp.Or(card.block(c["header"]), card.language(c.object("i18n_header")))
	title := joinLines(c.text("title"), header, c.text("subtitle"))
	body := joinLines(card.block(c["elements"]), card.language(c.object("i18n_elements")), card.block(c.object("body")["elements"]))
	data := c.object("data")
	switch {
	case title != "" || body != "":
		return Rendered{Text: joinLines(m.replace(title), body), Withheld: isNotice(c.list("elements"))}, nil
	case data.has("template_id"):
		variables := card.variables(data.object("template_variable"))
		return Rendered{Text: joinLines(placeholder("card from template", data.text("template_id")), variables)}, nil
	case c.has("card_id") || data.has("card_id"):
		return Rendered{Text: placeholder("card", c.text("card_id"), data.text("card_id"))}, nil
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
		return placeholder("button", t.block(e["text"]), buttonLink(e))
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

// language renders the part of a card that it has once for each language, in the first that has a text.
func (t cardText) language(e node) string {
	for _, language := range e.languages() {
		if text := t.block(e[language]); text != "" {
			return text
		}
	}
	return ""
}

// variables renders what a template is filled in with, as far as it is text, a line for each variable.
func (t cardText) variables(values node) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if value := values.text(name); value != "" {
			lines = append(lines, name+": "+t.markdown(value))
		}
	}
	return joinLines(lines...)
}

// buttonLink returns where a button leads: url or multi_url in card JSON 1.0, a behavior in 2.0 (source: "Button").
func buttonLink(button node) string {
	if link := button.text("url"); link != "" {
		return link
	}
	for _, behavior := range button.list("behaviors") {
		if link := object(behavior).text("default_url"); link != "" {
			return link
		}
	}
	return button.object("multi_url").text("url")
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
