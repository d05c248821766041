// Package keys is the list of everything that can be subscribed to: the keys written by hand (one sub-package for each
// domain of the platform, gathered in keys/curated), the generated ones (keys/native) and those of the user
// (keys/ownkeys). It registers them.
//
// It defines no key itself and runs no hook, and no package under it links the Lark SDK: go generate reads the SDK's
// source. The command line calls [Register] at start-up; a new domain is one sub-package with a Keys function, and one
// line in keys/curated.
package keys

// The native keys and their types come first: the reference shows them.
//go:generate go run ./native/gen
//go:generate go run ./internal/eventdocs ../docs
