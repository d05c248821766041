package larksim

import (
	"context"
	"time"
)

// Step is one event of a scenario, with what happens in it for people to read.
type Step struct {
	Title string
	Event Event
}

// Scenario is a story told in events.
type Scenario struct {
	Steps    []Step
	platform *Platform
}

// CompanyChat is a morning in a small company's chat: people write, ask the bot, share files and react.
func (p *Platform) CompanyChat() *Scenario {
	question := Text(Bruno, Engineering, "@"+Bot.Name+" which deployments are waiting for review?", Bot)
	report := Text(Ada, Engineering, "Good morning! The nightly build is green again.")
	private := Text(Ada, Direct, "Remind me of the release notes at four, please.")
	return &Scenario{platform: p, Steps: []Step{
		{"Ada adds the bot to Engineering", BotAdded(Ada, Engineering)},
		{"Ada reports the build", report},
		{"Chiyo reacts to it", Reaction(Chiyo, report.MessageID(), "THUMBSUP")},
		{"Bruno asks the bot", question},
		{"Chiyo posts the plan", Post(Chiyo, Engineering, "Plan for 2.4", "Freeze on Thursday, release on Friday.",
			"https://example.com/plan/2.4")},
		{"Chiyo shares a screenshot", Image(Chiyo, Engineering)},
		{"Bruno shares the changelog", File(Bruno, Engineering, "changelog-2.4.pdf")},
		{"Ada adds Chiyo to the group", MemberAdded(Ada, Chiyo, Engineering)},
		{"Ada renames the group", ChatRenamed(Ada, Engineering, "Engineering · 2.4")},
		{"Ada writes to the bot alone", private},
		{"Ada reads the bot's answer", Read(Ada, "om_"+newID())},
		{"Bruno approves on a card", CardPressed(Bruno, Engineering, "om_"+newID(), map[string]any{"approve": "2.4"})},
	}}
}

// Play sends the steps with a pause of interval between two, and returns the receipts of what was sent. It ends
// early, with ctx's error, if ctx ends. It does not wait for acknowledgements.
func (s *Scenario) Play(ctx context.Context, interval time.Duration) ([]*Receipt, error) {
	var receipts []*Receipt
	pause := time.NewTimer(interval)
	defer pause.Stop()
	for i, step := range s.Steps {
		if i > 0 {
			pause.Reset(interval)
			select {
			case <-pause.C:
			case <-ctx.Done():
				return receipts, ctx.Err()
			}
		}
		step.Event.Created = time.Now()
		receipts = append(receipts, s.platform.Send(step.Event))
	}
	return receipts, ctx.Err()
}
