package content

import "strings"

func renderShareChat(c node, _ mentions) (Rendered, error) {
	if c.text("chat_id") == "" {
		return Rendered{}, missing("chat_id")
	}
	return Rendered{Text: placeholder("group card", c.text("chat_name"), c.text("chat_id"))}, nil
}

func renderShareUser(c node, _ mentions) (Rendered, error) {
	if c.text("user_id") == "" {
		return Rendered{}, missing("user_id")
	}
	return Rendered{Text: placeholder("contact card", c.text("user_id"))}, nil
}

func renderLocation(c node, _ mentions) (Rendered, error) {
	var coordinates string
	if latitude, longitude := c.text("latitude"), c.text("longitude"); latitude != "" && longitude != "" {
		coordinates = "latitude " + latitude + " longitude " + longitude
	}
	if c.text("name") == "" && coordinates == "" {
		return Rendered{}, missing("name")
	}
	return Rendered{Text: placeholder("location", c.text("name"), coordinates)}, nil
}

// renderRedPacket has nothing to tell: the platform sends a fixed text.
func renderRedPacket(node, mentions) (Rendered, error) {
	return Rendered{Text: placeholder("red packet")}, nil
}

// renderForward stands for a forwarded conversation, whose messages are not in the content.
func renderForward(node, mentions) (Rendered, error) {
	return Rendered{Text: placeholder("merge_forward")}, nil
}

func renderVideoChat(c node, _ mentions) (Rendered, error) {
	return Rendered{Text: placeholder("video call", c.text("topic"), c.time("start_time"))}, nil
}

func renderCalendar(c node, _ mentions) (Rendered, error) {
	when := c.time("start_time")
	if end := c.time("end_time"); when != "" && end != "" {
		when += " to " + end
	}
	return Rendered{Text: placeholder("calendar event", c.text("summary"), when)}, nil
}

// renderTodo renders a task, whose summary is a post.
func renderTodo(c node, m mentions) (Rendered, error) {
	summary, err := renderPost(c.object("summary"), m)
	if err != nil {
		return Rendered{}, missing("summary")
	}
	due := c.time("due_time")
	if due != "" {
		due = "due " + due
	}
	return Rendered{Text: placeholder("task", summary.Text, due)}, nil
}

func renderVote(c node, _ mentions) (Rendered, error) {
	if c.text("topic") == "" {
		return Rendered{}, missing("topic")
	}
	lines := []string{placeholder("vote", c.text("topic"))}
	for _, option := range c.list("options") {
		if label := text(option); label != "" {
			lines = append(lines, "- "+label)
		}
	}
	return Rendered{Text: strings.Join(lines, "\n")}, nil
}
