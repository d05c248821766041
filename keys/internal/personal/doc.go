// Package personal has what keys share that the platform sends on behalf of a user who subscribed: the param that
// keeps to the events of the signed-in user, and lookups of things that the platform is still making.
//
// It is not for keys that listen as a bot and knows no key. The packages under keys call it.
package personal
