import Foundation

/// Replaces strings by a table that SentencePiece has compiled.
///
/// The table is a trie in a double array, and the replacements with a zero byte after each. A grapheme
/// cluster of less than six bytes is looked up as a whole first, then its code points one by one; of all
/// entries that a string begins with, the shortest is taken for the whole of it. That is how the reference
/// does it.
struct PrecompiledNormalizer: Normalizer {
  private let units: [UInt32]
  private let replacements: [UInt8]
  /// What becomes of the ASCII characters; nil where one stays.
  private var ascii: [ArraySlice<UInt8>?] = []
  private let lineBreak: ArraySlice<UInt8>?

  private static let longestCluster = 5

  /// Reads the table.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let field = try object.required("precompiled_charsmap")
    try object.finish()
    guard let data = Data(base64Encoded: try field.string()) else {
      throw field.invalid(expected: "text in Base64")
    }
    let bytes = [UInt8](data)
    guard bytes.count >= 4 else { throw field.invalid(expected: "a table of SentencePiece") }
    let size = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    guard size > 0, size % 4 == 0, size <= bytes.count - 4 else {
      throw field.invalid(expected: "a table with a trie of the size it states")
    }
    let text = Array(bytes[(size + 4)...])
    guard String(validating: text, as: UTF8.self) != nil else {
      throw field.invalid(expected: "a table with replacements in UTF-8")
    }
    units = stride(from: 4, to: size + 4, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
    replacements = text
    lineBreak = Self.replacement(of: [0x0D, 0x0A], units, text)
    ascii = (UInt8(0)..<128).map { Self.replacement(of: [$0], units, text) }
  }

  /// What the shortest entry that `key` begins with is replaced by, nil where there is none.
  private static func replacement(
    of key: ArraySlice<UInt8>, _ units: [UInt32], _ replacements: [UInt8]
  ) -> ArraySlice<UInt8>? {
    var node = offset(of: units[0])
    for byte in key {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units[node]
      // The label carries a bit that is set in leaves, which hold values.
      if unit & 0x8000_00FF != UInt32(byte) { return nil }
      node ^= offset(of: unit)
      guard node < units.count else { return nil }
      if unit >> 8 & 1 == 1 {
        let start = Int(units[node] & 0x7FFF_FFFF)
        guard start <= replacements.count else { return nil }
        let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
        // An index into the middle of a character would be no text.
        guard String(validating: replacements[start..<end], as: UTF8.self) != nil else {
          return nil
        }
        return replacements[start..<end]
      }
    }
    return nil
  }

  private static func offset(of unit: UInt32) -> Int {
    Int(unit >> 10) << Int((unit & 0x200) >> 6)
  }

  private func replacement(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    Self.replacement(of: text, units, replacements)
  }

  func normalize(_ text: inout Text) {
    var output = text.emptyCopy(capacity: text.bytes.count)
    if text.bytes.allSatisfy({ $0 < 0x80 }) {
      var position = 0
      while position < text.bytes.count {
        let isBreak =
          text.bytes[position] == 0x0D && position + 1 < text.bytes.count
          && text.bytes[position + 1] == 0x0A
        append(text, position..<position + (isBreak ? 2 : 1), to: &output)
        position += isBreak ? 2 : 1
      }
    } else {
      var position = 0
      for character in String(decoding: text.bytes, as: UTF8.self) {
        let end = position + character.utf8.count
        append(text, position..<end, to: &output)
        position = end
      }
    }
    text = output
  }

  /// Appends what becomes of a grapheme cluster.
  private func append(_ text: Text, _ cluster: Range<Int>, to output: inout Text) {
    let first = text.bytes[cluster.lowerBound]
    if cluster.count == 1 {
      if let new = ascii[Int(first)] {
        append(new, for: text, cluster, to: &output)
      } else {
        output.append(first, from: text, at: cluster.lowerBound)
      }
      return
    }
    if cluster.count <= Self.longestCluster {
      let isBreak = cluster.count == 2 && first == 0x0D
      if let new = isBreak ? lineBreak : replacement(of: text.bytes[cluster]) {
        append(new, for: text, cluster, to: &output)
        return
      }
    }
    var position = cluster.lowerBound
    while position < cluster.upperBound {
      let part = position..<position + UTF8Reading.length(text.bytes[position])
      if let new = replacement(of: text.bytes[part]) {
        append(new, for: text, part, to: &output)
      } else {
        output.append(text, part)
      }
      position = part.upperBound
    }
  }

  /// Appends a replacement, whose characters stand for those they replace, one for one.
  private func append(
    _ new: ArraySlice<UInt8>, for text: Text, _ range: Range<Int>, to output: inout Text
  ) {
    if text.origins == nil {
      output.bytes += new
      return
    }
    var place = range.lowerBound
    var position = new.startIndex
    while position < new.endIndex {
      let end = position + UTF8Reading.length(new[position])
      output.append(new[position..<end], from: text, at: place)
      let following = place + UTF8Reading.length(text.bytes[place])
      if following < range.upperBound { place = following }
      position = end
    }
  }
}
