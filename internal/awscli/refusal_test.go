package awscli

import "testing"

// The table is what aws-cli 2.9.19 makes of the same two values.
func TestErrorFormats(t *testing.T) {
	r := refusal{Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
	for format, want := range map[string]string{
		"json": "{\n    \"Code\": \"NoSuchBucket\",\n    \"Message\": \"The specified bucket does not exist\"\n}\n",
		"yaml": "Code: NoSuchBucket\nMessage: The specified bucket does not exist\n",
		"text": "NoSuchBucket\tThe specified bucket does not exist\n",
		"table": "---------------------------------------------------------\n" +
			"|                         error                         |\n" +
			"+---------------+---------------------------------------+\n" +
			"|     Code      |                Message                |\n" +
			"+---------------+---------------------------------------+\n" +
			"|  NoSuchBucket |  The specified bucket does not exist  |\n" +
			"+---------------+---------------------------------------+\n",
	} {
		if got := r.formatted(format); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
	for text, want := range map[string]string{
		"plain text": "plain text", "a: b": `"a: b"`, "404": `"404"`, "": `""`, "two\nlines": `"two\nlines"`, "it's": `"it's"`, "<S3Uri>": `"<S3Uri>"`,
	} {
		if got := yamlText(text); got != want {
			t.Errorf("%q is %s, not %s", text, got, want)
		}
	}
}
