package awscli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

const noCredentials = "Unable to locate credentials"

// text returns why something failed, in the words of aws if it has any.
func (f *face) text(err error) string {
	var e *store.Error
	if errors.As(err, &e) && !errors.Is(err, mirror.ErrKept) {
		switch {
		case e.Kind == store.NoCredentials && errors.Is(err, s3.ErrNoneFound):
			return noCredentials
		case e.Kind == store.NoCredentials && e.Code == "":
			return credentialsText(e)
		case (e.Status/100 == 2 || e.Status == 0 && e.Kind == store.Unsupported) && e.Code == "": // it was done, and not as it was asked for
			return strings.TrimSuffix(fmt.Sprintf("%v; %s", e.Err, e.Hint), "; ")
		case e.Status != 0 || e.Code != "":
			return serverText(e)
		case e.Kind == store.Stalled && f.store != nil:
			f.out.Debug(err.Error())
			return fmt.Sprintf("Read timeout on endpoint URL: %q", f.address(e.Ref))
		case e.Kind == store.Network && f.store != nil:
			f.out.Debug(err.Error())
			return fmt.Sprintf("Could not connect to the endpoint URL: %q", f.address(e.Ref))
		}
		return err.Error()
	}
	var at *fs.PathError
	if n, ok := osErrno(err); ok && errors.As(err, &at) {
		return errnoText(int(n), n.Error(), at.Path)
	}
	if errors.Is(err, command.ErrReaderGone) {
		return "[Errno 32] Broken pipe"
	}
	return err.Error()
}

// credentialsText returns why there are no credentials, and what to do about it.
func credentialsText(e *store.Error) string {
	text := fmt.Sprintf("Error when retrieving credentials: %v", e.Err)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// address returns the URL of an object.
func (f *face) address(ref store.Ref) string {
	url := cmp.Or(f.settings.endpoint, "https://"+f.store.String())
	return strings.TrimSuffix(strings.TrimSuffix(url, "/")+"/"+ref.Bucket+"/"+ref.Key, "/")
}

// serverText returns the answer of a server.
func serverText(e *store.Error) string {
	code, message := codeAndMessage(e)
	return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", code, e.Op, message)
}

// codeAndMessage returns what a server answered. An answer to a HEAD has no body, so that the status stands for the code.
func codeAndMessage(e *store.Error) (code, message string) {
	if e.Code == "" {
		return fmt.Sprint(e.Status), http.StatusText(e.Status)
	}
	return e.Code, e.Message
}

func errnoText(n int, text, path string) string {
	return fmt.Sprintf("[Errno %d] %s: '%s'", n, strings.ToUpper(text[:1])+text[1:], path)
}

// serviceRefusal returns the exit code and the refusal of an error that ends a verb without transfers.
func (f *face) serviceRefusal(err error) (int, refusal) {
	var e *store.Error
	switch {
	case !errors.As(err, &e):
	case e.Kind == store.NoCredentials && errors.Is(err, s3.ErrNoneFound):
		return codeConfig, refusal{Code: "NoCredentials", Message: noCredentials + `. You can configure credentials by running "aws login".`}
	case e.Op == "Open" && e.Err != nil:
		return codeGeneral, refusal{Message: e.Err.Error()}
	case e.Status != 0 || e.Code != "":
		code, message := codeAndMessage(e)
		return codeService, refusal{code, message, f.text(err)}
	}
	return codeGeneral, refusal{Message: f.text(err)}
}

// headText returns the text for a source that does not exist or is not accessible: aws sends a HEAD first, and haul may have found out
// by another request.
func headText(err error, key string) (string, bool) {
	var e *store.Error
	if !errors.As(err, &e) {
		return "", false
	}
	status, message := 0, ""
	switch e.Kind {
	case store.NotFound, store.NoBucket:
		status, message = http.StatusNotFound, "Not Found"
		if key != "" {
			message = fmt.Sprintf("Key \"%s\" does not exist", key)
		}
	case store.Denied:
		status, message = http.StatusForbidden, "Forbidden"
	default:
		return "", false
	}
	return fmt.Sprintf("An error occurred (%d) when calling the HeadObject operation: %s", status, message), true
}
