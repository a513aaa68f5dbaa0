package s5cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// reason returns why something failed, in one line, in the words of s5cmd, which are those of the AWS SDK, if it has any.
func reason(err error) string {
	var e *store.Error
	var at *fs.PathError
	var missing *missingError
	switch {
	case errors.As(err, &missing):
		return missing.Error()
	case errors.Is(err, mirror.ErrKept):
		return oneLine(err.Error())
	case errors.As(err, &e):
		return oneLine(storeReason(e, err))
	case errors.As(err, &at):
		return oneLine(at.Error())
	}
	return oneLine(err.Error())
}

var toSpaces = strings.NewReplacer("\n", " ", "\t", " ")

// oneLine puts a text into one line exactly as s5cmd does: an error of the SDK without a message keeps two spaces.
func oneLine(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(toSpaces.Replace(text), "  ", " "))
}

func storeReason(e *store.Error, err error) string {
	text := err.Error()
	switch {
	case e.Kind == store.NoCredentials && errors.Is(err, s3.ErrNoneFound):
		text = "NoCredentialProviders: no valid providers in chain"
	case e.Status/100 == 2 && e.Code == "": // it was done, and not as it was asked for
		text = fmt.Sprint(e.Err)
	case e.Status != 0 || e.Code != "":
		return serverReason(e)
	case e.Kind == store.Network || e.Kind == store.Stalled:
		text = fmt.Sprintf("RequestError: send request failed caused by: %v", e.Err)
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// serverReason returns the answer of a server. That to a HEAD has no body, so that the status stands for the code.
func serverReason(e *store.Error) string {
	code, message := e.Code, e.Message
	switch {
	case code == "" && e.Kind == store.NotFound:
		code, message = "NoSuchKey", "The specified key does not exist."
	case code == "":
		message = http.StatusText(e.Status)
		code = strings.ReplaceAll(message, " ", "")
	}
	return fmt.Sprintf("%s: %s\n\tstatus code: %d, request id: %s, host id: ", code, message, e.Status, e.RequestID)
}
