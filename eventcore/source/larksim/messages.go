package larksim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The builders below make the events of a chat in the shape of the SDK's service/im/v1 types. Each call makes a new
// message id; MessageID reads it back.

// Text is a text message. Each mention replaces its name after an @ in the text, as the platform does it.
func Text(from Person, in Chat, text string, mentions ...Person) Event {
	var mentioned []object
	for i, who := range mentions {
		key := fmt.Sprintf("@_user_%d", i+1)
		text = strings.ReplaceAll(text, "@"+who.Name, key)
		mentioned = append(mentioned, object{"key": key, "id": who.ids(), "name": who.Name, "tenant_key": TenantKey})
	}
	event := received(from, in, "text", object{"text": text})
	if mentioned != nil {
		event.Body.(object)["message"].(object)["mentions"] = mentioned
	}
	return event
}

// Post is a message of rich text: a title, a paragraph and a link.
func Post(from Person, in Chat, title, paragraph, link string) Event {
	return received(from, in, "post", object{
		"title": title,
		"content": [][]object{
			{{"tag": "text", "text": paragraph, "style": []string{}}},
			{{"tag": "a", "href": link, "text": link, "style": []string{}}},
		},
	})
}

// Image is an image.
func Image(from Person, in Chat) Event {
	return received(from, in, "image", object{"image_key": "img_v3_" + newID()})
}

// File is a file.
func File(from Person, in Chat, name string) Event {
	return received(from, in, "file", object{"file_key": "file_v3_" + newID(), "file_name": name})
}

// MessageID is the id of the message that a receive event is about; "" for another event.
func (e Event) MessageID() string {
	body, _ := e.Body.(object)
	message, _ := body["message"].(object)
	id, _ := message["message_id"].(string)
	return id
}

func received(from Person, in Chat, kind string, content object) Event {
	now := decimal(time.Now().UnixMilli())
	text, err := json.Marshal(content)
	if err != nil {
		text = []byte(`{}`) // not reached: the builders use strings
	}
	return Event{Type: "im.message.receive_v1", Body: object{
		"sender": object{"sender_id": from.ids(), "sender_type": "user", "tenant_key": TenantKey},
		"message": object{
			"message_id": "om_" + newID(), "create_time": now, "update_time": now,
			"chat_id": in.ID, "chat_type": in.Type, "message_type": kind, "content": string(text),
		},
	}}
}
