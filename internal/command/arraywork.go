package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/array"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/mirror"
)

// WorkArray transfers one shard of a plan. A shard below 0 stands for the one that the scheduler's environment names.
func (s *Session) WorkArray(ctx context.Context, plan Location, shard int, o haul.Options) (err error) {
	b, err := s.openArray(ctx, plan, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	h, err := array.Read(ctx, b.client, b.plan)
	if err != nil {
		return err
	}
	if shard < 0 {
		if shard, err = array.Index(len(h.Shards), os.LookupEnv); err != nil {
			return Usagef("%v", err)
		}
	}
	screen := s.Screen()
	defer s.noteStop(ctx)()
	var summary mirror.Summary
	task := arrayTask(string(h.Way), h.From.String(), h.To.String(), fmt.Sprintf("shard %d", shard))
	err = screen.During(task, b.client, func() (err error) {
		summary, err = array.Work(ctx, b.client, b.plan, array.WorkOptions{Shard: shard, Host: hostName(), ContentType: seqfile.ContentType, Observe: s.observeArray})
		return err
	})
	if err == nil || summary.Done > 0 {
		screen.Summary(task, summary)
	}
	if part := new(mirror.IncompleteError); errors.As(err, &part) {
		return fmt.Errorf("%w; listed above", err)
	}
	return err
}

// hostName returns the name of this machine; in Slurm, the one it has there.
func hostName() string {
	if node := os.Getenv("SLURMD_NODENAME"); node != "" {
		return node
	}
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

// FinishArray completes and verifies a plan, or lists what is missing. With abort it discards the plan and all that it started.
func (s *Session) FinishArray(ctx context.Context, at Location, abort bool) (err error) {
	b, err := s.openArray(ctx, at, haul.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	screen, plan := s.Screen(), at.Text
	if abort {
		n, err := array.Abort(ctx, b.client, b.plan)
		if err == nil {
			s.result(fmt.Sprintf("discarded the plan, and the uploads and files it created: %d", n))
		}
		return err
	}
	var v array.Verdict
	task := arrayTask("finish", plan, "", planName(plan))
	err = screen.During(task, b.client, func() (err error) {
		v, err = array.Finish(ctx, b.client, b.plan, array.FinishOptions{Host: hostName(), ContentType: seqfile.ContentType, Note: screen.Note})
		return err
	})
	if err != nil {
		return err
	}
	if err := s.verdict(v, plan); err != nil {
		return err
	}
	s.result(verdictText(v, b.plan))
	return nil
}

// verdictText describes in one line what was verified.
func verdictText(v array.Verdict, d *array.PlanDir) string {
	last := ""
	if v.Last > 0 {
		last = fmt.Sprintf("; manifests and markers transferred last: %d", v.Last)
	}
	return fmt.Sprintf("finished %s, %s; all verified%s; the receipt is %s/receipt.jsonl", counted(v.Objects, "object"), amount.Bytes(v.Bytes), last, trimSlash(d.String()))
}
