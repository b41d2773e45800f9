package report

import (
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"sluice/internal/outside"
)

// hostile is text that means something in Markdown, HTML, Mermaid or a log.
func hostile() []string {
	return []string{
		"", " ", "plain", "*bold* _it_ ~~gone~~ `code`", "<script>alert(1)</script>", "<!-- -->", "&lt;", "[a](https://evil.example)", "![x](y)",
		"https://evil.example/x", "www.evil.example", "WWW.evil.example", "mail@evil.example", "@octocat look", "#12", "GH-12", "octo/shop#1", "# head", "- item",
		"+ item", "1. one", "23) x", "=== x", "--- x", "***", "> quote", "| a | b |", "a\n\n# b", "a\r\nb", "::error::x", "##[error]x", "$x^2$", "$$",
		"`", "```\nx", "a`b``c", "\\`", "\\", "tab\tx", "\x00\x1b[31mred", "\u202eevil", "\u2028x", "\u200bx", "\xff\xfe", "[ ] todo", ":smile:", "{{x}}", "ftp://x", "ünïcode ✅",
		"footnote[^1]", "term\n: definition", "~~~\nx", "    indented", "<https://auto.link>", "<b", "&amp;#64;",
	}
}

func markdown() goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))
}

// plain parses source and reports the text that it shows, and the first node
// that is more than text in a paragraph.
func plain(source string) (shown string, markup string) {
	src := []byte(source)
	var b strings.Builder
	err := ast.Walk(markdown().Parser().Parse(text.NewReader(src)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Document, *ast.Paragraph, *ast.TextBlock:
		case *ast.Text:
			b.Write(n.Segment.Value(src))
		case *ast.String:
			b.Write(n.Value)
		default:
			markup = n.Kind().String()
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		markup = err.Error()
	}
	return b.String(), markup
}

// TestEscape: whatever is escaped is text, and the same text.
func TestEscape(t *testing.T) {
	for _, in := range hostile() {
		checkEscape(t, in)
	}
}

func FuzzEscape(f *testing.F) {
	for _, in := range hostile() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) { checkEscape(t, in) })
}

func checkEscape(t *testing.T, in string) {
	t.Helper()
	out := escape(in)
	for _, around := range []string{out, "- **x**: " + out} {
		shown, markup := plain(strings.TrimPrefix(around, "- **x**: "))
		if markup != "" {
			t.Fatalf("escape(%q) = %q, which has a %s", in, out, markup)
		}
		if got, want := unescape(shown), outside.Line(in); got != want {
			t.Fatalf("escape(%q) = %q, which shows %q, want %q", in, out, got, want)
		}
	}
	if strings.ContainsAny(out, "\n\r<") {
		t.Fatalf("escape(%q) = %q", in, out)
	}
	if mentions(out) {
		t.Fatalf("escape(%q) = %q, which mentions somebody", in, out)
	}
}

// unescape undoes what goldmark's tree leaves as it was written.
func unescape(shown string) string {
	shown = strings.ReplaceAll(shown, zeroWidth, "")
	var b strings.Builder
	for i := 0; i < len(shown); i++ {
		if shown[i] == '\\' && i+1 < len(shown) {
			i++
		}
		b.WriteByte(shown[i])
	}
	return strings.NewReplacer("&#60;", "<", "&#62;", ">", "&#38;", "&").Replace(b.String())
}

// mentions reports whether GitHub would take a part of text for a person or
// an issue.
func mentions(text string) bool {
	runes := []rune(text)
	for i, r := range runes[:max(len(runes)-1, 0)] {
		if (r == '@' || r == '#') && (unicode.IsLetter(runes[i+1]) || unicode.IsDigit(runes[i+1])) && (i == 0 || runes[i-1] != '&') {
			return true
		}
	}
	return false
}

func FuzzCode(f *testing.F) {
	for _, in := range hostile() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := code(in)
		if out == "" {
			return
		}
		if strings.Count(out, "`") != 2 || strings.ContainsAny(out, "|\n\r") {
			t.Fatalf("code(%q) = %q", in, out)
		}
		first := markdown().Parser().Parse(text.NewReader([]byte(out))).FirstChild().FirstChild()
		if first.Kind() != ast.KindCodeSpan || first.NextSibling() != nil {
			t.Fatalf("code(%q) = %q is a %s", in, out, first.Kind())
		}
	})
}

func FuzzBlock(f *testing.F) {
	for _, in := range hostile() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := block(in)
		if out == "" {
			return
		}
		first := markdown().Parser().Parse(text.NewReader([]byte(out))).FirstChild()
		if first.Kind() != ast.KindFencedCodeBlock || first.NextSibling() != nil {
			t.Fatalf("block(%q) = %q is more than a block", in, out)
		}
	})
}

// survey counts the rows and cells of the tables of a document, and its raw HTML.
func survey(source string) (rows, cells, html int) {
	_ = ast.Walk(markdown().Parser().Parse(text.NewReader([]byte(source))), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n.Kind() {
			case east.KindTableRow:
				rows++
			case east.KindTableCell:
				cells++
			case ast.KindRawHTML, ast.KindHTMLBlock, ast.KindLink, ast.KindAutoLink, ast.KindImage:
				html++
			}
		}
		return ast.WalkContinue, nil
	})
	return rows, cells, html
}
