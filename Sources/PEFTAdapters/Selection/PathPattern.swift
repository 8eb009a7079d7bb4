/// A regular expression with Python's spelling, asked about module paths as Python's `re` would be.
struct PathPattern {
  private let regex: Regex<AnyRegexOutput>

  init(_ pattern: String, setting: String) throws(AdapterError) {
    do { regex = try Regex(pattern).matchingSemantics(.unicodeScalar) } catch {
      throw .invalidPattern(setting: setting, pattern: pattern, reason: "\(error)")
    }
  }

  /// Whether all of `path` matches: `re.fullmatch`.
  func matchesAll(of path: String) -> Bool { ((try? regex.wholeMatch(in: path)) ?? nil) != nil }

  /// Whether the beginning of `path` matches: `re.match`.
  func matchesStart(of path: String) -> Bool { ((try? regex.prefixMatch(in: path)) ?? nil) != nil }

  /// The number that the group `idx` holds where the beginning of `path` matches.
  func index(in path: String) -> Int? {
    ((try? regex.prefixMatch(in: path)) ?? nil)?["idx"]?.substring.flatMap { Int($0) }
  }
}

extension String {
  /// Whether this ends with exactly these bytes; `hasSuffix` would compare by canonical equivalence.
  func endsExactly(with suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  /// Whether this is `name`, or ends with it from a dot on.
  func isPath(of name: String) -> Bool {
    utf8.elementsEqual(name.utf8) || endsExactly(with: "." + name)
  }

  /// What stands after the last dot.
  var lastName: String {
    lastIndex(of: ".").map { String(self[index(after: $0)...]) } ?? self
  }
}

extension [String] {
  /// These paths and all that stand before a dot in one of them, each once.
  ///
  /// Members with dots in their names, as of BERT, stand below modules of Hugging Face's that have no counterpart here.
  var withAncestors: [String] {
    var (result, seen): ([String], Set<Substring>) = ([], [])
    for path in self {
      let ends = path.indices.filter { path[$0] == "." } + [path.endIndex]
      for end in ends where seen.insert(path[..<end]).inserted {
        result.append(String(path[..<end]))
      }
    }
    return result
  }
}
