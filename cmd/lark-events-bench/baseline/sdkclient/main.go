// Command sdkclient is what lark-events-mcp is measured against: the least that receives Lark's messages with the SDK's
// own client and prints each body on a line. It keeps nothing and serves nobody.
//
// Its argument says how the handler is registered, in one of the two ways that the SDK has: "typed", which is how its
// documentation does it for an event that it knows, and decodes the body into a struct; or "raw", which is for any event
// type and does not. Both print the body as it came.
package main

import (
	"context"
	"log"
	"os"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"
	"github.com/larksuite/oapi-sdk-go/v3/ws"
)

func main() {
	// What comes over a long connection is neither encrypted nor signed, so that the dispatcher needs no keys.
	handler := dispatcher.NewEventDispatcher("", "")
	switch how := os.Args[len(os.Args)-1]; how {
	case "typed":
		handler.OnP2MessageReceiveV1(func(_ context.Context, event *larkim.P2MessageReceiveV1) error {
			return printBody(event.Body)
		})
	case "raw":
		handler.OnCustomizedEvent("im.message.receive_v1", func(_ context.Context, event *larkevent.EventReq) error {
			return printBody(event.Body)
		})
	default:
		log.Fatalf("sdkclient %s: the argument must be typed or raw", how)
	}
	client := ws.NewClient(os.Getenv("LARK_APP_ID"), os.Getenv("LARK_APP_SECRET"),
		ws.WithEventHandler(handler), ws.WithDomain(os.Getenv("LARK_DOMAIN")),
		ws.WithLogLevel(larkcore.LogLevelError)) // it logs to stdout
	log.Fatal(client.Start(context.Background()))
}

// printBody writes a line in one call, because handlers run beside each other.
func printBody(body []byte) error {
	_, err := os.Stdout.Write(append(body, '\n'))
	return err
}
