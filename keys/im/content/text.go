package content

import "github.com/larkevents/lark-events-mcp/eventcore/jsonscan"

func renderText(c node, m mentions) (Rendered, error) {
	if _, ok := c["text"].(string); !ok {
		return Rendered{}, missing("text")
	}
	return Rendered{Text: m.replace(c.text("text"))}, nil
}

// scanText returns the text of a text message, which almost all messages are, without decoding the content; ok is false
// if it is not as usual.
func scanText(content string) (text string, ok bool) {
	s := jsonscan.New([]byte(content))
	s.Object(func(name []byte) {
		if string(name) == "text" {
			text, ok = s.Text(), true
			return
		}
		s.Value()
	})
	return text, ok && s.OK()
}
