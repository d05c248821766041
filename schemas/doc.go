// Package schemas makes JSON Schema (draft 2020-12) documents: of payloads from Go types or from written-out
// schemas, wrapped in the V2 event envelope where they need it, and of parameters.
//
// It knows nothing of the registry or of any key. Package eventcore calls it and keeps the results.
package schemas
