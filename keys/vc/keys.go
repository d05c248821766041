package vc

import (
	"embed"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

//go:embed examples
var examples embed.FS

// lookupWorkers is how many events of one consumer may be looked up at once.
const lookupWorkers = 4

// readMeeting are the scopes of which meeting events and the lookup of a meeting need one.
const readMeeting = "vc:meeting.meetingevent:read"

// Keys returns the definitions of the domain.
func Keys() []eventcore.KeyDefinition {
	keys := participantKeys()
	keys = append(keys, noteKey())
	keys = append(keys, recordingKeys()...)
	return append(keys, invitedKey(), activityKey(), botEndedKey())
}

// subscribedAt makes def a key for which a user subscribes at the two calls below path.
func subscribedAt(path string, def eventcore.KeyDefinition) eventcore.KeyDefinition {
	return keydef.SubscribedBy(def,
		keydef.Post(path+"/subscription", def.EventType),
		keydef.Post(path+"/unsubscription", def.EventType))
}

func user() []string { return []string{"user"} }

func bot() []string { return []string{"bot"} }
