/// The bytes of `value`, the lowest first.
func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A file with `header` and `data`; `length` replaces the true length of the header.
func safetensors(_ header: String, _ data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  little(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
}
