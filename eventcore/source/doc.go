// Package source is the boundary between the bus and where events come from: the interface a source implements,
// the events and states it reports, and the parsing of event envelopes.
//
// It is free of the Lark SDK; source/lark implements it on the platform's long connection, whose format is
// source/frame. Package bus calls it.
package source
