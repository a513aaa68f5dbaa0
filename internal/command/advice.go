package command

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/stage"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// Explain turns an error into a message and advice: what happened, what to do about it, how to resume, how to clean up.
func (s *Session) Explain(err error) ui.Failure {
	f := ui.Failure{Code: ExitCode(err), Kind: kindName(err), Message: message(err)}
	var usage *UsageError
	if errors.As(err, &usage) {
		if usage.Instead != "" {
			f.Advice = append(f.Advice, "did you mean "+usage.Instead+"?")
		}
		f.Advice = append(f.Advice, "see "+cmp.Or(usage.Command, "haul")+" --help")
		return f
	}
	if rest := new(unfinishedError); errors.As(err, &rest) {
		f.Advice = rest.advice()
		return f
	}
	if part := new(PartialError); errors.As(err, &part) {
		f.Advice = append(f.Advice, s.hints(part.first)...)
		return f
	}
	if found := new(verifyError); errors.As(err, &found) {
		f.Advice = found.advice()
		return f
	}
	if rest := new(batchError); errors.As(err, &rest) {
		f.Advice = rest.advice()
		return f
	}
	f.Advice = append(f.Advice, s.hints(err)...)
	tree, folder := new(treeError), new(stage.FolderError)
	switch {
	case errors.As(err, &tree):
		s.treeLeftovers(&f, tree)
	case errors.As(err, &folder):
		folderLeftovers(&f, folder)
	default:
		s.leftovers(&f, err)
	}
	return f
}

// message returns the text of an error, without repetition.
func message(err error) string {
	var busy *journal.BusyError
	if errors.As(err, &busy) && errors.Is(err, stage.ErrRuns) {
		return fmt.Sprintf("%v: process %d on %s", stage.ErrRuns, busy.PID, busy.Host)
	}
	if errors.As(err, &busy) && busy.PID != 0 {
		return fmt.Sprintf("%v: process %d on %s", haul.ErrBusy, busy.PID, busy.Host)
	}
	var e *store.Error
	if errors.As(err, &e) && e.Op == "Open" && e.Err != nil { // opening a store involves no object
		return ui.Reason(e.Err)
	}
	return ui.Reason(err)
}

// hints returns advice about the cause.
func (s *Session) hints(err error) []string {
	var stopped *Stopped
	if errors.As(err, &stopped) {
		return nil
	}
	var hints []string
	var e *store.Error
	if errors.As(err, &e) {
		switch {
		case e.Kind == store.NoBucket: // in place of the store's hint, which cannot know the flags
			hints = append(hints, "check the spelling; to make the bucket: "+s.Connection.line("haul", "mb", Scheme+e.Ref.Bucket))
		case e.Kind == store.NotFound && e.Hint == "" && strings.HasSuffix(e.Ref.Key, "/"):
			hints = append(hints, "a folder is not an object; to copy everything in it, use --recursive")
		case e.Hint != "":
			hints = append(hints, e.Hint)
		case e.Kind == store.Unknown, e.Kind == store.Network:
			hints = append(hints, "to find the cause, or for a bug report: "+s.Connection.doctorLine(e.Ref.Bucket))
		}
	}
	var empty *mirror.EmptySourceError
	switch {
	case errors.As(err, &empty) && empty.Planned:
		hints = append(hints, "check that the source is mounted; if it is meant to be empty, make a new plan with --allow-empty-source")
	case empty != nil:
		hints = append(hints, "check that the source is mounted, and check its spelling; to delete anyway: --allow-empty-source")
	case errors.Is(err, stage.ErrRuns):
		hints = append(hints, "wait for it, or stop it; to run the same command several times at once, give each run its own --workdir")
	case errors.Is(err, haul.ErrBusy):
		hints = append(hints, "wait for it, or stop it and run the same command again")
	}
	return hints
}

// leftovers adds what a failed transfer leaves behind: how much is kept, how to resume, and how to discard it.
func (s *Session) leftovers(f *ui.Failure, err error) {
	var total int64
	var moved *transferError
	if errors.As(err, &moved) {
		total = moved.total
	}
	var left *haul.IncompleteUploadError
	var kept *haul.PartialFileError
	switch {
	case errors.As(err, &left):
		f.KeptBytes, f.Resumable = left.Bytes, left.Resumable
		f.Discard = s.Connection.AbortLine(left.Upload.Ref)
		if left.Resumable {
			f.Advice = append(f.Advice, resumeAdvice(stored(left.Bytes, total, "")))
		} else {
			f.Advice = append(f.Advice, fmt.Sprintf("%s of it remains on the server, and may be billed", amount.Bytes(left.Bytes)))
		}
		f.Advice = append(f.Advice, "to discard it: "+f.Discard)
	case errors.As(err, &kept):
		f.KeptBytes, f.Resumable = kept.Bytes, true
		f.Discard = ShellLine("rm", kept.Path)
		f.Advice = append(f.Advice, resumeAdvice(stored(kept.Bytes, total, " in "+kept.Path)), "to discard it: "+f.Discard)
	}
}

// resumeAdvice returns how to resume, and what is kept, such as "3.1 of 7.9 GiB is already stored"; empty is nothing.
func resumeAdvice(kept string) string {
	if kept == "" {
		return "to retry, run the same command again; nothing is stored yet"
	}
	return "to resume, run the same command again: " + kept
}

// stored returns how much of a transfer is kept; empty is nothing.
func stored(bytes, total int64, where string) string {
	if bytes == 0 {
		return ""
	}
	return amount.Of(bytes, total) + " is already stored" + where
}

// ShellWord quotes a text as one word of a POSIX shell.
func ShellWord(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@%+,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// ShellLine joins words to a command for a POSIX shell.
func ShellLine(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = ShellWord(w)
	}
	return strings.Join(quoted, " ")
}
