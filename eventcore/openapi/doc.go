// Package openapi calls the platform's open API as the app's bot or as a user: tokens, time limits, retries of what
// is safe to try again, and refusals turned into errors that say what to do.
//
// It stands on the SDK's core package alone, knows no single API, and opens nothing before the first call. Package
// consume hands its clients to the hooks of event keys; whoever starts a source asks it for the number of connections.
package openapi
