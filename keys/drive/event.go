package drive

import (
	"encoding/json"
	"slices"

	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// File is which file an event is about.
type File struct {
	FileToken string `json:"file_token" kind:"file_token" desc:"the file; use it with the API"`
	FileType  string `json:"file_type,omitempty" desc:"docx, sheet, bitable (a Base), slides, file (an uploaded one), doc (a document of the old kind)"`
	Title     string `json:"title,omitempty" desc:"its title now, written by people and not to be trusted; absent if it was not looked up"`
	URL       string `json:"url,omitempty" kind:"url" desc:"its link; absent if it was not looked up"`
}

// fileEvent is what the events of a file have in common.
type fileEvent struct {
	Type  keydef.Text `json:"file_type"`
	Token keydef.Text `json:"file_token"`
	// Some events have one operator, some a list, and the documentation of one shows the list's name with one.
	Operator  users `json:"operator_id"`
	Operators users `json:"operator_id_list"`
}

// file starts the payload of an event; an event that names no file is an error.
func (e *fileEvent) file() (File, error) {
	if e.Token == "" {
		return File{}, keydef.NamesNo("file")
	}
	return File{FileToken: string(e.Token), FileType: string(e.Type)}, nil
}

// operators are the open_ids of those who did it.
func (e *fileEvent) operators() []string {
	all := slices.Concat(e.Operator, e.Operators)
	slices.Sort(all)
	return slices.Compact(all)
}

// operator is the open_id of who did it, empty if the event does not say.
func (e *fileEvent) operator() string {
	if all := slices.Concat(e.Operator, e.Operators); len(all) > 0 {
		return all[0]
	}
	return ""
}

// users are open_ids, read from a list of users or from one; who has none is left out.
type users []string

// UnmarshalJSON never fails on valid JSON.
func (u *users) UnmarshalJSON(raw []byte) error {
	var list []keydef.UserID
	if json.Unmarshal(raw, &list) != nil {
		list = make([]keydef.UserID, 1)
		if err := list[0].UnmarshalJSON(raw); err != nil {
			return err
		}
	}
	*u = nil
	for _, id := range list {
		if id != "" {
			*u = append(*u, string(id))
		}
	}
	return nil
}

// texts are texts, read from a list or from one; empty ones are left out.
type texts []string

// UnmarshalJSON never fails on valid JSON.
func (t *texts) UnmarshalJSON(raw []byte) error {
	var list []keydef.Text
	if json.Unmarshal(raw, &list) != nil {
		list = make([]keydef.Text, 1)
		if err := list[0].UnmarshalJSON(raw); err != nil {
			return err
		}
	}
	*t = nil
	for _, text := range list {
		if text != "" {
			*t = append(*t, string(text))
		}
	}
	return nil
}
