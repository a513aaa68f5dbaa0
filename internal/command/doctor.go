package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/doctor"
	"haul.example/haul/internal/journal"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// doctorDial is how long a connection of haul doctor may take to open.
const doctorDial = 3 * time.Second

// DoctorRequest checks what a transfer needs.
type DoctorRequest struct {
	Where store.Ref // a bucket and a prefix; without a bucket, only the connection is checked
	Write bool      // write test objects; otherwise a person is asked, if there is a terminal
	Attrs store.Attrs
}

// doctorError reports checks that are bad.
type doctorError struct{ names []string }

// Error names them.
func (e *doctorError) Error() string {
	are := "are"
	if len(e.names) == 1 {
		are = "is"
	}
	return fmt.Sprintf("%s %s BAD: %s", amount.Count(len(e.names), "check"), are, strings.Join(e.names, ", "))
}

// Doctor runs r.
func (s *Session) Doctor(ctx context.Context, r DoctorRequest) error {
	var bad []string
	report := func(f doctor.Finding) {
		if f.Grade == doctor.Bad {
			bad = append(bad, f.Name)
		}
		s.Screen().Diagnosed(f)
	}
	dir, err := journal.Dir("")
	if err != nil {
		return err
	}
	if s.storesErr != nil && s.Connection.Store != "" { // nobody knows where that store is
		report(doctor.Finding{Name: "version", Grade: doctor.OK, Text: Version()})
		report(doctor.BadStores(s.storesErr))
		return &doctorError{bad}
	}
	st, err := s.Connection.openWithin(ctx, doctorDial)
	if usage := new(UsageError); errors.As(err, &usage) {
		return err
	}
	if err != nil {
		report(doctor.Finding{Name: "version", Grade: doctor.OK, Text: Version()})
		report(doctor.Finding{Name: "configuration", Grade: doctor.Bad, Text: message(err), Advice: strings.Join(s.hints(err), "; ")})
		return &doctorError{bad}
	}
	if r.Where.Bucket != "" && !r.Write {
		if r.Write, err = s.mayWrite(ctx, r.Where); err != nil {
			return err
		}
	}
	req := doctor.Request{Version: Version(), Stores: s.storeNames(), StoresErr: s.storesErr, StateDir: dir, Where: r.Where, Write: r.Write, Attrs: r.Attrs}
	req.Line = func(words ...string) string { return s.Connection.line(append([]string{"haul"}, words...)...) }
	for _, name := range proxyVariables {
		if os.Getenv(name) != "" {
			req.ProxyVariables = append(req.ProxyVariables, name)
		}
	}
	if err := req.Run(ctx, st, report); err != nil {
		return err
	}
	if len(bad) > 0 {
		return &doctorError{bad}
	}
	return nil
}

// mayWrite asks whether test objects may be written, if a person is there to answer.
func (s *Session) mayWrite(ctx context.Context, where store.Ref) (bool, error) {
	if s.JSON || s.Quiet || ui.TerminalOf(s.System.Stderr) == nil || ui.TerminalOf(s.System.Stdin) == nil {
		return false, nil
	}
	line, err := ask(ctx, fmt.Sprintf("Write two small test objects under %s, and remove them? [y/N] ", ui.Printable(where.String())))
	if ctx.Err() != nil {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(line)) // without an answer it is no
	return answer == "y" || answer == "yes", nil
}

// doctorLine returns the command that checks the connection to a bucket.
func (c *Connection) doctorLine(bucket string) string {
	if bucket == "" {
		return c.line("haul", "doctor")
	}
	return c.line("haul", "doctor", Scheme+bucket)
}
