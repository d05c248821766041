package larksim

// Person is somebody of the simulated company, by name and ids.
type Person struct {
	Name    string
	OpenID  string
	UnionID string
	UserID  string
}

// Chat is a conversation.
type Chat struct {
	ID   string
	Name string
	Type string // group or p2p
}

// The simulated company. Ids are fixed, so that a test and a transcript can name them. Do not change them.
var (
	Ada   = person("Ada Chen")
	Bruno = person("Bruno Costa")
	Chiyo = person("Chiyo Mori")
	// Bot is the app's bot.
	Bot = Person{Name: "Eventide", OpenID: "ou_" + fixedID("bot open id"), UnionID: "on_" + fixedID("bot union id")}

	Engineering = Chat{ID: "oc_" + fixedID("engineering"), Name: "Engineering", Type: "group"}
	Direct      = Chat{ID: "oc_" + fixedID("ada and the bot"), Type: "p2p"}
)

func person(name string) Person {
	return Person{
		Name: name, OpenID: "ou_" + fixedID(name), UnionID: "on_" + fixedID("union "+name), UserID: fixedID("user " + name)[:8],
	}
}

// object is a JSON object.
type object = map[string]any

func (p Person) ids() object {
	ids := object{"open_id": p.OpenID, "union_id": p.UnionID}
	if p.UserID != "" {
		ids["user_id"] = p.UserID
	}
	return ids
}
