package content

import "strings"

// renderPost renders rich text: a title and paragraphs of elements. A post received has them at its top; one in
// the form for sending has them once for each language, of which the first that is not empty is taken. Some senders
// wrap either in a member post, as webhooks of custom bots do (source: "Custom bot usage guide").
func renderPost(c node, m mentions) (Rendered, error) {
	post := c
	if inner := c.object("post"); inner != nil && !isPost(c) {
		post = inner
	}
	if !isPost(post) {
		post = firstLanguage(post)
	}
	if post == nil {
		return Rendered{}, missing("content")
	}
	p := paragraphs{mentions: m}
	body := p.render(post.list("content"))
	// content_v2 is the markdown the sender wrote, of which content is a simplified copy that has lost headings,
	// lists and tables, but has images and videos as elements.
	if original := post.list("content_v2"); len(original) > 0 {
		v2 := paragraphs{mentions: m}
		if markdown := v2.render(original); markdown != "" {
			body = markdown
		}
		if len(p.attachments) == 0 {
			p.attachments = v2.attachments
		}
	}
	return Rendered{Text: joinLines(m.replace(post.text("title")), body), Attachments: p.attachments}, nil
}

func isPost(c node) bool {
	return c.has("content") || c.has("content_v2") || c.has("title")
}

// firstLanguage returns the post in the first language that has one.
func firstLanguage(c node) node {
	for _, language := range c.languages() {
		if post := c.object(language); isPost(post) {
			return post
		}
	}
	return nil
}

// paragraphs renders the paragraphs of a post, and collects the files in them.
type paragraphs struct {
	mentions    mentions
	attachments []Attachment
}

func (p *paragraphs) render(list []any) string {
	lines := make([]string, 0, len(list))
	for _, item := range list {
		elements, ok := item.([]any)
		if !ok {
			elements = []any{item} // a paragraph of one element, without the list around it
		}
		var line strings.Builder
		for _, element := range elements {
			line.WriteString(p.element(object(element)))
		}
		lines = append(lines, line.String())
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// element renders one element by its tag. An unknown one gives its text, if it has some.
func (p *paragraphs) element(e node) string {
	switch e.text("tag") {
	case "a":
		return link(p.mentions.replace(e.text("text")), e.text("href"))
	case "at":
		return p.mentions.name(e.text("user_id"), e.text("user_name"))
	case "img":
		return p.attach(Attachment{Type: "image", Key: e.text("image_key")})
	case "media":
		return p.attach(Attachment{Type: "media", Key: e.text("file_key")})
	case "emotion":
		return ":" + e.text("emoji_type") + ":"
	case "code_block":
		return "```" + strings.ToLower(e.text("language")) + "\n" + strings.TrimSuffix(e.text("text"), "\n") + "\n```"
	case "hr":
		return "---"
	case "md":
		return p.mentions.replace(p.mentions.replaceAtTags(e.text("text")))
	}
	return p.mentions.replace(e.text("text"))
}

// attach keeps a file and returns what stands in its place.
func (p *paragraphs) attach(a Attachment) string {
	if a.Key != "" {
		p.attachments = append(p.attachments, a)
	}
	if a.Type == "media" {
		return placeholder("video")
	}
	return placeholder(a.Type)
}
