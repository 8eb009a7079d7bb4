/// What Transformers 5.23 made of four sentences with all-MiniLM-L6-v2: mean pooling, length one.
///
/// "A man is eating food.", "A man eats something.", "The weather in the mountains changes quickly.",
/// "Stock prices fell sharply on Monday."
enum MiniLM {
  /// The ids of the sentences.
  static let sentences: [[Int32]] = [
    [101, 1037, 2158, 2003, 5983, 2833, 1012, 102], [101, 1037, 2158, 20323, 2242, 1012, 102],
    [101, 1996, 4633, 1999, 1996, 4020, 3431, 2855, 1012, 102],
    [101, 4518, 7597, 3062, 9249, 2006, 6928, 1012, 102],
  ]
  /// The cosine of every pair, row by row.
  static let cosines = [
    1, 0.87493843, -0.05318134, -0.00616781, 0.87493843, 1, -0.04614763, -0.01967367,
    -0.05318134, -0.04614763, 1, 0.17020997, -0.00616781, -0.01967367, 0.17020997, 1,
  ]
  /// The first numbers of the first vector.
  static let firstValues = [0.033241563, 0.00440607, -0.006276987, 0.048378732]
  /// How many parameters the encoder has with its pooler.
  static let parameterCount = 22_713_216
}
