package content

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

var people = []Mention{{"@_user_1", "Ada"}, {"@_user_2", "Ben @_user_1"}, {"@_user_10", "Zoë"}, {"", "nobody"}, {"@_user_3", ""}}

func TestRender(t *testing.T) {
	tests := []struct {
		name, messageType, content string
		want                       string
		attachments                []Attachment
	}{
		{"text", "text", `{"text":"hello"}`, "hello", nil},
		{"empty text", "text", `{"text":""}`, "", nil},
		{"text with quotes, newlines and emoji", "text", `{"text":"say \"hi\"\n👩‍👩‍👧 <b>&</b>"}`, "say \"hi\"\n👩‍👩‍👧 <b>&</b>", nil},
		{"mentions", "text", `{"text":"@_user_1 and @_user_10, @_user_2"}`, "@Ada and @Zoë, @Ben @_user_1", nil},
		{"mentions nobody knows", "text", `{"text":"@_user_100 @_user_3 @_user_ @_x @_"}`, "@_user_100 @_user_3 @_user_ @_x @_", nil},
		{"mention of all", "text", `{"text":"@_all大家 @_all, @_allan"}`, "@all大家 @all, @_allan", nil},

		{"post", "post", `{"title":"Notes for @_user_1","content":[[{"tag":"text","text":"see "},{"tag":"a","text":"docs","href":"https://x.y"},{"tag":"at","user_id":"@_user_1","user_name":""}],[],[{"tag":"hr"}],[{"tag":"emotion","emoji_type":"SMILE"}],[{"tag":"code_block","language":"GO","text":"x := 1\n"}],[{"tag":"md","text":"**bold** <at user_id=\"ou_1\">Tom</at>"}]]}`,
			"Notes for @Ada\nsee [docs](https://x.y)@Ada\n\n---\n:SMILE:\n```go\nx := 1\n```\n**bold** @Tom", nil},
		{"post with files", "post", `{"title":"","content":[[{"tag":"img","image_key":"img_1"}],[{"tag":"media","file_key":"file_1","image_key":"img_2"}]]}`,
			"[image]\n[video]", []Attachment{{Type: "image", Key: "img_1"}, {Type: "media", Key: "file_1"}}},
		{"post in the form for sending", "post", `{"zh_cn":{"title":"标题","content":[[{"tag":"text","text":"你好"}]]},"en_us":{"title":"Title","content":[[{"tag":"text","text":"hi"}]]}}`, "Title\nhi", nil},
		{"post in an unusual language", "post", `{"ja_jp":{"content":[[{"tag":"text","text":"こんにちは"}]]}}`, "こんにちは", nil},
		{"post with the markdown it was written in", "post", `{"title":"","content":[[{"tag":"text","text":"Heading"}],[{"tag":"img","image_key":"img_1"}]],"content_v2":[[{"tag":"md","text":"# Heading\n![i](img_1)"}]]}`,
			"# Heading\n![i](img_1)", []Attachment{{Type: "image", Key: "img_1"}}},
		{"post whose parts have other types", "post", `{"title":7,"content":["x",[null,{"tag":"text","text":["no"]},{"tag":"new","text":"still read"}],{"tag":"text","text":"alone"}]}`, "7\n\nstill read\nalone", nil},
		{"post wrapped, as webhooks take it", "post", `{"post":{"zh_cn":{"title":"周报","content":[[{"tag":"text","text":"见图 "},{"tag":"img","image_key":"img_1"}]]}}}`, "周报\n见图 [image]", []Attachment{{Type: "image", Key: "img_1"}}},
		{"post wrapped, in an unusual language", "post", `{"post":{"ja_jp":{"content":[[{"tag":"text","text":"こんにちは"}]]}}}`, "こんにちは", nil},
		{"post wrapped, without languages", "post", `{"post":{"title":"T","content":[[{"tag":"text","text":"x"}]]}}`, "T\nx", nil},
		{"post in the form for sending, as markdown", "post", `{"zh_cn":{"content_v2":[[{"tag":"md","text":"# x"}]]}}`, "# x", nil},
		{"post, at by name, id and all", "post", `{"content":[[{"tag":"at","user_id":"ou_9","user_name":"Eve"},{"tag":"at","user_id":"ou_9"},{"tag":"at","user_id":"all"},{"tag":"at"}]]}`, "@Eve@ou_9@all", nil},

		{"image", "image", `{"image_key":"img_1"}`, "[image]", []Attachment{{Type: "image", Key: "img_1"}}},
		{"file", "file", `{"file_key":"f_1","file_name":"a \"b\".pdf"}`, `[file: a "b".pdf]`, []Attachment{{Type: "file", Key: "f_1", Name: `a "b".pdf`}}},
		{"audio", "audio", `{"file_key":"f_1","duration":63499}`, "[audio: 1:03]", []Attachment{{Type: "audio", Key: "f_1", DurationMS: 63499}}},
		{"audio, length as text", "audio", `{"file_key":"f_1","duration":"2000.5"}`, "[audio: 0:02]", []Attachment{{Type: "audio", Key: "f_1", DurationMS: 2000}}},
		{"media", "media", `{"file_key":"f_1","file_name":"v.mp4","image_key":"i"}`, "[video: v.mp4]", []Attachment{{Type: "media", Key: "f_1", Name: "v.mp4"}}},
		{"folder", "folder", `{"file_key":"f_1","file_name":"Plans"}`, "[folder: Plans]", nil},
		{"sticker", "sticker", `{"file_key":"f_1"}`, "[sticker: f_1]", nil},

		{"share_chat", "share_chat", `{"chat_id":"oc_1"}`, "[group card: oc_1]", nil},
		{"share_user", "share_user", `{"user_id":"ou_1"}`, "[contact card: ou_1]", nil},
		{"location", "location", `{"name":"Berlin","longitude":"13.4","latitude":52.5}`, "[location: Berlin, latitude 52.5 longitude 13.4]", nil},
		{"system", "system", `{"template":"{from_user} invited {to_chatters} to this chat. {other}","from_user":["Bot"],"to_chatters":["A","B"]}`, "Bot invited A, B to this chat. {other}", nil},
		{"system divider", "system", `{"template":"{divider_text}","from_user":[],"divider_text":{"text":"New topic","i18n_text":{}}}`, "New topic", nil},
		{"system with an open brace", "system", `{"template":"a {b","b":"x"}`, "a {b", nil},
		{"hongbao", "hongbao", `{"text":"[红包]"}`, "[red packet]", nil},
		{"calendar", "calendar", `{"summary":"Sync","start_time":"1608265395000","end_time":"1608267015000"}`, "[calendar event: Sync, 2020-12-18 04:23 UTC to 2020-12-18 04:50 UTC]", nil},
		{"share_calendar_event", "share_calendar_event", `{"summary":"Sync","start_time":1608265395000}`, "[calendar event: Sync, 2020-12-18 04:23 UTC]", nil},
		{"general_calendar without anything", "general_calendar", `{}`, "[calendar event]", nil},
		{"video_chat", "video_chat", `{"topic":"Daily","start_time":"99999999999999999999"}`, "[video call: Daily]", nil},
		{"todo", "todo", `{"task_id":"t","summary":{"title":"","content":[[{"tag":"text","text":"eat fruit"}]]},"due_time":"1623124318000"}`, "[task: eat fruit, due 2021-06-08 03:51 UTC]", nil},
		{"vote", "vote", `{"topic":"Lunch?","options":["Pizza",{"no":1},"Soup"]}`, "[vote: Lunch?]\n- Pizza\n- Soup", nil},
		{"merge_forward", "merge_forward", `Merged and Forwarded Message`, "[merge_forward]", nil},
		{"merge_forward as JSON", "merge_forward", `{"content":"Merged and Forwarded Message"}`, "[merge_forward]", nil},

		{"card as the platform simplifies it", "interactive", `{"title":"Build","elements":[[{"tag":"text","text":"state: "},{"tag":"a","text":"green","href":"https://ci"},{"tag":"at","user_id":"@_user_1","user_name":"x"}],[{"tag":"img","image_key":"i"}],[{"tag":"hr"}],[{"tag":"button","text":"Deploy","type":"primary"}],[{"tag":"note","elements":[{"tag":"text","text":"by CI"}]}]]}`,
			"Build\nstate: [green](https://ci)@Ada\n[image]\n---\n[button: Deploy]\nby CI", nil},
		{"card 1.0", "interactive", `{"config":{"wide_screen_mode":true},"header":{"template":"blue","title":{"tag":"plain_text","content":"Title"}},"elements":[{"tag":"div","text":{"tag":"lark_md","content":"Hi <at id=ou_1></at>"},"fields":[{"is_short":true,"text":{"tag":"lark_md","content":"**A** 1"}},{"text":{"content":"**B** 2"}}],"extra":{"tag":"button","text":{"content":"More"},"url":"https://m"}},{"tag":"column_set","columns":[{"tag":"column","elements":[{"tag":"markdown","content":"left"}]},{"tag":"column","elements":[{"tag":"column_set","columns":[{"tag":"column","elements":[{"tag":"markdown","content":"deep right"}]}]}]}]},{"tag":"action","actions":[{"tag":"select_static","placeholder":{"content":"Pick"},"options":[{"text":{"content":"One"},"value":"1"},{"text":{"content":"Two"},"value":"2"}]}]},{"tag":"img","img_key":"k","alt":{"content":"a cat"}}]}`,
			"Title\nHi @ou_1\n**A** 1\n**B** 2\n[button: More, https://m]\nleft\ndeep right\n[choice: Pick, One / Two]\n[image: a cat]", nil},
		{"card 1.0 in languages", "interactive", `{"header":{"title":{"content":"T"}},"i18n_elements":{"zh_cn":[{"tag":"markdown","content":"中文"}]}}`, "T\n中文", nil},
		{"card as sent, in a text", "interactive", `{"user_dsl":"{\"schema\":\"2.0\",\"header\":{\"title\":{\"tag\":\"plain_text\",\"content\":\"Two\"}},\"body\":{\"elements\":[{\"tag\":\"markdown\",\"content\":\"Hi <at id=ou_1 mention_key=@_user_1></at>\"}]}}"}`, "Two\nHi @Ada", nil},
		{"card as sent, in an object", "interactive", `{"user_dsl":{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"Two"}},"body":{"elements":[{"tag":"markdown","content":"Hi <at id=ou_1 mention_key=@_user_1></at>"}]}}}`, "Two\nHi @Ada", nil},
		{"card as sent beside a notice", "interactive", `{"title":"Two","elements":[[{"tag":"img","image_key":"i"},{"tag":"text","text":"请升级至最新版本客户端，以查看内容"},{"tag":"text","text":""}]],"user_dsl":"{\"schema\":\"2.0\",\"header\":{\"title\":{\"tag\":\"plain_text\",\"content\":\"Two\"}},\"body\":{\"elements\":[{\"tag\":\"markdown\",\"content\":\"Hi <at id=ou_1 mention_key=@_user_1></at>\"}]}}"}`, "Two\nHi @Ada", nil},
		{"card as sent that is none", "interactive", `{"title":"T","elements":[[{"tag":"text","text":"x"}]],"user_dsl":"gone"}`, "T\nx", nil},
		{"card as sent that is empty", "interactive", `{"title":"T","elements":[[{"tag":"text","text":"x"}]],"user_dsl":"{}"}`, "T\nx", nil},
		{"card as sent, from a template", "interactive", `{"user_dsl":{"type":"template","data":{"template_id":"AAq1"}}}`, "[card from template: AAq1]", nil},
		{"card with titles in languages", "interactive", `{"i18n_header":{"zh_cn":{"title":{"content":"标题"}},"en_us":{"title":{"content":"Title"},"subtitle":{"content":"sub"}}},"elements":[{"tag":"markdown","content":"x"}]}`, "Title\nsub\nx", nil},
		{"card in unusual languages", "interactive", `{"i18n_header":{"ja_jp":{"title":{"content":"題"}}},"i18n_elements":{"ja_jp":[{"tag":"markdown","content":"本文"}]}}`, "題\n本文", nil},
		{"card with links on buttons", "interactive", `{"body":{"elements":[{"tag":"button","text":{"content":"A"},"behaviors":[{"type":"callback","value":{}},{"type":"open_url","default_url":"https://a"}]},{"tag":"button","text":{"content":"B"},"multi_url":{"url":"https://b","pc_url":""}},{"tag":"button","text":{"content":"C"},"url":"https://c","behaviors":[{"default_url":"https://a"}],"multi_url":{"url":"https://b"}},{"tag":"button","text":{"content":"D"},"behaviors":[7,{"type":"callback"}],"multi_url":"x"}]}}`, "[button: A, https://a]\n[button: B, https://b]\n[button: C, https://c]\n[button: D]", nil},
		{"card with several mentioned in one tag", "interactive", `{"elements":[{"tag":"markdown","content":"<at ids=ou_1,ou_2,ou_3 mentions_key=@_user_1,,@_user_9></at>!<at mention_key=\"@_user_1\">n</at>!<at id=ou_4 mention_key=@_user_9>Tom</at>!<at>"}]}`, "@Ada@ou_2@ou_3!@Ada!@Tom!<at>", nil},
		{"card 2.0", "interactive", `{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"Two"},"subtitle":{"content":"sub"}},"body":{"elements":[{"tag":"markdown","content":"**x** @_user_1"},{"tag":"collapsible_panel","header":{"title":{"content":"Details"}},"elements":[{"tag":"div","text":{"content":"inside"}}]},{"tag":"form","elements":[{"tag":"input","label":{"content":"Name"},"placeholder":{"content":"yours"}}]},{"tag":"table","columns":[{"name":"a","display_name":"A"},{"name":"b"}],"rows":[{"a":"1","b":2},{"a":[{"text":"t1"},{"text":"t2"}]}]},{"tag":"chart","chart_spec":{"title":{"text":"Sales"}}}]}}`,
			"Two\nsub\n**x** @Ada\nDetails\ninside\n[input: Name, yours]\nA | b\n1 | 2\nt1, t2 | \n[chart: Sales]", nil},
		{"card from a template", "interactive", `{"type":"template","data":{"template_id":"AAq1"}}`, "[card from template: AAq1]", nil},
		{"card from a template with variables", "interactive", `{"type":"template","data":{"template_id":"AAq1","template_version_name":"1.0.0","template_variable":{"who":"@_user_1","build":4.2,"list":[{"a":"b"}],"none":""}}}`, "[card from template: AAq1]\nbuild: 4.2\nwho: @Ada", nil},
		{"card entity", "interactive", `{"type":"card","data":{"card_id":"7355"}}`, "[card: 7355]", nil},
		{"card without text", "interactive", `{"elements":[]}`, "[card without text]", nil},

		{"type nobody knows", "hologram", `{"depth":3}`, `{"depth":3}`, nil},
		{"type nobody knows, no JSON", "", `???`, `???`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Render(tt.messageType, tt.content, people)
			if err != nil {
				t.Fatal(err)
			}
			if got.Text != tt.want {
				t.Errorf("text\n%q, want\n%q", got.Text, tt.want)
			}
			if !reflect.DeepEqual(got.Attachments, tt.attachments) {
				t.Errorf("attachments %+v, want %+v", got.Attachments, tt.attachments)
			}
		})
	}
}

func TestRenderOfBrokenContent(t *testing.T) {
	tests := []struct{ messageType, content, text, err string }{
		{"text", ``, "[text]", "the content is not a JSON object"},
		{"text", `{"text":`, "[text]", "the content is not a JSON object"},
		{"text", `"text"`, "[text]", "the content is not a JSON object"},
		{"text", `null`, "[text]", "the content is not a JSON object"},
		{"text", `{} {}`, "[text]", "the content is not a JSON object"},
		{"text", `{"text":{"a":1}}`, "[text]", "text content: it has no text"},
		{"post", `{}`, "[post]", "post content: it has no content"},
		{"post", `{"post":{"zh_cn":[]}}`, "[post]", "post content: it has no content"},
		{"image", `{"image_key":[]}`, "[image]", "image content: it has no image_key"},
		{"file", `{"file_name":"x"}`, "[file]", "file content: it has no file_key"},
		{"share_chat", `{}`, "[share_chat]", "share_chat content: it has no chat_id"},
		{"share_user", `{}`, "[share_user]", "share_user content: it has no user_id"},
		{"location", `{"latitude":"1"}`, "[location]", "location content: it has no name"},
		{"system", `{"template":{}}`, "[system]", "system content: it has no template"},
		{"todo", `{"summary":"x"}`, "[todo]", "todo content: it has no summary"},
		{"vote", `{}`, "[vote]", "vote content: it has no topic"},
		{"interactive", `{"x":1}`, "[interactive]", "interactive content: it has no title and no elements"},
		{"interactive", `{"user_dsl":"gone"}`, "[interactive]", "interactive content: it has no title and no elements"},
	}
	for _, tt := range tests {
		t.Run(tt.messageType+" "+tt.content, func(t *testing.T) {
			got, err := Render(tt.messageType, tt.content, nil)
			if err == nil || err.Error() != tt.err {
				t.Errorf("error %v, want %s", err, tt.err)
			}
			if got.Text != tt.text {
				t.Errorf("text %q, want %q", got.Text, tt.text)
			}
		})
	}
}

func TestRenderOfLargeContent(t *testing.T) {
	long := strings.Repeat("é@_user_1 ", 10_000)
	got, err := Render("text", `{"text":"`+long+`"}`, people)
	if err != nil || got.Text != strings.Repeat("é@Ada ", 10_000) {
		t.Errorf("%d bytes, error %v", len(got.Text), err)
	}
	deep := strings.Repeat(`{"tag":"column","elements":[`, 4000) + `{"tag":"markdown","content":"bottom"}` + strings.Repeat(`]}`, 4000)
	got, err = Render("interactive", `{"elements":[`+deep+`]}`, nil)
	if err != nil || got.Text != "bottom" {
		t.Errorf("deep card: %.40q, error %v", got.Text, err)
	}
	empty := strings.Repeat(`{"en_us":{"zh_cn":`, 2000) + `""` + strings.Repeat(`}}`, 2000)
	got, err = Render("interactive", `{"i18n_header":`+empty+`,"elements":[]}`, nil) // ends, if no branch is taken twice
	if err != nil || got.Text != "[card without text]" {
		t.Errorf("deep languages: %.40q, error %v", got.Text, err)
	}
	at := `<at ids=` + strings.Repeat(",", 10_000) + `>` + strings.Repeat("x", 10_000) + `</at>`
	got, err = Render("interactive", `{"elements":[{"tag":"markdown","content":"`+at+`."}]}`, nil)
	if err != nil || got.Text != "." {
		t.Errorf("many mentions: %d bytes, error %v", len(got.Text), err)
	}
}

func TestCardThatThePlatformWithholdsIsTold(t *testing.T) {
	const notice = `{"tag":"text","text":"请升级至最新版本客户端，以查看内容"}`
	tests := []struct {
		name, content string
		want          bool
	}{
		{"as recorded", `{"title":null,"elements":[[{"tag":"img","image_key":"i"},` + notice + `,{"tag":"text","text":""}]]}`, true},
		{"with its title", `{"title":"Build","elements":[[` + notice + `]]}`, true},
		{"several", `{"title":"Build","elements":[[` + notice + `],[],[` + notice + `]]}`, true},
		{"in English", `{"title":"","elements":[[{"tag":"text","text":"Please upgrade to the latest version of the client to view content."}]]}`, true},
		{"without rows", `{"elements":[{"tag":"img"},{"tag":"text","text":"Upgrade to the latest app version to view the content"}]}`, true},
		{"beside something else", `{"elements":[[{"tag":"text","text":"state: green"}],[` + notice + `]]}`, false},
		{"beside a button", `{"elements":[[` + notice + `],[{"tag":"button","text":"Open"}]]}`, false},
		{"within a text", `{"elements":[[{"tag":"text","text":"They told me: 请升级至最新版本客户端，以查看内容"}]]}`, false},
		{"a picture alone", `{"title":"T","elements":[[{"tag":"img","image_key":"i"}]]}`, false},
		{"the card beside it", `{"elements":[[` + notice + `]],"user_dsl":"{\"elements\":[{\"tag\":\"markdown\",\"content\":\"x\"}]}"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Render("interactive", tt.content, nil)
			if err != nil || got.Withheld != tt.want {
				t.Errorf("%+v, error %v, want withheld %v", got, err, tt.want)
			}
		})
	}
}

// Whatever the content is, Render comes back, with a text unless the content has an empty one, and with valid UTF-8.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		`{"text":"@_user_1 @_all"}`, `{"title":"t","content":[[{"tag":"at","user_id":"@_user_1"}]]}`, `{"template":"{a} {b","a":["x"]}`,
		`{"elements":[[{"tag":"table","columns":[1],"rows":[{}]}]],"i18n_elements":{"en_us":[]}}`, `{"duration":1e400,"file_key":"k"}`, `[`, "\xff",
		`{"content":[[{"tag":"md","text":"<at id=1><at id=2/></at> <at "}]]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		for messageType := range renderers {
			got, err := Render(messageType, content, people)
			if err != nil && got.Text == "" {
				t.Errorf("%s: an error and no placeholder", messageType)
			}
			if !utf8.ValidString(got.Text) {
				t.Errorf("%s: invalid UTF-8 %q", messageType, got.Text)
			}
		}
	})
}
