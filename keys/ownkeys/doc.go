// Package ownkeys loads event keys that a user has written, each a JSON file of one folder, and holds them to the rules
// of the built-in ones.
//
// It registers nothing and knows no built-in key. Package keys calls it for --keys-dir; docs/own-keys.md describes the
// files.
package ownkeys
