import PEFTTokenizers
import XCTest

final class ChatTemplateErrorTests: XCTestCase {
  /// A template, and the beginning of the error's description.
  private static let table: [(template: String, description: String)] = [
    ("{{ a", "chat template, line 1: a tag that does not end"),
    ("\n{% if x", "chat template, line 2: a tag that does not end"),
    ("{# x", "chat template, line 1: a comment that does not end"),
    ("{{ 'a }}", "chat template, line 1: a string that does not end"),
    ("{{ }}", "chat template, line 1: an expression is missing"),
    ("{{ 1 2 }}", "chat template, line 1: unexpected a number"),
    ("{{ ) }}", #"chat template, line 1: ")" without an opening one"#),
    ("{{ a ? }}", #"chat template, line 1: "?" in an expression"#),
    ("{{ (1 }}", #"chat template, line 1: "}" without an opening one"#),
    ("\n\n{% if x %}a", "chat template, line 3: expected endif, found the end"),
    ("{% for x in y %}", "chat template, line 1: expected endfor, found the end"),
    ("{% endif %}", "chat template, line 1: the tag endif where nothing is open"),
    ("{% for x y %}", #"chat template, line 1: expected "in", found "y""#),
    ("{% for x in y recursive %}", "chat template, line 1: a recursive loop is not supported"),
    ("{% set x %}", "chat template, line 1: expected endset, found the end"),
    ("{% set x | trim %}", "chat template, line 1: a filter on a block is not supported"),
    ("{% include 'x' %}", #"chat template, line 1: the tag "include" is not supported"#),
    ("{% raw %}", #"chat template, line 1: the tag "raw" is not supported"#),
    ("{% call x() %}", #"chat template, line 1: the tag "call" is not supported"#),
    ("{{ f(*x) }}", "chat template, line 1: an argument with a star is not supported"),
    ("{{ '\\x' }}", "chat template, line 1: a string with a wrong escape"),
    ("{{ '\\ud800' }}", "chat template, line 1: half of a surrogate pair"),
    ("{{ 99999999999999999999 }}", "chat template, line 1: the number 99999999999999999999"),
    ("{{ x[1:2:3:4] }}", "chat template, line 1: a slice of more than three parts"),
    ("{{ x[] }}", "chat template, line 1: an index is missing"),
    ("{{ x | odd }}", #"chat template, line 1: the filter "odd" is not supported"#),
    ("{{ x is strange }}", #"chat template, line 1: the test "strange" is not supported"#),
    ("\n{{ f() }}", #"chat template, line 2: a call of "f", which is not defined"#),
    ("{{ x.y }}", #"chat template, line 1: "x", which is not defined, has no "y""#),
    ("{{ 'a' % 1 }}", "chat template, line 1: formatting by % is not supported"),
    ("{{ 'a' - 1 }}", "chat template, line 1: a string - an integer"),
    ("{{ 2 ** 3 }}", #"chat template, line 1: "**" of integers is not supported"#),
    ("{{ 1 // 0 }}", "chat template, line 1: a division by zero"),
    ("{{ 9223372036854775807 + 1 }}", "chat template, line 1: an integer of more than 64 bits"),
    ("{{ -9223372036854775807 - 2 }}", "chat template, line 1: an integer of more than 64 bits"),
    ("{% for a, b in [1] %}{% endfor %}", "chat template, line 1: an integer where 2 values"),
    ("{% for a in 1 %}{% endfor %}", "chat template, line 1: an integer has no elements"),
    ("{% set a, b = [1] %}", "chat template, line 1: 1 values for 2 names"),
    ("{% set x.y = 1 %}", #"chat template, line 1: "x" is no namespace"#),
    ("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", "chat template, line 1: f takes 1 arguments"),
    (
      "{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", #"chat template, line 1: f has no argument "b""#
    ),
    ("{{ {1: 2} }}", "chat template, line 1: a dictionary with a key that is no string"),
    ("{{ [][::0] }}", "chat template, line 1: a slice with a step of 0"),
    ("{{ range(0, 9, 0) }}", "chat template, line 1: a range with a step of 0"),
    ("{{ x | tojson }}", #"chat template, line 1: tojson of "x", which is not defined"#),
    ("{{ strftime_now('%Q') }}", "chat template, line 1: this format of a date"),
    ("{{ raise_exception('no') }}", "chat template, line 1, refuses the messages: no"),
    // Templates that would take for ever or all of the memory.
    ("{{ range(100000000) }}", "chat template, line 1: a range of more than"),
    ("{{ range(-9223372036854775807, 9223372036854775807) }}", "chat template, line 1: a range of"),
    ("{{ 'a' * 1000000000000 }}", "chat template, line 1: a text of more than"),
    (
      "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}"
        + "{% endfor %}", "chat template, line 1: the template does not come to an end"
    ),
    (
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
        + "{% endfor %}{{ ns.x }}", "chat template, line 1: a text of more than"
    ),
    (
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
        + "{% endfor %}", "chat template, line 1: the template does not come to an end"
    ),
    (
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "chat template, line 1: nesting deeper than"
    ),
    (
      "{{ " + String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000)
        + " }}", "chat template, line 1: nesting deeper than"
    ),
    ("{{ 1" + String(repeating: " + 1", count: 10_000) + " }}", "chat template, line 1: nesting"),
    ("{{ a" + String(repeating: ".a", count: 10_000) + " }}", "chat template, line 1: nesting"),
    ("{{ " + String(repeating: "not ", count: 10_000) + "a }}", "chat template, line 1: nesting"),
    ("{{ " + String(repeating: "-", count: 10_000) + "1 }}", "chat template, line 1: nesting"),
    (
      String(repeating: "{% if a %}", count: 10_000), "chat template, line 1: nesting deeper than"
    ),
    ("{{ " + String(repeating: "a if ", count: 10_000) + "a }}", "chat template, line 1: nesting"),
    (String(repeating: " ", count: 2_000_000), "chat template, line 1: the template has more than"),
  ]

  func testTemplatesThatCannotBeUsed() {
    for (source, description) in Self.table {
      let note = String(source.prefix(80))
      XCTAssertThrowsError(try ChatTemplate(source).render([]), note) { error in
        let found = (error as? ChatTemplateError)?.description ?? "\(error)"
        XCTAssert(found.hasPrefix(description), "\(note): \(found), not \(description)")
      }
    }
  }

  func testMessagesThatAreNone() {
    for text in ["", "[]", "{", "1"] {
      XCTAssertThrowsError(try ChatMessage(json: text), text) {
        guard case .invalidJSON? = $0 as? ChatTemplateError else { return XCTFail("\($0)") }
      }
    }
    XCTAssertThrowsError(try ChatTemplate("").render([], tools: ["x"]))
  }
}
