/// Rows of numbers in base 36, the numbers of a row apart by spaces, each row ended by a comma.
enum PackedNumbers {
  /// Visits the rows.
  static func forEach(in text: StaticString, _ body: ([UInt32]) -> Void) {
    text.withUTF8Buffer { bytes in
      var row: [UInt32] = []
      var number: UInt32 = 0
      for byte in bytes {
        if let digit = RunTable.digit(byte) {
          number = number * 36 + UInt32(digit)
          continue
        }
        row.append(number)
        number = 0
        if byte == UInt8(ascii: ",") {
          body(row)
          row.removeAll(keepingCapacity: true)
        }
      }
    }
  }
}
