package awsline

import (
	"fmt"
	"slices"
	"strings"
)

// Paths says how many words of a verb are no options. They stand together, as argparse wants it.
type Paths struct {
	Name     string
	Min, Max int
}

// reader reads words by one table.
type reader struct {
	options []Option
	paths   Paths
}

// reading is what a reader found; extras are the words that its table does not know.
type reading struct {
	values  Values
	filters []Filter
	paths   []string
	extras  []string
}

// word is one word of the line, classified.
type word struct {
	text   string
	option *Option
	value  *string // after "="
	dashes bool    // an option, known or not
	end    bool    // the word --
}

func (r reader) read(args []string) (reading, error) {
	got := reading{values: Values{}}
	words, err := r.classify(args)
	if err != nil {
		return got, err
	}
	for at := 0; at < len(words); {
		if w := words[at]; w.dashes {
			if at, err = r.option(words, at, &got); err != nil {
				return got, err
			}
			continue
		}
		at = r.plain(words, at, &got)
	}
	if len(got.paths) < r.paths.Min {
		return got, badLine("the following arguments are required: %s", r.paths.Name)
	}
	return got, nil
}

// classify tells options from other words, and which options.
func (r reader) classify(args []string) ([]word, error) {
	var words []word
	for i, text := range args {
		if text == "--" {
			words = append(words, word{text: text, end: true})
			for _, rest := range args[i+1:] {
				words = append(words, word{text: rest})
			}
			return words, nil
		}
		w, err := r.wordOf(text)
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	return words, nil
}

// wordOf classifies one word.
func (r reader) wordOf(text string) (word, error) {
	w := word{text: text}
	if len(text) < 2 || text[0] != '-' {
		return w, nil
	}
	name, value, cut := strings.Cut(text, "=")
	if o := r.find(text); o != nil {
		w.option, w.dashes = o, true
		return w, nil
	}
	var fits []*Option
	var names []string
	if strings.HasPrefix(name, "--") {
		for i := range r.options {
			if full := "--" + r.options[i].Name; full == name {
				fits, names = []*Option{&r.options[i]}, nil
				break
			} else if strings.HasPrefix(full, name) {
				fits, names = append(fits, &r.options[i]), append(names, full)
			}
		}
	}
	switch {
	case len(fits) > 1:
		return w, badLine("ambiguous option: %s could match %s", text, strings.Join(names, ", "))
	case len(fits) == 1:
		w.option, w.dashes = fits[0], true
		if cut {
			w.value = &value
		}
	default:
		w.dashes = !isNumber(text) && !strings.Contains(text, " ")
	}
	return w, nil
}

func (r reader) find(text string) *Option {
	for i := range r.options {
		if "--"+r.options[i].Name == text {
			return &r.options[i]
		}
	}
	return nil
}

// isNumber tells a negative number, which is no option: -5, -1.5, -.5.
func isNumber(text string) bool {
	whole, fraction, dot := strings.Cut(text[1:], ".")
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	return digits(whole) && digits(fraction) && (dot && fraction != "" || !dot && whole != "")
}

// plain takes a run of words that are no options, and gives where it ends.
func (r reader) plain(words []word, at int, got *reading) int {
	var run, free []string
	end := at
	for ; end < len(words) && !words[end].dashes; end++ {
		run = append(run, words[end].text)
		if !words[end].end {
			free = append(free, words[end].text)
		}
	}
	least := max(r.paths.Min, min(1, r.paths.Max))
	if len(got.paths) > 0 || len(free) < least {
		got.extras = append(got.extras, run...)
		return end
	}
	n := min(len(free), r.paths.Max)
	got.paths = free[:n]
	got.extras = append(got.extras, free[n:]...)
	return end
}

// option takes an option with its values, and gives where the next word is.
func (r reader) option(words []word, at int, got *reading) (int, error) {
	w := words[at]
	at++
	if w.option == nil {
		got.extras = append(got.extras, w.text)
		return at, nil
	}
	o := w.option
	var values []string
	if w.value != nil {
		if o.Takes == Nothing {
			return at, badLine("argument --%s: ignored explicit argument %s", o.Name, quoted(*w.value))
		}
		values = []string{*w.value}
	} else {
		for at < len(words) && !words[at].dashes && !words[at].end && len(values) < o.Takes.most() {
			values = append(values, words[at].text)
			at++
		}
	}
	if len(values) < o.Takes.least() {
		return at, badLine("argument --%s: %s", o.Name, o.Takes.expected())
	}
	if len(values) == 0 && o.Takes == Maybe {
		values = []string{o.Without}
	}
	for _, v := range values {
		if len(o.Choices) > 0 && !slices.Contains(o.Choices, v) {
			return at, badLine("argument --%s: %s", o.Name, badChoice(v, o.Choices))
		}
	}
	got.take(o, values)
	return at, nil
}

func (g *reading) take(o *Option, values []string) {
	switch {
	case o.Filter:
		g.filters = append(g.filters, Filter{Include: o.Name == "include", Pattern: values[0]})
	case o.Takes == Two:
		g.values[o.Name] = append(g.values[o.Name], values...)
	default:
		g.values[o.Name] = values
	}
}

// badChoice refuses a value. The AWS CLI lists only choices that are much like it.
func badChoice(value string, all []string) string {
	return fmt.Sprintf("Found invalid choice %s\n\nValid choices are: %s", quoted(value), strings.Join(all, ", "))
}

// quoted writes a word as Python shows it.
func quoted(s string) string {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'"
}
