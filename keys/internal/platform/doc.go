// Package platform has the types of all events that the Lark SDK knows: for each struct that an event is made of, one with
// the same members.
//
// It is generated (go generate in package keys) but for this file. It has types only, so that a key which passes events on
// as they come need not link the SDK, whose packages take minutes to compile. Packages keys/native, keys/im and
// keys/calendar describe such keys with it; most other keys have payload types of their own.
//
// A type is named for the SDK's package and type: ImV1MessageReadV1Data is P2MessageReadV1Data of service/im/v1.
package platform
