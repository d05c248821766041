package keydef

import "fmt"

// Bounds of the words of a key, in bytes.
const (
	maxTitle       = 60
	minDescription = 80
)

// CheckTitle returns what is wrong with a key's title, which a model reads in lists of many.
func CheckTitle(title string) error {
	if title == "" || len(title) > maxTitle {
		return fmt.Errorf("it has %d bytes, and must have 1 to %d", len(title), maxTitle)
	}
	return nil
}

// CheckDescription returns what is wrong with a key's description, by which a model chooses.
func CheckDescription(description string) error {
	if len(description) < minDescription {
		return fmt.Errorf("it has %d bytes, and must have %d or more: what happens, what a subscriber gets, what it does not cover",
			len(description), minDescription)
	}
	return nil
}
