package outsidetest

import "strings"

// acted is in every part of [Words] at the place where it would act.
const acted = "acted"

// Words are text that means something in each of the places where text is shown: to a
// terminal, to GitHub's runner, in the file of a step's outputs, in Markdown, in HTML,
// in Mermaid, in Slack.
const Words = "w\x1b[2J\x1b]0;acted\a\u202eb\u200bc\u009bd\x7f\ufeffe\u2066" +
	"\r\n::error::acted\r\n  ::set-output name=acted::1\n##[error]acted\n::stop-commands::acted\n::acted::\n::add-mask::acted\r::error::acted" +
	"\u2028::error::acted\u2029::error::acted\v::error::acted\u0085::error::acted" +
	"\nacted=1\nacted<<EOF\n1\nEOF\n" +
	"\n| acted | acted |\n|---|---|\n\n# acted\n\n- acted\n\n```\n\n~~~\n\n    acted\n\n---\n</code></td></style></title><b>acted</b><script>acted</script><img src=x onerror=acted>" +
	"![acted](https://acted.example)[acted](https://acted.example)<https://acted.example> https://acted.example www.acted.example @acted #12 acted/acted#1 ~~acted~~ __acted__ $acted$ [^1]" +
	"\"]; click s0 call acted()\n  s0 --> acted\n```mermaid\n'\"><svg/onload=acted>javascript:acted <!channel> <@acted> <https://acted.example|x>\\"

// Null is [Words] with the one character that records cannot have.
const Null = "\x00" + Words

// Long is [Words] and more than GitHub takes of anything.
func Long() string { return Words + strings.Repeat("very long ", 200_000) }

// Secrets are credentials, in whose place *** must be seen, in the forms that they have:
// within each is what Markdown, HTML, JSON and an address write another way, or what is
// shortened where it is long.
func Secrets() []string {
	return []string{
		"wild_t0ken*of<ours>&\"quoted\"/slash+plus=pad",
		"0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
		"0123456789abcdef0123456789abcdef01234567",
		"two words of a-pass_phrase",
	}
}
