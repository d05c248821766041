package content

func renderText(c node, m mentions) (Rendered, error) {
	if _, ok := c["text"].(string); !ok {
		return Rendered{}, missing("text")
	}
	return Rendered{Text: m.replace(c.text("text"))}, nil
}
