package content

import (
	"fmt"
	"time"
)

func renderImage(c node, _ mentions) (Rendered, error) {
	return attached("image", Attachment{Type: "image", Key: c.text("image_key")})
}

func renderFile(c node, _ mentions) (Rendered, error) {
	return attached("file", Attachment{Type: "file", Key: c.text("file_key"), Name: c.text("file_name")})
}

func renderAudio(c node, _ mentions) (Rendered, error) {
	return attached("audio", Attachment{Type: "audio", Key: c.text("file_key"), DurationMS: c.number("duration")})
}

func renderMedia(c node, _ mentions) (Rendered, error) {
	return attached("video", Attachment{
		Type: "media", Key: c.text("file_key"), Name: c.text("file_name"), DurationMS: c.number("duration"),
	})
}

// renderFolder has no attachment: the API cannot download folders.
func renderFolder(c node, _ mentions) (Rendered, error) {
	return Rendered{Text: placeholder("folder", c.text("file_name"))}, nil
}

// renderSticker has no attachment either: the API cannot download stickers, but a bot can send one by its key.
func renderSticker(c node, _ mentions) (Rendered, error) {
	return Rendered{Text: placeholder("sticker", c.text("file_key"))}, nil
}

// attached is the content of a message that is one file.
func attached(what string, a Attachment) (Rendered, error) {
	if a.Key == "" {
		if a.Type == "image" {
			return Rendered{}, missing("image_key")
		}
		return Rendered{}, missing("file_key")
	}
	return Rendered{Text: placeholder(what, a.Name, duration(a.DurationMS)), Attachments: []Attachment{a}}, nil
}

// duration writes a length of time, given in milliseconds, as minutes and seconds.
func duration(ms int64) string {
	if ms <= 0 {
		return ""
	}
	seconds := (ms + int64(time.Second/time.Millisecond)/2) / int64(time.Second/time.Millisecond)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
