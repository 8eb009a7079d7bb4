/// How code points are written in lower case, each by itself, as the reference does it.
enum LowerCase {
  private static let map = PointMap(mappings)

  /// What a code point becomes, or nil where it stays.
  static func mapping(of point: UInt32) -> ArraySlice<UInt32>? { map[point] }
}
