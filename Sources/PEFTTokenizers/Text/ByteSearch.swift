extension [UInt8] {
  /// Whether the bytes of `other` stand at `position`.
  func matches(_ other: [UInt8], at position: Int) -> Bool {
    if position + other.count > count { return false }
    var offset = 0
    while offset < other.count {
      if self[position + offset] != other[offset] { return false }
      offset += 1
    }
    return true
  }
}
