package eventcore

import "strings"

// SanitizeAppID makes an app id safe as one element of a file path: "..", path separators and NUL become "_",
// and an id that is empty or only dots becomes "_".
func SanitizeAppID(appID string) string {
	if strings.Trim(appID, ".") == "" {
		return "_"
	}
	return strings.NewReplacer("..", "_", "/", "_", `\`, "_", "\x00", "_").Replace(appID)
}
