package outsidetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	nethtml "golang.org/x/net/html"
)

// github reads Markdown as GitHub does.
var github = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
})

// Markdown finds what GitHub would make of a summary beside what summaries are made
// of: one heading, paragraphs, lists of one level, tables, code, and diagrams of our
// own, and links to addresses that begin as one of ours. Other links, tags, pictures,
// mentions and other headings are none of them.
func Markdown(source string, ours ...string) []string {
	src := []byte(source)
	var wrong []string
	headings := 0
	_ = ast.Walk(github().Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Paragraph, *ast.TextBlock, *ast.List, *ast.ListItem, *ast.Emphasis, *ast.String,
			*east.Table, *east.TableHeader, *east.TableRow, *east.TableCell:
		case *ast.Heading:
			if headings++; headings > 1 || n.Level != 3 {
				wrong = append(wrong, fmt.Sprintf("it has a heading %q", string(n.Lines().Value(src))))
			}
		case *ast.Text:
			if mentions(string(n.Segment.Value(src))) {
				wrong = append(wrong, fmt.Sprintf("it mentions somebody: %q", n.Segment.Value(src)))
			}
		case *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock:
			wrong = append(wrong, fenced(string(n.Language(src)), string(n.Lines().Value(src)))...)
		case *ast.Link:
			if !slices.ContainsFunc(ours, func(begins string) bool { return strings.HasPrefix(string(n.Destination), begins) }) {
				wrong = append(wrong, fmt.Sprintf("it links %.100q", n.Destination))
			}
		default:
			wrong = append(wrong, "it has a "+n.Kind().String())
		}
		return ast.WalkContinue, nil
	})
	return append(wrong, Terminal(strings.ReplaceAll(source, "\u200b", ""))...)
}

// fenced judges a block of code: text, or a diagram.
func fenced(language, body string) []string {
	if language == "text" {
		return nil
	}
	if language != "mermaid" {
		return []string{"it has a block of " + language}
	}
	var wrong []string
	for line := range strings.Lines(body) {
		if !mermaid.MatchString(strings.TrimRight(line, "\n")) {
			wrong = append(wrong, fmt.Sprintf("Mermaid reads %q", line))
		}
	}
	return wrong
}

// mermaid is a line of one of our diagrams.
var mermaid = regexp.MustCompile(`^(?:flowchart LR|  s\d+\["[^"<>&#;@]*"\]:::\w+|  s\d+ --> s\d+|  classDef \w+ [\w:#,-]+|` +
	`xychart-beta|  title "[^"]*"|  x-axis \[(?:"[\d:]+"(?:, )?)*\]|  line \[[-\d., ]*\])$`)

// mentions reports whether GitHub would take a part of text for a person or an issue.
func mentions(text string) bool {
	runes := []rune(text)
	for i := range len(runes) - 1 {
		if (runes[i] == '@' || runes[i] == '#') && (unicode.IsLetter(runes[i+1]) || unicode.IsDigit(runes[i+1])) && (i == 0 || runes[i-1] != '&') {
			return true
		}
	}
	return false
}

// Page finds what a browser would do for what was planted in an HTML page.
func Page(source string) []string {
	doc, err := nethtml.Parse(strings.NewReader(source))
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for n := range doc.Descendants() {
		switch n.Type {
		case nethtml.TextNode:
			if n.Parent.Data != "style" {
				wrong = append(wrong, Terminal(n.Data)...)
			}
		case nethtml.ElementNode:
			wrong = append(wrong, element(n)...)
		}
	}
	return wrong
}

func element(n *nethtml.Node) []string {
	var wrong []string
	switch n.Data {
	case "script", "img", "iframe", "object", "embed", "base", "form", "b":
		wrong = append(wrong, "it has a "+n.Data)
	}
	for _, a := range n.Attr {
		value := strings.ToLower(strings.TrimSpace(a.Val))
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == acted:
			wrong = append(wrong, fmt.Sprintf("a %s has %s", n.Data, a.Key))
		case a.Key == "href" && value != "data:," && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "#"):
			wrong = append(wrong, fmt.Sprintf("a link leads to %.60q", a.Val))
		}
	}
	return wrong
}
