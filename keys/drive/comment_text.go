package drive

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// settleTime is how long to wait before asking a second time for a comment that the platform has told of but does not
// find yet.
const settleTime = time.Second

// commentThread is a comment with its replies, the first of which is the comment's own text.
type commentThread struct {
	Quote   keydef.Text `json:"quote"`
	Solved  keydef.Text `json:"is_solved"`
	More    bool        `json:"has_more"`
	Next    keydef.Text `json:"page_token"`
	Replies replyList   `json:"reply_list"`
}

type commentReply struct {
	ID      keydef.Text `json:"reply_id"`
	Created keydef.Text `json:"create_time"`
	Content struct {
		Elements []replyElement `json:"elements"`
	} `json:"content"`
	Extra struct {
		Images texts `json:"image_list"`
	} `json:"extra"`
}

type replyElement struct {
	Text struct {
		Text    keydef.Text `json:"text"`
		Content keydef.Text `json:"content"` // instead of text, in some answers
	} `json:"text_run"`
	Link struct {
		URL keydef.Text `json:"url"`
	} `json:"docs_link"`
	Person struct {
		ID keydef.Text `json:"user_id"`
	} `json:"person"`
}

// replyList is read from an object with a list, or from that object as JSON in a string.
type replyList []commentReply

// UnmarshalJSON fails only on replies that have another form.
func (l *replyList) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = []byte(text)
	}
	if len(raw) == 0 {
		return nil
	}
	var list struct {
		Replies []commentReply `json:"replies"`
	}
	err := json.Unmarshal(raw, &list)
	*l = list.Replies
	return err
}

// fetchReply returns the comment and, in it, the reply that an event tells of, in at most two calls. The list of
// comments by id is asked, not the single comment: that API knows only comments on whole documents.
func fetchReply(ctx context.Context, rt eventcore.APIClient, in *commentEvent) (*commentThread, *commentReply, error) {
	type answer struct {
		Items []commentThread `json:"items"`
	}
	var thread *commentThread
	for attempt := range 2 {
		if attempt > 0 && !pause(ctx, settleTime) {
			break
		}
		got, err := keydef.Ask[answer](ctx, rt, http.MethodPost, commentsPath(in, "/batch_query"), map[string][]string{"comment_ids": {string(in.Comment)}})
		if err != nil {
			return thread, nil, err
		}
		if len(got.Items) == 0 {
			continue
		}
		thread = &got.Items[0]
		if reply := in.pick(thread.Replies); reply != nil {
			return thread, reply, nil
		}
		if thread.More {
			reply, err := fetchFurther(ctx, rt, in, thread.Next)
			return thread, reply, err
		}
	}
	return thread, nil, unknownReply()
}

// fetchFurther looks for the reply among those that the comment did not bring.
func fetchFurther(ctx context.Context, rt eventcore.APIClient, in *commentEvent, next keydef.Text) (*commentReply, error) {
	type answer struct {
		Items []commentReply `json:"items"`
	}
	path := commentsPath(in, "/"+url.PathEscape(string(in.Comment))+"/replies") + "&page_size=100"
	if next != "" {
		path += "&page_token=" + url.QueryEscape(string(next))
	}
	got, err := keydef.Get[answer](ctx, rt, path)
	if err != nil {
		return nil, err
	}
	if reply := in.pick(got.Items); reply != nil {
		return reply, nil
	}
	return nil, unknownReply()
}

func unknownReply() error {
	return &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the platform does not find it",
		Hint: "it may be deleted, or too new: read the comments of the file by the API",
	}
}

// pick returns the reply that the event is about, nil if it is not in the list.
func (e *commentEvent) pick(list []commentReply) *commentReply {
	i := slices.IndexFunc(list, func(r commentReply) bool { return r.ID == e.Reply })
	switch {
	case len(list) == 0:
		return nil
	case e.Meta.Notice == "add_comment" && i < 0: // a comment's id may stand for that of its first reply
		i = 0
	case e.Reply == "":
		i = len(list) - 1
	case i < 0:
		return nil
	}
	return &list[i]
}

// render returns the text of a reply, who is mentioned in it, and its pictures.
func (r *commentReply) render() (text string, mentions, images []string) {
	var b strings.Builder
	for _, e := range r.Content.Elements {
		for _, part := range []keydef.Text{e.Text.Text, e.Text.Content, e.Link.URL} {
			if part != "" {
				b.WriteString(string(part))
				break
			}
		}
		if id := string(e.Person.ID); id != "" {
			b.WriteString("@" + id)
			if !slices.Contains(mentions, id) {
				mentions = append(mentions, id)
			}
		}
	}
	for range r.Extra.Images {
		b.WriteString(" [image]")
	}
	return strings.TrimSpace(b.String()), mentions, r.Extra.Images
}

// pause waits, and reports whether it did to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
